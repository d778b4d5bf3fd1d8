"""The ``uvit`` command. Heavy imports stay inside the commands, so that help, lists and reports start at once.

A command is a function of a request: the request's fields are its options (`ablations.commands.requests`).
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from ablations.commands.options import options_of
from ablations.commands.requests import (
    RUN_ALONE,
    CalibrateRequest,
    CkaRequest,
    EncodeRequest,
    ExportRequest,
    GridRequest,
    ImportRequest,
    ListRequest,
    NeighboursRequest,
    ProfileRequest,
    ReportRequest,
    SampleRequest,
    ScoreRequest,
    VerdictRequest,
    WatchRequest,
)

app = typer.Typer(
    name="uvit",
    help="Which architectural choice of a diffusion backbone is better, at what cost, and is the difference real?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Command = TypeVar("Command", bound=Callable[..., None])
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


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


def _command(name: str | None = None, *, without: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Make a function of a request a command: the request's fields become its options, but for ``without``.

    What the function takes beside its request are options too, after those.
    """

    def register(function: Command) -> Command:
        hints = get_type_hints(function, include_extras=True)
        request, own = hints["request"], list(inspect.signature(function).parameters.values())[1:]
        options = [*_options(request, without), *(each.replace(annotation=hints[each.name]) for each in own)]

        @functools.wraps(function)
        def command(**values: Any) -> None:
            beside = {each.name: values.pop(each.name) for each in own}
            function(request(**values), **beside)

        command.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in options}
        app.command(name)(command)
        return function

    return register


def _options(request: type, without: Sequence[str]) -> Iterator[inspect.Parameter]:
    """The fields of a request class as typer reads them off a signature."""
    for name, kind, default, text, flag in options_of(request):
        if name in without:
            continue
        told = typer.Option(flag, help=text) if flag else typer.Argument(help=text)
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is MISSING else default,
            annotation=Annotated[kind, told],
        )


@_command("list")
def list_(request: ListRequest) -> None:
    """List axes, presets, grids, budgets, datasets, extractors, samplers or processes."""
    from ablations.commands.listing import describe

    rows = describe(request)
    if request.as_json:
        _print_json(rows)
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


@_command(without=RUN_ALONE)
def plan(request: GridRequest, *, as_json: Json = False) -> None:
    """Show the cells of a grid, their sizes and their cost, and train nothing."""
    from ablations.commands.plan import make_plan, plan_rows, print_plan

    made, _ = make_plan(request)
    if as_json:
        _print_json(plan_rows(made))
    else:
        print_plan(made)


@_command()
def run(request: GridRequest) -> None:
    """Train and score every cell of a grid, then print its table; finished cells are skipped."""
    from ablations.commands.run import run_grid

    folder, code = run_grid(request, open_arms=_open_arms, verdicts=_verdicts)
    _report([folder])
    raise typer.Exit(code)


def _open_arms(folder: Path, grid: str) -> Sequence[str]:
    """The arms that a later look may resolve."""
    from reports import open_arms

    return open_arms(folder, grid)


def _verdicts(folder: Path, grid: str) -> dict[str, str | None]:
    """Each arm's verdict so far."""
    from reports import verdicts

    return {row["arm"]: row["verdict"] for row in verdicts(folder) if row["grid"] == grid}


@_command()
def calibrate(request: CalibrateRequest, *, as_json: Json = False) -> None:
    """Find what a budget can tell on seeds of its own: validity, spreads, margins, the seeds that verdicts take."""
    from ablations.commands.calibrate import run_calibration

    done = run_calibration(request)
    if done.code:
        raise typer.Exit(done.code)
    from reports import CalibrationCells, calibration_lines
    from reports import calibrate as find
    from results import Store

    record = find(CalibrationCells.read(done.root, plan=done.plan, linear_filter=done.linear_filter))
    path = Store(done.root).write_calibration(record)
    if as_json:
        print(record.to_json(), end="")
        return
    print("\n".join([*calibration_lines(record), f"calibration: {path}"]))
    if done.of_repository:
        print("to come with the package it belongs in results/published/calibrations/")


@_command()
def report(request: ReportRequest) -> None:
    """Print the tables of a run, then write Markdown, CSV and plots from its records."""
    _report(request.folders, request.out)


