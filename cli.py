"""The ``uvit`` command. Heavy imports stay inside the commands, so that help, lists and reports start at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="uvit",
    help="Which architectural choice of a diffusion backbone is better, at what cost, and is the difference real?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LISTS = ("axes", "presets", "grids", "budgets", "datasets", "extractors", "samplers", "processes")

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Plugins = Annotated[
    list[Path] | None, typer.Option("--plugin", help="A Python file that registers your own axes; repeatable.")
]
Preset = Annotated[str | None, typer.Option("--preset", help="Preset in place of the budget's, such as uvit-s/2.")]
DatasetName = Annotated[
    str, typer.Option("--dataset", help="A dataset of `uvit list datasets`, folder:PATH or npz:PATH.")
]
BudgetName = Annotated[str, typer.Option("--budget", help="A budget of `uvit list budgets`.")]
Seeds = Annotated[int, typer.Option("--seeds", help="Seeds a cell: 0 to N-1.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Override a field: training.steps=200; repeatable.")]
Match = Annotated[
    str, typer.Option("--match", help="params or macs: add arms sized to the baseline (default: as the grid says).")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps.")]
PrecisionName = Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16.")]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile", help="Compile the training step (default: as the grid was started, else off)."
    ),
]
Checkpointing = Annotated[
    bool | None,
    typer.Option(
        "--gradient-checkpointing/--no-gradient-checkpointing",
        help="Recompute blocks in the backward pass: less memory, more time (default as --compile's).",
    ),
]
CudaGraphs = Annotated[
    bool | None,
    typer.Option(
        "--cuda-graphs/--no-cuda-graphs",
        help="Replay the training step as a CUDA graph (default: as the grid was started, else on a CUDA GPU).",
    ),
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where datasets lie (else UVIT_DATA, else ./data).")]
ExtractorWeights = Annotated[
    Path | None, typer.Option("--extractor-weights", help="A local file with the extractor's weights.")
]


def main(args: list[str] | None = None) -> int:
    """Run the command line. 0 done, 1 something failed and is on record, 2 the request was wrong, 130 interrupted."""
    try:
        code = app(args, standalone_mode=False) or 0
        if code == 130:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
        return code
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; what was finished is kept, and the same command goes on from there")
        return 130
    except typer.TyperException as error:
        _complain(error.format_message())
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, FileNotFoundError) as error:
        _debug()
        _complain(str(error))
        return 2
    except OSError as error:
        _debug()
        where = f" ({error.filename})" if error.filename else ""
        _complain(f"could not read or write: {error.strerror or error}{where}; nothing half-written was left")
        return 1


def _complain(message: str) -> None:
    print(f"uvit: {message}", file=sys.stderr)


def _debug() -> None:
    """With UVIT_DEBUG set, the traceback that a one-line error hides."""
    if os.environ.get("UVIT_DEBUG"):
        import traceback

        traceback.print_exc()


def _load_plugins(plugins: list[Path] | None) -> None:
    from variants import load_plugin

    for path in plugins or []:
        load_plugin(path)


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="One of: " + ", ".join(LISTS) + ".")],
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """List axes, presets, grids, budgets, datasets, extractors, samplers or processes."""
    from ablations.commands.listing import describe

    _load_plugins(plugin)
    rows = describe(kind)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _print_rows(rows)


def _print_rows(rows: list[dict[str, Any]]) -> None:
    """One line a row, its options indented below it."""
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        about = row.get("about") or ", ".join(
            f"{k} {v}" for k, v in row.items() if k not in ("name", "options", "about")
        )
        print(f"{row['name']:<{width}}  {about}")
        for option in row.get("options", []):
            mark = "*" if option["name"] == row.get("default") else " "
            print(f"{'':<{width}}  {mark} {option['name']:<12} {option['formula']}")


@app.command()
def plan(
    grid: Annotated[str, typer.Argument(help="A grid of `uvit list grids`, or a TOML file.")],
    preset: Preset = None,
    dataset: DatasetName = "photos",
    budget: BudgetName = "cpu",
    seeds: Seeds = 1,
    match: Match = "",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    setting: Settings = None,
    data_dir: DataDir = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Show the cells of a grid, their sizes and their cost, and train nothing."""
    from ablations.commands.run import Request, make_plan, plan_rows, print_plan

    _load_plugins(plugin)
    request = Request(
        grid=grid,
        preset=preset,
        dataset=dataset,
        budget=budget,
        seeds=seeds,
        match=match,
        settings=setting or [],
        device=device,
        precision=precision,
        data_dir=data_dir,
    )
    made, _ = make_plan(request)
    if as_json:
        print(json.dumps(plan_rows(made), indent=2))
    else:
        print_plan(made)


