"""Every preset's size beside what its paper prints: ``python -m ablations.preset_table`` prints docs/presets.md.

The paper's figures come from `results.paper`; those of the rivals stand here with their source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.profile.closed_form.forms import closed_form
from results.paper import rows
from variants import build, resolve

_PIXELS, _PIXELS_64 = {"image_size": 32, "channels": 3}, {"image_size": 64, "channels": 3}
_PIXELS_16 = {"image_size": 16, "channels": 3}
_LATENTS, _LATENTS_512 = {"image_size": 32, "channels": 4}, {"image_size": 64, "channels": 4}
_LABELS, _GUIDED = {"num_classes": 1000}, {"num_classes": 1000, "null_label": True}
_TEXT = {"context_tokens": 77, "context_dim": 768}


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRow:
    """A preset on the data of one published result: the paper's names for both, as `results.paper` has them."""

    preset: str
    data: dict[str, Any]
    dataset: str
    model: str = ""
    size: str = ""


PUBLISHED = [
    PresetRow(preset="uvit-s/2", data=_PIXELS, dataset="CIFAR10", model="U-ViT-S/2", size="U-ViT-Small"),
    PresetRow(preset="uvit-s/4", data=_PIXELS_64, dataset="CelebA64", model="U-ViT-S/4", size="U-ViT-Small"),
    PresetRow(preset="uvit-m/4", data=_PIXELS_64 | _LABELS, dataset="ImageNet64", model="U-ViT-M/4", size="U-ViT-Mid"),
    PresetRow(
        preset="uvit-l/4", data=_PIXELS_64 | _LABELS, dataset="ImageNet64", model="U-ViT-L/4", size="U-ViT-Large"
    ),
    PresetRow(preset="uvit-l/2", data=_LATENTS | _GUIDED, dataset="ImageNet256", model="U-ViT-L/2", size="U-ViT-Large"),
    PresetRow(preset="uvit-h/2", data=_LATENTS | _GUIDED, dataset="ImageNet256", model="U-ViT-H/2", size="U-ViT-Huge"),
    PresetRow(
        preset="uvit-l/4", data=_LATENTS_512 | _GUIDED, dataset="ImageNet512", model="U-ViT-L/4", size="U-ViT-Large"
    ),
    PresetRow(
        preset="uvit-h/4", data=_LATENTS_512 | _GUIDED, dataset="ImageNet512", model="U-ViT-H/4", size="U-ViT-Huge"
    ),
    PresetRow(preset="uvit-s/2", data=_LATENTS | _TEXT, dataset="MS-COCO256", model="U-ViT-S/2", size="U-ViT-Small"),
    PresetRow(
        preset="uvit-s-deep/2",
        data=_LATENTS | _TEXT,
        dataset="MS-COCO256",
        model="U-ViT-S/2 (Deep)",
        size="U-ViT-Small (Deep)",
    ),
]
SMALL = [
    PresetRow(preset=f"{name}/4", data=_PIXELS, dataset="CIFAR10")
    for name in ("uvit-nano", "uvit-micro", "uvit-micro-deep")
] + [PresetRow(preset="uvit-nano-init/2", data=_PIXELS_16, dataset="photos at 16×16")]
# preset: millions of parameters and GMACs as published; DiT's with learned variance (arXiv 2212.09748, Tables 1 and 4)
RIVALS = {
    "dit-s/2": (33.0, 6.06),
    "dit-b/2": (130.0, 23.01),
    "dit-l/2": (458.0, 80.71),
    "dit-xl/2": (675.0, 118.64),
    "genvit/4": (11.0, None),  # arXiv 2208.07791
    "unet-cifar10": (35.7, None),  # arXiv 2006.11239, appendix B
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A preset's size and the figures beside it; parameters in millions, None where nobody published one."""

    preset: str
    dataset: str
    params: int
    gmacs: float
    paper_params: float | None = None
    official_params: int | None = None  # of the official class, counted
    paper_gmacs: float | None = None
    exact_gmacs: float | None = None  # from first principles (docs/paper.md, section 4)


def sizes() -> Iterator[Size]:
    """Every preset, the paper's ten published networks first."""
    for row in PUBLISHED + SMALL:
        params, gmacs = _count(row.preset, row.data)
        yield Size(
            preset=row.preset,
            dataset=row.dataset,
            params=params,
            gmacs=gmacs,
            paper_params=_figure("T4", row.dataset, row.model, "params") or _figure("T2", "-", row.size, "params"),
            official_params=_whole(_figure("computed", row.dataset, row.model, "params")),
            paper_gmacs=_figure("T7", row.dataset, row.model, "GFLOPs (fvcore = MACs)"),
            exact_gmacs=_figure("computed", row.dataset, row.model, "GMACs"),
        )
    for preset, (published, macs) in RIVALS.items():
        data = _LATENTS | _GUIDED if preset.startswith("dit") else _PIXELS
        params, gmacs = _count(preset, data)
        where = "ImageNet256" if preset.startswith("dit") else "CIFAR10"
        yield Size(preset=preset, dataset=where, params=params, gmacs=gmacs, paper_params=published, paper_gmacs=macs)


def table() -> str:
    """docs/presets.md."""
    rule = ["---"] * 2 + ["--:"] * (len(_COLUMNS) - 2)
    lines = [_line(_COLUMNS), _line(rule), *(_row(size) for size in sizes())]
    return _ABOVE + "\n".join(lines) + "\n" + _BELOW


def _row(size: Size) -> str:
    params = size.params / 1e6
    official = size.official_params
    cells = [
        f"`{size.preset}`",
        size.dataset,
        f"{params:.2f}M",
        "" if size.paper_params is None else f"{size.paper_params:g}M",
        _difference(params, size.paper_params),
        "" if official is None else f"{size.params - official:+d}",
        f"{size.gmacs:.2f}" if size.gmacs > 1 else f"{size.gmacs:.4f}",
        "" if size.paper_gmacs is None else f"{size.paper_gmacs:g}",
        _difference(size.gmacs, size.paper_gmacs),
        "" if size.exact_gmacs is None else f"{size.exact_gmacs:.2f}",
        _difference(size.gmacs, size.exact_gmacs),
    ]
    return _line(cells)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _difference(ours: float, theirs: float | None) -> str:
    return "" if theirs is None else f"{100 * (ours / theirs - 1):+.2f}%"


def _count(preset: str, data: dict[str, Any]) -> tuple[int, float]:
    """Parameters, and GMACs of one image."""
    config = resolve(preset, **data)
    params = sum(parameter.numel() for parameter in build(config, device="meta").parameters())
    return params, closed_form(config).macs / 1e9


def _figure(table: str, dataset: str, model: str, metric: str) -> float | None:
    """A figure of `results.paper`: "44M" is 44, and so is "44M + 84M (AE)"."""
    for row in rows():
        if (row["table"], row["dataset"], row["model"], row["metric"]) == (table, dataset, model, metric):
            return float(row["value"].split()[0].removesuffix("M"))
    return None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


_ABOVE = """\
# Presets beside their papers

Made by `python -m ablations.preset_table > docs/presets.md`; a test fails where this page is stale. A GMAC is 10⁹
products for one image in one forward pass, attention included (the paper's "GFLOPs"); normalisation is left out.

"""
_COLUMNS = [
    "preset",
    "data",
    "params",
    "paper",
    "difference",
    "less the official class",
    "GMACs",
    "paper",
    "difference",
    "first principles",
    "difference",
]
_BELOW = """
- **Paper, params**: Table 2 of *All are Worth Words*, Table 4 for MS-COCO. Both print whole millions: 44.26M is its
  44M, 58.35M its 58M, 44.69M its 45M, so that differences of up to 0.7% are its rounding. The official classes have
  exactly our counts on all ten published networks: *less the official class* is +0.
- **Paper, GMACs**: Table 7 prints whole numbers, for ImageNet 256 alone. **First principles**: counted from the layers
  alone, independently of our code (`results/paper`).
- **Rivals**: as their papers print; DiT with learned variance, which no preset here has ([rivals.md](rivals.md)).
- `uvit-nano`, `uvit-micro` and `uvit-micro-deep` are ours, for CPUs, and so is `uvit-nano-init`: `uvit-nano` with
  `head_init=dirac` and `pos_init=sincos_2d` ([calibration.md](calibration.md)).

Counted on the data named: 16×16, 32×32 or 64×64 pixels of three channels, or latents of four (32×32 for 256 pixels,
64×64 for 512); 1,000 classes, with a null label where guidance is used; 77 context tokens of 768 features for MS-COCO.
"""


if __name__ == "__main__":
    print(table(), end="")
