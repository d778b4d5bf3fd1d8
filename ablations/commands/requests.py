"""What can be asked of each command: the fields of a request are its options, with their help and default.

Python callers use the same requests: ``run_grid(GridRequest(grid="skip", budget="smoke"))``. All is text, numbers and
paths that nobody has checked yet: each command says what it takes. Standard library only, so that help starts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ablations.commands.options import argument, option, request

LISTS = ("axes", "presets", "grids", "budgets", "datasets", "extractors", "samplers", "processes")
FIRST_CALIBRATION_SEED = 1000
BUDGET, SAMPLER, WEIGHTS, DRAWING_BATCH = "cpu", "dpm_solver", "ema", 256

_CHECKPOINT = partial(argument, "A checkpoint file, or the folder of a cell's checkpoints.")
_CELLS = partial(argument, "Checkpoints, or output folders of `uvit run`.")
_CELLS_SEED = partial(option, "Seed of an output folder's cells.", default=0)
_CELLS_OUT = partial(option, "Output folder (default: the cells' own).", default=None)
_DATASETS = "A dataset of `uvit list datasets`, folder:PATH or npz:PATH."
_DATASET = partial(option, _DATASETS, default="photos")
_OTHER_DATASET = partial(option, "In place of the dataset that was trained on.", default="")
_IMAGE_SIZE = partial(option, "Pixels a side in place of the dataset's.", default=0)
_WEIGHTS = partial(option, "ema or raw.", default=WEIGHTS)
_SAMPLER = partial(option, "A sampler of `uvit list samplers`.", default=SAMPLER)
_NFE = partial(option, "Network evaluations an image; 0 = the sampler's default.", default=0)
_LABELS = partial(option, "A class to draw; repeatable, taken in turn (default: all).", default=(), flag="--label")
_BATCH = partial(option, "Images at a time.")
_EXTRACTOR = partial(option, "An extractor of `uvit list extractors`.", default="effnet-lite0")
_DEVICE = partial(option, "auto, cpu, cuda, cuda:1 or mps.", default="auto")
_PRECISION = partial(option, "auto, float32 or bfloat16.", default="auto")
_DATA_DIR = partial(option, "Where datasets lie (else UVIT_DATA, else ./data).", default=None)
_EXTRACTOR_WEIGHTS = partial(option, "A local file with the extractor's weights.", default=None)
_SETTINGS = partial(option, "Override a field: training.steps=200; repeatable.", default=(), flag="--set")
_JOBS = partial(option, "Cells side by side; 0 = one a core or GPU.", default=0)
_THREADS = partial(option, "CPU threads a cell; 0 = share the cores.", default=0)
_COMPILE = partial(option, "Compile the training step (default: as the grid was started, else off).", default=None)
_GRADIENT_CHECKPOINTING = partial(
    option, "Recompute blocks in the backward pass: less memory, more time (default as --compile's).", default=None
)
_CUDA_GRAPHS = partial(
    option,
    "Replay the training step as a CUDA graph (default: as the grid was started, else on a CUDA GPU).",
    default=None,
)
_ENGINE = partial(option, "Where cells run: local.", default="local")
_TRACK = partial(option, "Scalars and images as they come: tensorboard, under OUT/tensorboard.", default="")
_PLUGINS = partial(option, "A Python file that registers your own axes; repeatable.", default=(), flag="--plugin")


@request
class ListRequest:
    """``uvit list``."""

    kind: str = argument("One of: " + ", ".join(LISTS) + ".")
    as_json: bool = option("Print JSON on standard output.", default=False, flag="--json")
    plugins: Sequence[Path] = _PLUGINS()


@request
class GridRequest:
    """``uvit run`` and, without what a plan has no use for (`RUN_ALONE`), ``uvit plan``."""

    grid: str = argument("A grid of `uvit list grids`, or a TOML file.")
    preset: str | None = option("Preset in place of the budget's, such as uvit-s/2.", default=None)
    dataset: str = _DATASET()
    budget: str = option("A budget of `uvit list budgets`.", default=BUDGET)
    seeds: int | None = option("Seeds a cell, judged once all are there (default: the budget's).", default=None)
    first_seed: int | None = option("The first seed (default: the budget's, else 0).", default=None)
    until_resolved: bool = option(
        "In place of --seeds: look at 3, 6 and 12 seeds; an arm that a look resolves runs no further.", default=False
    )
    max_hours: float = option("After so many hours no new cell starts; 0 = no limit.", default=0.0)
    repeats: int = option("Train so many of its cells once more, from weights moved by one rounding.", default=0)
    match: str = option("params or macs: add arms sized to the baseline (default: as the grid says).", default="")
    out: Path | None = option("Output folder (default runs/GRID).", default=None)
    device: str = _DEVICE()
    precision: str = _PRECISION()
    settings: Sequence[str] = _SETTINGS()
    jobs: int = _JOBS()
    threads: int = _THREADS()
    compile: bool | None = _COMPILE()
    gradient_checkpointing: bool | None = _GRADIENT_CHECKPOINTING()
    cuda_graphs: bool | None = _CUDA_GRAPHS()
    engine: str = _ENGINE()
    track: str = _TRACK()
    data_dir: Path | None = _DATA_DIR()
    extractor_weights: Path | None = _EXTRACTOR_WEIGHTS()
    plugins: Sequence[Path] = _PLUGINS()


RUN_ALONE = (
    *("repeats", "max_hours", "out", "jobs", "threads", "compile", "gradient_checkpointing", "cuda_graphs", "engine"),
    "track",
    "extractor_weights",
)


@request
class CalibrateRequest:
    """``uvit calibrate``."""

    budget: str = argument("A budget of `uvit list budgets`.")
    preset: str | None = option("Preset in place of the budget's, such as uvit-s/2.", default=None)
    dataset: str = _DATASET()
    grid: str = option("The grid whose spreads count.", default="skip")
    arms: str = option(
        "Its arms beside the baseline, such as add,none, or all (default: its first and last).", default=""
    )
    seeds: int = option("Calibration seeds a cell.", default=5)
    first_seed: int = option("The first of them; those of verdicts are below 1000.", default=FIRST_CALIBRATION_SEED)
    repeats: int = option("Cells trained once more, from weights moved by one rounding.", default=8)
    tuned_on: str = option("What its learning rate was tuned on, for the record.", default="")
    out: Path | None = option("Output folder (default runs/calibrate-BUDGET).", default=None)
    device: str = _DEVICE()
    precision: str = _PRECISION()
    settings: Sequence[str] = _SETTINGS()
    jobs: int = _JOBS()
    threads: int = _THREADS()
    compile: bool | None = _COMPILE()
    gradient_checkpointing: bool | None = _GRADIENT_CHECKPOINTING()
    cuda_graphs: bool | None = _CUDA_GRAPHS()
    engine: str = _ENGINE()
    track: str = _TRACK()
    data_dir: Path | None = _DATA_DIR()
    plugins: Sequence[Path] = _PLUGINS()


@request
class ReportRequest:
    """``uvit report``."""

    folders: Sequence[Path] = argument("Output folders of `uvit run`.")
    out: Path | None = option("Where the report goes (default FOLDER/report).", default=None)


@request
class VerdictRequest:
    """``uvit verdict``."""

    folder: Path = argument("The output folder of a `uvit run`.")


@request
class WatchRequest:
    """``uvit watch``."""

    folder: Path = argument("Output folder of a `uvit run` that is going on.")
    once: bool = option("Print one frame and exit.", default=False)
    interval: float = option("Seconds between two frames.", default=2.0)


@request
class ProfileRequest:
    """``uvit profile``."""

    variants: Sequence[str] = argument("Variants, such as uvit-s/2+skip=add, or checkpoints.", default=())
    grid: str | None = option("Profile the arms of a grid as well.", default=None)
    preset: str | None = option("Preset of the grid's arms.", default=None)
    dataset: str = _DATASET()
    image_size: int = _IMAGE_SIZE()
    channels: int = option("Channels in place of the dataset's.", default=0)
    num_classes: int = option("Classes to condition on; 0 = none.", default=0)
    null_label: bool = option("One more label row, for label dropout.", default=False)
    context_tokens: int = option("Context tokens; 0 = none.", default=0)
    context_dim: int = option("Features of a context token.", default=0)
    mode: str = option("Some of count,forward,train,sample.", default="forward")
    batch_sizes: str = option("Such as 1,64 (of one device), or auto.", default="16")
    dtypes: str = option("Some of float32,bfloat16,float16.", default="float32")
    compile: bool = option("Also with torch.compile.", default=False)
    channels_last: bool = option("Also with channels last.", default=False)
    cuda_graphs: bool = option("Also as a CUDA graph.", default=False)
    gradient_checkpointing: bool = option("Also with gradient checkpointing.", default=False)
    sampler: str = _SAMPLER()
    nfe: int = option("Network evaluations an image.", default=50)
    rounds: int = option("Timed rounds of each measurement.", default=10)
    fresh: bool = option("A process of its own for each variant.", default=False)
    measure_peak: bool = option("MFU against a matrix product on the spot as well.", default=False)
    out: Path | None = option("Output folder (default runs/profile).", default=None)
    device: str = _DEVICE()
    data_dir: Path | None = _DATA_DIR()
    plugins: Sequence[Path] = _PLUGINS()

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.out or Path("runs/profile")


@request
class SampleRequest:
    """``uvit sample``."""

    checkpoint: Path = _CHECKPOINT()
    out: Path = option("FILE.npz, or a folder for PNG files.")
    count: int = option("Images to draw.", default=64)
    seed: int = option("Seed of the initial noise.", default=0)
    sampler: str = _SAMPLER()
    nfe: int = _NFE()
    weights: str = _WEIGHTS()
    labels: Sequence[int] = _LABELS()
    guidance: float = option("s in c + s(c - u), the paper's scale; 0 = none.", default=0.0)
    prompts: Sequence[str] = option("A text to draw; repeatable, taken in turn.", default=(), flag="--prompt")
    text_encoder: Path | None = option("A CLIP folder (default: as captions were encoded).", default=None)
    autoencoder: Path | None = option("Decode latents with this one (default: as they were encoded).", default=None)
    batch: int = _BATCH(default=DRAWING_BATCH)
    device: str = _DEVICE()
    precision: str = _PRECISION()
    plugins: Sequence[Path] = _PLUGINS()


@request
class ImportRequest:
    """``uvit import-weights``; what is None is told by the weights' shapes, or else by the paper's networks."""

    file: Path = argument("Weights of baofff/U-ViT: a .pth or .safetensors file.")
    out: Path = option("A new folder for the checkpoint.")
    num_heads: int | None = option("Heads (default: the paper's, else width / 64).", default=None)
    null_label: bool | None = option(
        "Is the last label row guidance's null label (default: of 1,001 rows)?", default=None
    )
    context_tokens: int | None = option("Tokens of a text-to-image network's text (default 77).", default=None)
    process: str = option("Process it was trained with (default: as the paper's of its kind).", default="")
    autoencoder: str = option("What decodes its latents, where it has four channels.", default="")
    scale: float = option("Of those latents (default 0.18215, of text-to-image 0.2301).", default=0.0)
    step: int = option("Training steps behind the weights, for the record.", default=0)


@request
class ExportRequest:
    """``uvit export-weights``."""

    checkpoint: Path = _CHECKPOINT()
    out: Path = option("FILE.pth or FILE.safetensors.")
    weights: str = _WEIGHTS()
    plugins: Sequence[Path] = _PLUGINS()


@request
class CkaRequest:
    """``uvit cka``."""

    cells: Sequence[Path] = _CELLS()
    arms: str = option("Arms of an output folder, such as concat,add,none.", default="")
    seed: int = _CELLS_SEED()
    out: Path | None = _CELLS_OUT()
    images: int = option("Held-out images at each time, at most.", default=1_024)
    batch: int = option("Images of a minibatch; moves no mean.", default=64)
    times: str = option("Times in (0, 1), such as 0.1,0.5 (default 0.1,0.3,…,0.9).", default="", flag="--t")
    weights: str = _WEIGHTS()
    dataset: str = _OTHER_DATASET()
    device: str = _DEVICE()
    precision: str = _PRECISION(default="float32")
    data_dir: Path | None = _DATA_DIR()
    plugins: Sequence[Path] = _PLUGINS()


@request
class EncodeRequest:
    """``uvit encode``."""

    dataset: str = argument(_DATASETS)
    autoencoder: str = option("A diffusers folder or .safetensors file of one, or sd-vae-ft-mse.")
    out: Path = option("The folder of latents to write; train on latents:FOLDER.")
    image_size: int = _IMAGE_SIZE()
    batch: int = _BATCH(default=64)
    scale: float = option("What latents are multiplied by (default: as saved).", default=0.0)
    flips: bool | None = option("Mirror images too, and train on both (default: dataset's).", default=None)
    text_encoder: str = option("A CLIP folder; encodes the dataset's captions too.", default="")
    device: str = _DEVICE()
    data_dir: Path | None = _DATA_DIR()
    plugins: Sequence[Path] = _PLUGINS()


@request
class NeighboursRequest:
    """``uvit neighbours``."""

    cells: Sequence[Path] = _CELLS()
    arms: str = option("Arms of an output folder, such as concat,add.", default="")
    seed: int = _CELLS_SEED()
    out: Path | None = _CELLS_OUT()
    count: int = option("Samples, and as many held-out images.", default=256)
    neighbours: int = option("Nearest training images of each.", default=3)
    sampler: str = _SAMPLER()
    nfe: int = _NFE()
    guidance: float = option("s in c + s (c - u); 0 = none.", default=0.0)
    training_images: int = option("Training images that are compared; 0 = all.", default=0)
    batch: int = option("Samples at a time.", default=DRAWING_BATCH)
    weights: str = _WEIGHTS()
    extractor: str = _EXTRACTOR()
    dataset: str = _OTHER_DATASET()
    device: str = _DEVICE()
    precision: str = _PRECISION()
    data_dir: Path | None = _DATA_DIR()
    extractor_weights: Path | None = _EXTRACTOR_WEIGHTS()
    plugins: Sequence[Path] = _PLUGINS()


@request
class ScoreRequest:
    """``uvit score``. How images are drawn is for a checkpoint alone; what is empty or 0 there is as it usually is."""

    images: str = argument("A folder, an .npz, dataset:split such as photos:held_out, or a checkpoint.")
    reference: str = argument("The images to compare with: a folder, an .npz or dataset:split.")
    extractor: str = _EXTRACTOR()
    count: int = option("Images to draw from a checkpoint; 0 = 10,000.", default=0)
    seed: int = option("Seed of a checkpoint's initial noise.", default=0)
    sampler: str = option(f"Sampler of a checkpoint (default {SAMPLER}).", default="")
    nfe: int = option("Evaluations an image; 0 = the sampler's default.", default=0)
    weights: str = option("ema or raw weights of a checkpoint.", default="")
    labels: Sequence[int] = _LABELS()
    guidance: float = option("s in c + s(c - u) of a checkpoint; 0 = none.", default=0.0)
    prompts: Sequence[str] = option("A text to draw; repeatable.", default=(), flag="--prompt")
    text_encoder: Path | None = option("A CLIP folder, for prompts.", default=None)
    autoencoder: Path | None = option("Decode a checkpoint's latents with this one.", default=None)
    device: str = _DEVICE()
    data_dir: Path | None = _DATA_DIR()
    extractor_weights: Path | None = _EXTRACTOR_WEIGHTS()
    plugins: Sequence[Path] = _PLUGINS()