@app.command()
def run(
    grid: Annotated[str, typer.Argument(help="A grid of `uvit list grids`, or a TOML file.")],
    preset: Preset = None,
    dataset: DatasetName = "photos",
    budget: BudgetName = "cpu",
    seeds: Seeds = 1,
    match: Match = "",
    out: Annotated[Path | None, typer.Option("--out", help="Output folder (default runs/GRID).")] = None,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    setting: Settings = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Cells side by side; 0 = one a core or GPU.")] = 0,
    threads: Annotated[int, typer.Option("--threads", help="CPU threads a cell; 0 = share the cores.")] = 0,
    compile_: Compile = None,
    gradient_checkpointing: Checkpointing = None,
    cuda_graphs: CudaGraphs = None,
    engine: Annotated[str, typer.Option("--engine", help="Where cells run: local.")] = "local",
    track: Annotated[
        str, typer.Option("--track", help="Scalars and images as they come: tensorboard, under OUT/tensorboard.")
    ] = "",
    data_dir: DataDir = None,
    extractor_weights: ExtractorWeights = None,
    plugin: Plugins = None,
) -> None:
    """Train and score every cell of a grid, then print its table; finished cells are skipped."""
    from ablations.commands.run import Request, run_grid

    _load_plugins(plugin)
    request = Request(
        grid=grid,
        preset=preset,
        dataset=dataset,
        budget=budget,
        seeds=seeds,
        match=match,
        settings=setting or [],
        device=device,
        precision=precision,
        compile=compile_,
        gradient_checkpointing=gradient_checkpointing,
        cuda_graphs=cuda_graphs,
        data_dir=data_dir,
    )
    folder, code = run_grid(
        request,
        out=out,
        jobs=jobs,
        threads=threads,
        engine=engine,
        extractor_weights=extractor_weights,
        plugins=plugin or [],
        track=track,
    )
    _report([folder])
    raise typer.Exit(code)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Output folders of `uvit run`.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where the report goes (default FOLDER/report).")] = None,
) -> None:
    """Print the tables of a run, then write Markdown, CSV and plots from its records."""
    _report(folders, out)


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="Output folder of a `uvit run` that is going on.")],
    once: Annotated[bool, typer.Option("--once", help="Print one frame and exit.")] = False,
    interval: Annotated[float, typer.Option("--interval", help="Seconds between two frames.")] = 2.0,
) -> None:
    """Show a running grid: cells done, running, failed and pending, time left, current table. Ends with the grid."""
    from rich.console import Console

    from reports.formats.terminal import FALLBACK
    from reports.watch.screen import watch as show

    console = Console(width=None if sys.stdout.isatty() else FALLBACK[0], highlight=False, emoji=False)
    raise typer.Exit(show(folder, console, interval=interval, once=once))


def _report(folders: list[Path], out: Path | None = None) -> None:
    """Tables at once; then the figures, which take seconds, and the page; last where the page is."""
    from reports import compose, find, write
    from reports.formats import terminal

    composed = compose(find(folders))
    _print_now(terminal.text(composed))
    page, *_ = write(composed, out)
    _print_now(f"page: {page.with_name('index.html')}\nreport: {page}")


