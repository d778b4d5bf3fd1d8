"""Datasets: found, decoded once to memory-mapped uint8, served without worker processes."""

from bench.data.captions import Captions
from bench.data.dataset import Dataset, Split
from bench.data.image_sets import load_images
from bench.data.load import find_recipe, list_datasets, load_dataset
from bench.data.source import DATASETS, Chunk, DatasetRequest, Recipe, Source
from bench.data.tensors import batch, latents, to_uint8, to_unit

__all__ = [
    "DATASETS",
    "Captions",
    "Chunk",
    "Dataset",
    "DatasetRequest",
    "Recipe",
    "Source",
    "Split",
    "batch",
    "find_recipe",
    "latents",
    "list_datasets",
    "load_dataset",
    "load_images",
    "to_uint8",
    "to_unit",
]
