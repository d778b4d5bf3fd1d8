import pytest

from bench.fid import metric_name
from bench.fid.metric_names import neighbour_name
from results.metrics import describe


@pytest.mark.parametrize(
    ("kind", "extractor", "count", "name"),
    [
        ("frechet", "inception", 10_000, "fid_10k"),
        ("frechet", "inception", 50_000, "fid_50k"),
        ("kernel", "inception", 10_000, "kid_10k"),
        ("frechet", "clean-inception", 10_000, "clean_fid_10k"),
        ("frechet", "effnet-lite0", 1_000, "fd_effnet_lite0_1k"),
        ("kernel", "effnet-lite0", 500, "kd_effnet_lite0_500"),
        ("frechet", "effnet-lite0", 1_500, "fd_effnet_lite0_1500"),
        ("frechet", "dinov2-vitl14", 10_000, "fd_dinov2_vitl14_10k"),
    ],
)
def test_names_say_extractor_and_count(kind, extractor, count, name):
    assert metric_name(kind, extractor, count) == name
    assert describe(name) is not None


def test_neighbour_names():
    assert neighbour_name("precision", 1_000, 3) == "precision_1k_k3"
    assert neighbour_name("recall", 321, 3) == "recall_321_k3"
    assert describe("precision_1k_k3") and describe("recall_321_k3")


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="frechet or kernel"):
        metric_name("fid", "inception", 10)
    with pytest.raises(ValueError, match="at least one image"):
        metric_name("frechet", "inception", 0)