def _print_now(text: str) -> None:
    """Print and flush. A reader that is gone, as `head` is after the table, costs neither files nor the exit code."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def profile(
    variants: Annotated[
        list[str] | None, typer.Argument(help="Variants, such as uvit-s/2+skip=add, or checkpoints.")
    ] = None,
    grid: Annotated[str | None, typer.Option("--grid", help="Profile the arms of a grid as well.")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Preset of the grid's arms.")] = None,
    dataset: DatasetName = "photos",
    image_size: Annotated[int, typer.Option("--image-size", help="Pixels a side in place of the dataset's.")] = 0,
    channels: Annotated[int, typer.Option("--channels", help="Channels in place of the dataset's.")] = 0,
    num_classes: Annotated[int, typer.Option("--num-classes", help="Classes to condition on; 0 = none.")] = 0,
    null_label: Annotated[bool, typer.Option("--null-label", help="One more label row, for label dropout.")] = False,
    context_tokens: Annotated[int, typer.Option("--context-tokens", help="Context tokens; 0 = none.")] = 0,
    context_dim: Annotated[int, typer.Option("--context-dim", help="Features of a context token.")] = 0,
    mode: Annotated[str, typer.Option("--mode", help="Some of count,forward,train,sample.")] = "forward",
    batch_sizes: Annotated[str, typer.Option("--batch-sizes", help="Such as 1,64 (of one device), or auto.")] = "16",
    dtypes: Annotated[str, typer.Option("--dtypes", help="Some of float32,bfloat16,float16.")] = "float32",
    compile_: Annotated[bool, typer.Option("--compile", help="Also with torch.compile.")] = False,
    channels_last: Annotated[bool, typer.Option("--channels-last", help="Also with channels last.")] = False,
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="Also as a CUDA graph.")] = False,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Also with gradient checkpointing.")
    ] = False,
    sampler: Annotated[str, typer.Option("--sampler", help="A sampler of `uvit list samplers`.")] = "dpm_solver",
    nfe: Annotated[int, typer.Option("--nfe", help="Network evaluations an image.")] = 50,
    rounds: Annotated[int, typer.Option("--rounds", help="Timed rounds of each measurement.")] = 10,
    fresh: Annotated[bool, typer.Option("--fresh", help="A process of its own for each variant.")] = False,
    measure_peak: Annotated[
        bool, typer.Option("--measure-peak", help="MFU against a matrix product on the spot as well.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Output folder (default runs/profile).")] = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Count and measure what variants cost: parameters, MACs, images/s, memory."""
    from ablations.commands.profile import ProfileRequest
    from ablations.commands.profile import profile as measure

    _load_plugins(plugin)
    switches = {
        "compile": compile_,
        "channels_last": channels_last,
        "cuda_graphs": cuda_graphs,
        "gradient_checkpointing": gradient_checkpointing,
    }
    request = ProfileRequest(
        variants=variants or [],
        grid=grid,
        preset=preset,
        dataset=dataset,
        data_dir=data_dir,
        image_size=image_size,
        channels=channels,
        num_classes=num_classes,
        null_label=null_label,
        context_tokens=context_tokens,
        context_dim=context_dim,
        mode=mode,
        dtypes=dtypes,
        batch_sizes=batch_sizes,
        switches=[name for name, on in switches.items() if on],
        sampler=sampler,
        nfe=nfe,
        device=device,
        rounds=rounds,
        fresh=fresh,
        measure_peak=measure_peak,
        plugins=plugin or [],
    )
    root = out or Path("runs/profile")
    records = list(measure(request, root))
    if as_json:
        print(json.dumps([json.loads(record.to_json()) for record in records], indent=2))
    elif records:
        from rich.console import Console

        from reports import show_profiles

        show_profiles(records, Console(width=None if sys.stdout.isatty() else 160))
        print(f"\nrecords: {root / 'profiles'}")
    raise typer.Exit(int(any(not record.ok for record in records)))


@app.command()
def sample(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint file, or the folder of a cell's checkpoints.")],
    out: Annotated[Path, typer.Option("--out", help="FILE.npz, or a folder for PNG files.")],
    count: Annotated[int, typer.Option("--count", help="Images to draw.")] = 64,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the initial noise.")] = 0,
    sampler: Annotated[str, typer.Option("--sampler", help="A sampler of `uvit list samplers`.")] = "dpm_solver",
    nfe: Annotated[int, typer.Option("--nfe", help="Network evaluations an image; 0 = the sampler's default.")] = 0,
    weights: Annotated[str, typer.Option("--weights", help="ema or raw.")] = "ema",
    label: Annotated[
        list[int] | None, typer.Option("--label", help="A class to draw; repeatable, taken in turn (default: all).")
    ] = None,
    guidance: Annotated[
        float, typer.Option("--guidance", help="s in c + s(c - u), the paper's scale; 0 = none.")
    ] = 0.0,
    prompt: Annotated[
        list[str] | None, typer.Option("--prompt", help="A text to draw; repeatable, taken in turn.")
    ] = None,
    text_encoder: Annotated[
        Path | None, typer.Option("--text-encoder", help="A CLIP folder (default: as captions were encoded).")
    ] = None,
    autoencoder: Annotated[
        Path | None, typer.Option("--autoencoder", help="Decode latents with this one (default: as they were encoded).")
    ] = None,
    batch: Annotated[int, typer.Option("--batch", help="Images at a time.")] = 256,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    plugin: Plugins = None,
) -> None:
    """Draw images from a checkpoint into an .npz (uint8, N H W C) or a folder of PNG files."""
    from bench.trained.drawing import Drawing
    from bench.trained.sample import sample_checkpoint

    _load_plugins(plugin)
    drawing = Drawing(
        count=count,
        seed=seed,
        sampler=sampler,
        nfe=nfe,
        labels=tuple(label or ()),
        guidance=guidance,
        prompts=tuple(prompt or ()),
        text_encoder=text_encoder,
        autoencoder=autoencoder,
        batch=batch,
    )
    where = sample_checkpoint(checkpoint, drawing, out=out, weights=weights, device=device, precision=precision)
    print(f"{count} images in {where}")


