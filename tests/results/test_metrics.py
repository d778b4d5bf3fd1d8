"""The table of metrics: names, headings, figures."""

from __future__ import annotations

import pytest

from results.metrics import describe, si


@pytest.mark.parametrize(
    ("name", "label", "heading", "direction", "kind"),
    [
        ("fid_10k", "FID-10K", ("FID-10K ↓",), "lower", "frechet"),
        ("clean_fid_50k", "clean-FID-50K", ("clean-FID-50K ↓",), "lower", "frechet"),
        ("fd_effnet_lite0_1k", "FD-1K effnet-lite0", ("FD-1K ↓", "effnet-lite0"), "lower", "frechet"),
        ("fd_dinov2_vitl14_500", "FD-500 dinov2-vitl14", ("FD-500 ↓", "dinov2-vitl14"), "lower", "frechet"),
        ("kid_10k", "KID-10K", ("KID-10K ↓", "×10⁻³"), "lower", "kernel"),
        ("clean_kid_10k", "clean-KID-10K", ("clean-KID-10K ↓", "×10⁻³"), "lower", "kernel"),
        ("kd_effnet_lite0_1k", "KD-1K effnet-lite0", ("KD-1K ↓", "effnet-lite0"), "lower", "kernel"),
        ("precision_1k_k3", "Precision-1K k=3", ("Precision-1K ↑", "k=3"), "higher", "precision"),
        ("recall_500_k5", "Recall-500 k=5", ("Recall-500 ↑", "k=5"), "higher", "recall"),
        ("val_loss", "val loss", ("val loss ↓",), "lower", "loss"),
        ("val_loss_bin5", "val loss bin 5 noisiest", ("val loss bin 5 ↓", "noisiest"), "lower", "bin"),
        ("train_loss", "training loss", ("training loss ↓",), "lower", "loss"),
        ("params", "params", ("params", "M"), "none", "cost"),
        ("imgs_per_s", "images/s", ("images/s ↑",), "higher", "cost"),
        ("my_own_score", "my_own_score", ("my_own_score",), "none", "other"),
        ("fid_10k\n", "fid_10k\n", ("fid_10k\n".rstrip(),), "none", "other"),
    ],
)
def test_every_family_is_described(name: str, label: str, heading: tuple[str, ...], direction: str, kind: str) -> None:
    metric = describe(name)
    assert (metric.name, metric.label.strip(), metric.direction, metric.kind) == (name, label.strip(), direction, kind)
    assert metric.heading == heading


def test_axis_titles_name_metric_unit_and_direction() -> None:
    assert describe("fid_10k").axis == "FID-10K (lower is better)"
    assert describe("kid_10k").axis == "KID-10K, ×10⁻³ (lower is better)"
    assert describe("recall_1k_k3").axis == "Recall-1K k=3 (higher is better)"
    assert describe("macs").axis == "MACs, G"


def test_figures() -> None:
    assert describe("fid_10k").format(5.784) == "5.78"
    assert describe("fid_10k").format(1234.5) == "1,234.50"
    assert describe("fid_10k").format(-0.001, signed=True) == "0.00"
    assert describe("fid_10k").format(0.5, signed=True) == "+0.50"
    assert describe("fid_10k").format(-0.5, signed=True) == "−0.50"
    assert describe("kid_10k").format(0.00123) == "1.23"
    assert describe("val_loss").format(0.0512345) == "0.05123"
    assert describe("val_loss").format(None) == describe("val_loss").format(float("nan")) == "–"


def test_counts_with_prefixes() -> None:
    assert [si(v) for v in (44_258_304, 290_480, 12_200_000_000, 1_115_000, 999, 0, None)] == [
        "44.26M", "290.5k", "12.20G", "1.115M", "999", "0", "–",
    ]  # fmt: skip
    assert si(3_145_728, like=44_258_304) == "3.15M"
    assert si(-3_145_728, signed=True) == "−3.146M"
    assert si(3_145_728, signed=True) == "+3.146M"
