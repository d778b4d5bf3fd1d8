"""docs/presets.md: up to date, and every preset within what the paper prints."""

from pathlib import Path

import pytest

import variants
from ablations.preset_table import PUBLISHED, Size, sizes, table

SIZES = list(sizes())
PAPERS = SIZES[: len(PUBLISHED)]
DOC = Path(__file__).parent.parent.parent / "docs" / "presets.md"


def _name(size: Size) -> str:
    return f"{size.preset} on {size.dataset}"


def test_the_page_is_what_the_command_prints() -> None:
    assert DOC.read_text(encoding="utf-8") == table(), "python -m ablations.preset_table > docs/presets.md"


def test_every_preset_is_on_it() -> None:
    assert {size.preset.split("/")[0] for size in SIZES} == set(variants.PRESETS.names())


@pytest.mark.parametrize("size", PAPERS, ids=_name)
def test_parameters_are_the_papers(size: Size) -> None:
    """Ours rounds to the paper's whole millions, and is what the official class counts, from which those came."""
    assert size.paper_params is not None and size.official_params is not None
    assert round(size.params / 1e6) == size.paper_params
    assert size.params == size.official_params


@pytest.mark.parametrize("size", PAPERS, ids=_name)
def test_macs_are_within_one_per_cent(size: Size) -> None:
    assert size.exact_gmacs is not None
    assert size.gmacs == pytest.approx(size.exact_gmacs, rel=0.01)
    if size.dataset == "ImageNet256":
        assert size.paper_gmacs is not None and size.gmacs == pytest.approx(size.paper_gmacs, rel=0.01)


@pytest.mark.parametrize("size", [size for size in SIZES if not size.preset.startswith("uvit")], ids=_name)
def test_rivals_are_within_two_per_cent_of_their_papers(size: Size) -> None:
    assert size.paper_params is not None
    assert size.params == pytest.approx(size.paper_params * 1e6, rel=0.02)
    if size.paper_gmacs is not None:
        assert size.gmacs == pytest.approx(size.paper_gmacs, rel=0.01)