@app.command("import-weights")
def import_weights(
    file: Annotated[Path, typer.Argument(help="Weights of baofff/U-ViT: a .pth or .safetensors file.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the checkpoint.")],
    num_heads: Annotated[
        int | None, typer.Option("--num-heads", help="Heads (default: the paper's, else width / 64).")
    ] = None,
    null_label: Annotated[
        bool | None,
        typer.Option(
            "--null-label/--no-null-label", help="Is the last label row guidance's null label (default: of 1,001 rows)?"
        ),
    ] = None,
    context_tokens: Annotated[
        int | None, typer.Option("--context-tokens", help="Tokens of a text-to-image network's text (default 77).")
    ] = None,
    process: Annotated[
        str, typer.Option("--process", help="Process it was trained with (default: as the paper's of its kind).")
    ] = "",
    autoencoder: Annotated[
        str, typer.Option("--autoencoder", help="What decodes its latents, where it has four channels.")
    ] = "",
    scale: Annotated[
        float, typer.Option("--scale", help="Of those latents (default 0.18215, of text-to-image 0.2301).")
    ] = 0.0,
    step: Annotated[int, typer.Option("--step", help="Training steps behind the weights, for the record.")] = 0,
) -> None:
    """Make a checkpoint of official weights; sample, score, profile and export-weights take it."""
    from bench.checkpoints.official import ImportRequest
    from bench.checkpoints.official import import_weights as convert

    made = convert(
        ImportRequest(
            file=file,
            out=out,
            num_heads=num_heads,
            null_label=null_label,
            context_tokens=context_tokens,
            process=process,
            autoencoder=autoencoder,
            scale=scale,
            step=step,
        )
    )
    config = made.config
    data = f"{config.channels}x{config.image_size}x{config.image_size}"
    classes = f", {config.num_classes} classes{' and a null label' if config.null_label else ''}"
    condition = classes if config.num_classes else f", {config.context_tokens} context tokens"
    given = condition if config.num_classes or config.context_tokens else ""
    print(f"{made.variant} on {data}{given}, {config.num_heads} heads, process {made.process}: {made.path}")


@app.command("export-weights")
def export_weights(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint file, or the folder of a cell's checkpoints.")],
    out: Annotated[Path, typer.Option("--out", help="FILE.pth or FILE.safetensors.")],
    weights: Annotated[str, typer.Option("--weights", help="ema or raw.")] = "ema",
    plugin: Plugins = None,
) -> None:
    """Write a checkpoint's weights under the official names, for the code of baofff/U-ViT."""
    from bench.checkpoints.official import export_weights as convert
    from bench.checkpoints.official import untold

    _load_plugins(plugin)
    where, config = convert(checkpoint, out, weights=weights)
    told = "".join(f", {name}={value}" for name, value in untold(config).items())
    print(f"{where}{told and f' (load it with{told[1:]})'}")