@_command()
def verdict(request: VerdictRequest, *, as_json: Json = False) -> None:
    """Print each arm's verdict. Exit code 0: all are resolved, 3: some are not, 4: none can be had."""
    from reports.content.verdict_list import arm_lines, arm_verdicts, exit_code

    found = arm_verdicts(request.folder)
    if as_json:
        _print_json([each.row() for each in found])
    else:
        print("\n".join(arm_lines(found)))
    raise typer.Exit(exit_code(found))


@_command()
def watch(request: WatchRequest) -> None:
    """Show a running grid: cells done, running, failed and pending, time left, current table. Ends with the grid."""
    from rich.console import Console

    from reports.formats.terminal import FALLBACK
    from reports.watch.screen import watch as show

    console = Console(width=None if sys.stdout.isatty() else FALLBACK[0], highlight=False, emoji=False)
    raise typer.Exit(show(request.folder, console, interval=request.interval, once=request.once))


def _report(folders: Sequence[Path], out: Path | None = None) -> None:
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


@_command()
def profile(request: ProfileRequest, *, as_json: Json = False) -> None:
    """Count and measure what variants cost: parameters, MACs, images/s, memory."""
    from ablations.commands.profile import profile as measure

    records = list(measure(request))
    if as_json:
        _print_json([json.loads(record.to_json()) for record in records])
    elif records:
        from rich.console import Console

        from reports import show_profiles

        show_profiles(records, Console(width=None if sys.stdout.isatty() else 160))
        print(f"\nrecords: {request.folder / 'profiles'}")
    raise typer.Exit(int(any(not record.ok for record in records)))


@_command()
def sample(request: SampleRequest) -> None:
    """Draw images from a checkpoint into an .npz (uint8, N H W C) or a folder of PNG files."""
    from ablations.commands.sample import sample as draw

    print(f"{request.count} images in {draw(request)}")


@_command("import-weights")
def import_weights(request: ImportRequest) -> None:
    """Make a checkpoint of official weights; sample, score, profile and export-weights take it."""
    from ablations.commands.import_weights import import_line
    from ablations.commands.import_weights import import_weights as convert

    print(import_line(convert(request)))


@_command("export-weights")
def export_weights(request: ExportRequest) -> None:
    """Write a checkpoint's weights under the official names, for the code of baofff/U-ViT."""
    from ablations.commands.export_weights import export_line
    from ablations.commands.export_weights import export_weights as convert

    print(export_line(*convert(request)))


@_command()
def cka(request: CkaRequest) -> None:
    """Compare what the blocks of trained networks hold (CKA, the paper's Figure 7): records and a heat map."""
    from ablations.commands.cka import measure_cka

    measured = list(measure_cka(request))
    from reports import write_heatmaps

    lines, picture = write_heatmaps([record for _, record in measured], measured[0][0])
    print("\n".join([*lines, f"picture: {picture}"]))


@_command()
def encode(request: EncodeRequest) -> None:
    """Store an autoencoder's latents of a dataset once; a run that was cut off goes on where it stopped."""
    from ablations.commands.encode import encode as store
    from ablations.commands.encode import encode_lines

    stored, fresh = store(request)
    print("\n".join(encode_lines(stored, fresh=fresh)))


@_command()
def neighbours(request: NeighboursRequest) -> None:
    """Look for copies: samples of trained cells beside their nearest training images, in feature space."""
    from ablations.commands.neighbours import find_neighbours

    found = list(find_neighbours(request))
    from reports import write_neighbours

    lines, pictures = write_neighbours([record for _, record in found], found[0][0])
    print("\n".join([*lines, *(f"picture: {picture}" for picture in pictures)]))


@_command()
def score(request: ScoreRequest, *, as_json: Json = False) -> None:
    """Score images, or a checkpoint's samples, against others: Fréchet and kernel distance, precision and recall."""
    from ablations.commands.score import score as compare
    from ablations.commands.score import score_lines

    scores = compare(request)
    if as_json:
        _print_json({"scores": scores})
    else:
        for line in score_lines(scores):
            print(line)


if __name__ == "__main__":
    sys.exit(main())
