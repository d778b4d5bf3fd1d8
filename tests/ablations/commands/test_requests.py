"""Every request: its fields are its command's options, written once, and importing them costs nothing."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import cli
from ablations.commands import requests
from ablations.commands.options import options_of

REQUESTS = [kind for name, kind in vars(requests).items() if name.endswith("Request")]


def _commands() -> dict[str, tuple[type, inspect.Signature]]:
    """Every command's name, the class of its request, and the signature that its options are read off."""
    commands = {}
    for info in cli.app.registered_commands:
        assert info.callback is not None
        function = inspect.unwrap(info.callback)
        name = info.name or function.__name__
        commands[name] = (get_type_hints(function)["request"], inspect.signature(info.callback))
    return commands


COMMANDS = _commands()


def _unspaced(text: str) -> str:
    """Without spaces, for lines may break anywhere."""
    return "".join(text.split())


def test_every_command_has_a_request_and_every_request_a_command() -> None:
    assert {kind for kind, _ in COMMANDS.values()} == set(REQUESTS)
    assert len(REQUESTS) >= 12


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_a_request_is_a_frozen_dataclass_of_keywords_that_say_what_they_are(kind: Any) -> None:
    assert dataclasses.is_dataclass(kind) and kind.__doc__
    for field in dataclasses.fields(kind):
        assert field.kw_only and field.metadata["help"].rstrip().endswith((".", "?")), field.name
    required = {each.name: "x" for each in options_of(kind) if each.default is dataclasses.MISSING}
    made = kind(**required)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(kind)[0].name, "other")
    with pytest.raises(TypeError, match="unexpected keyword argument 'budgett'"):
        kind(**required, budgett="smoke")
    if required:
        with pytest.raises(TypeError, match="required keyword-only argument"):
            kind()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_field_is_an_option_of_the_command_with_its_own_default(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, signature = COMMANDS[name]
    without = requests.RUN_ALONE if name == "plan" else ()
    assert cli.main([name, "--help"]) == 0
    shown = _unspaced(capsys.readouterr().out)
    for each in options_of(kind):
        if each.name in without:
            assert each.name not in signature.parameters
            continue
        default = signature.parameters[each.name].default
        assert default is (inspect.Parameter.empty if each.default is dataclasses.MISSING else each.default)
        for flag in (each.flag or each.name).split("/"):
            assert flag in shown
        assert _unspaced(each.help) in shown, each.name
    assert set(without) <= {each.name for each in options_of(kind)}


def test_requests_import_the_standard_library_alone() -> None:
    code = (
        "import sys; before = set(sys.modules); import ablations.commands.requests; "
        "print({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "{'ablations'}", result.stdout + result.stderr


def test_a_choice_that_may_stay_open_has_both_flags_and_a_sequence_is_repeatable() -> None:
    grid = {each.name: each for each in options_of(requests.GridRequest)}
    assert grid["compile"].flag == "--compile/--no-compile"
    assert (grid["settings"].flag, grid["settings"].kind) == ("--set", list[str])
    assert (grid["plugins"].kind, grid["grid"].flag) == (list[Path], "")
