"""How images are scored: features, statistics, distance. Importing this package does not import torch."""

from bench.fid.distance import frechet_distance, frechet_from_features
from bench.fid.extractor import EXTRACTORS, Extractor, load_extractor
from bench.fid.kernel import kernel_distance
from bench.fid.metric_names import metric_name
from bench.fid.metrics import METRICS, Scored, score_images
from bench.fid.precision_recall import precision_recall
from bench.fid.reference import Reference, reference_for
from bench.fid.statistics import Statistics

__all__ = [
    "EXTRACTORS",
    "METRICS",
    "Extractor",
    "Reference",
    "Scored",
    "Statistics",
    "frechet_distance",
    "frechet_from_features",
    "kernel_distance",
    "load_extractor",
    "metric_name",
    "precision_recall",
    "reference_for",
    "score_images",
]