@app.command()
def cka(
    cells: Annotated[list[Path], typer.Argument(help="Checkpoints, or output folders of `uvit run`.")],
    arms: Annotated[str, typer.Option("--arms", help="Arms of an output folder, such as concat,add,none.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="Seed of an output folder's cells.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Output folder (default: the cells' own).")] = None,
    images: Annotated[int, typer.Option("--images", help="Held-out images at each time, at most.")] = 1_024,
    batch: Annotated[int, typer.Option("--batch", help="Images of a minibatch; moves no mean.")] = 64,
    times: Annotated[str, typer.Option("--t", help="Times in (0, 1), such as 0.1,0.5 (default 0.1,0.3,…,0.9).")] = "",
    weights: Annotated[str, typer.Option("--weights", help="ema or raw.")] = "ema",
    dataset: Annotated[str, typer.Option("--dataset", help="In place of the dataset that was trained on.")] = "",
    device: Device = "auto",
    precision: PrecisionName = "float32",
    data_dir: DataDir = None,
    plugin: Plugins = None,
) -> None:
    """Compare what the blocks of trained networks hold (CKA, the paper's Figure 7): records and a heat map."""
    from ablations.commands.cka import CkaRequest, similarity

    _load_plugins(plugin)
    request = CkaRequest(
        cells=cells,
        arms=arms,
        seed=seed,
        out=out,
        times=times,
        images=images,
        batch_size=batch,
        weights=weights,
        dataset=dataset,
        data_dir=data_dir,
        device=device,
        precision=precision,
    )
    done = list(similarity(request))
    from reports import write_heatmaps

    lines, picture = write_heatmaps([record for _, record in done], done[0][0])
    print("\n".join([*lines, f"picture: {picture}"]))


@app.command()
def encode(
    dataset: Annotated[str, typer.Argument(help="A dataset of `uvit list datasets`, folder:PATH or npz:PATH.")],
    autoencoder: Annotated[
        str, typer.Option("--autoencoder", help="A diffusers folder or .safetensors file of one, or sd-vae-ft-mse.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder of latents to write; train on latents:FOLDER.")],
    image_size: Annotated[int, typer.Option("--image-size", help="Pixels a side in place of the dataset's.")] = 0,
    batch: Annotated[int, typer.Option("--batch", help="Images at a time.")] = 64,
    scale: Annotated[float, typer.Option("--scale", help="What latents are multiplied by (default: as saved).")] = 0.0,
    flips: Annotated[
        bool | None,
        typer.Option("--flips/--no-flips", help="Mirror images too, and train on both (default: dataset's)."),
    ] = None,
    text_encoder: Annotated[
        str, typer.Option("--text-encoder", help="A CLIP folder; encodes the dataset's captions too.")
    ] = "",
    device: Device = "auto",
    data_dir: DataDir = None,
    plugin: Plugins = None,
) -> None:
    """Store an autoencoder's latents of a dataset once; a run that was cut off goes on where it stopped."""
    from bench.latents.encode import EncodeRequest, EncodingProgress, encode_dataset

    _load_plugins(plugin)
    request = EncodeRequest(
        dataset=dataset,
        autoencoder=autoencoder,
        out=out,
        image_size=image_size,
        batch=batch,
        scale=scale,
        flips=flips,
        text_encoder=text_encoder,
        device=device,
        data_dir=data_dir,
    )
    stored, fresh = encode_dataset(request, progress=EncodingProgress())
    count, encoding = sum(stored.counts.values()), stored.encoding
    size = f"{encoding.channels}x{encoding.size}x{encoding.size}"
    print(f"{count:,} images as latents of {size} in {stored.folder}{'' if fresh else ' (already encoded)'}")
    print(f"train on them with --dataset latents:{stored.folder}")


@app.command()
def neighbours(
    cells: Annotated[list[Path], typer.Argument(help="Checkpoints, or output folders of `uvit run`.")],
    arms: Annotated[str, typer.Option("--arms", help="Arms of an output folder, such as concat,add.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="Seed of an output folder's cells.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Output folder (default: the cells' own).")] = None,
    count: Annotated[int, typer.Option("--count", help="Samples, and as many held-out images.")] = 256,
    nearest: Annotated[int, typer.Option("--neighbours", help="Nearest training images of each.")] = 3,
    sampler: Annotated[str, typer.Option("--sampler", help="A sampler of `uvit list samplers`.")] = "dpm_solver",
    nfe: Annotated[int, typer.Option("--nfe", help="Network evaluations an image; 0 = the sampler's default.")] = 0,
    guidance: Annotated[float, typer.Option("--guidance", help="s in c + s (c - u); 0 = none.")] = 0.0,
    training_images: Annotated[
        int, typer.Option("--training-images", help="Training images that are compared; 0 = all.")
    ] = 0,
    batch: Annotated[int, typer.Option("--batch", help="Samples at a time.")] = 256,
    weights: Annotated[str, typer.Option("--weights", help="ema or raw.")] = "ema",
    extractor: Annotated[
        str, typer.Option("--extractor", help="An extractor of `uvit list extractors`.")
    ] = "effnet-lite0",
    dataset: Annotated[str, typer.Option("--dataset", help="In place of the dataset that was trained on.")] = "",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    data_dir: DataDir = None,
    extractor_weights: ExtractorWeights = None,
    plugin: Plugins = None,
) -> None:
    """Look for copies: samples of trained cells beside their nearest training images, in feature space."""
    from ablations.commands.neighbours import NeighboursRequest, search

    _load_plugins(plugin)
    request = NeighboursRequest(
        cells=cells,
        arms=arms,
        seed=seed,
        out=out,
        count=count,
        k=nearest,
        sampler=sampler,
        nfe=nfe,
        guidance=guidance,
        training_images=training_images,
        batch_size=batch,
        weights=weights,
        extractor=extractor,
        extractor_weights=extractor_weights,
        dataset=dataset,
        data_dir=data_dir,
        device=device,
        precision=precision,
    )
    done = list(search(request))
    from reports import write_neighbours

    lines, pictures = write_neighbours([record for _, record in done], done[0][0])
    print("\n".join([*lines, *(f"picture: {picture}" for picture in pictures)]))


@app.command()
def score(
    images: Annotated[
        str, typer.Argument(help="A folder, an .npz, dataset:split such as photos:held_out, or a checkpoint.")
    ],
    reference: Annotated[str, typer.Argument(help="The images to compare with: a folder, an .npz or dataset:split.")],
    extractor: Annotated[
        str, typer.Option("--extractor", help="An extractor of `uvit list extractors`.")
    ] = "effnet-lite0",
    count: Annotated[int, typer.Option("--count", help="Images to draw from a checkpoint; 0 = 10,000.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of a checkpoint's initial noise.")] = 0,
    sampler: Annotated[str, typer.Option("--sampler", help="Sampler of a checkpoint (default dpm_solver).")] = "",
    nfe: Annotated[int, typer.Option("--nfe", help="Evaluations an image; 0 = the sampler's default.")] = 0,
    weights: Annotated[str, typer.Option("--weights", help="ema or raw weights of a checkpoint.")] = "",
    label: Annotated[
        list[int] | None, typer.Option("--label", help="A class to draw; repeatable, taken in turn (default: all).")
    ] = None,
    guidance: Annotated[float, typer.Option("--guidance", help="s in c + s(c - u) of a checkpoint; 0 = none.")] = 0.0,
    prompt: Annotated[list[str] | None, typer.Option("--prompt", help="A text to draw; repeatable.")] = None,
    text_encoder: Annotated[Path | None, typer.Option("--text-encoder", help="A CLIP folder, for prompts.")] = None,
    autoencoder: Annotated[
        Path | None, typer.Option("--autoencoder", help="Decode a checkpoint's latents with this one.")
    ] = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    extractor_weights: ExtractorWeights = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Score images, or a checkpoint's samples, against others: Fréchet and kernel distance, precision and recall."""
    from bench.checkpoints.file import is_checkpoint
    from bench.trained.drawing import Drawing
    from bench.trained.score import DRAWN, Scoring, score_sets

    _load_plugins(plugin)
    asked = {
        "count": count,
        "seed": seed,
        "sampler": sampler,
        "nfe": nfe,
        "weights": weights,
        "labels": tuple(label or ()),
        "guidance": guidance,
        "prompts": tuple(prompt or ()),
        "text_encoder": text_encoder,
        "autoencoder": autoencoder,
    }
    asked = {name: value for name, value in asked.items() if value}
    if asked and not is_checkpoint(images):
        first = next(iter(asked))
        option = {"labels": "label", "prompts": "prompt", "text_encoder": "text-encoder"}.get(first, first)
        raise ValueError(f"--{option} is for drawing from a checkpoint, and {images} is none; leave it out")
    chosen = str(asked.pop("weights", "ema"))
    drawing = Drawing(**{"count": DRAWN, **asked})  # type: ignore[arg-type]
    scoring = Scoring(extractor=extractor, device=device, data_dir=data_dir, extractor_weights=extractor_weights)
    scores = score_sets(images, reference, scoring, drawing=drawing, weights=chosen)
    if as_json:
        print(json.dumps({"scores": scores}, indent=2))
        return
    from results.metrics import describe

    for entry in scores:
        metric, value, floor = describe(entry["metric"]), entry["value"], entry["card"].get("floor")
        error = entry["card"].get("sampling_se")
        spread = "" if error is None else f"   (sampling standard error {error:.{metric.digits}f})"
        beside = spread + ("" if floor is None else f"   (floor {floor:.{metric.digits}f})")
        print(f"{entry['metric']:<28} {'n/a' if value is None else f'{value:.{metric.digits}f}'}{beside}")


if __name__ == "__main__":
    sys.exit(main())
