import numpy as np
import pytest
import torch

from bench.fid import Statistics


def rows(count=500, dim=7, offset=1e4):
    return np.random.default_rng(0).standard_normal((count, dim)) * np.arange(1, dim + 1) + offset


@pytest.mark.parametrize("sizes", [[500], [1, 499], [250, 250], [100, 1, 0, 399], [1] * 500])
def test_streamed_statistics_are_those_of_the_whole(sizes):
    """Even with a mean four orders above the spread, where sums of squares would lose eight digits."""
    data, statistics = rows(), Statistics(7)
    for part in np.split(data, np.cumsum(sizes)[:-1]):
        statistics.update(part)
    assert statistics.count == 500
    np.testing.assert_allclose(statistics.mean, data.mean(0), rtol=1e-14)
    np.testing.assert_allclose(statistics.cov, np.cov(data, rowvar=False), rtol=1e-10, atol=1e-10)


def test_merging_is_adding():
    data = rows()
    first, second = Statistics.of(data[:123]), Statistics.of(data[123:])
    first.merge(second)
    first.merge(Statistics(7))
    np.testing.assert_allclose(first.cov, np.cov(data, rowvar=False), rtol=1e-10, atol=1e-10)
    empty = Statistics(7)
    empty.merge(first)
    np.testing.assert_allclose(empty.cov, first.cov)
    assert empty.count == first.count == 500


def test_float32_and_torch_are_summed_in_float64():
    data = rows(offset=0).astype(np.float32)
    np.testing.assert_allclose(Statistics.of(torch.from_numpy(data)).cov, np.cov(data.astype(np.float64), rowvar=False))
    assert Statistics.of(data).mean.dtype == np.float64


def test_saving_and_loading_gives_the_same_and_goes_on(tmp_path):
    data = rows()
    Statistics.of(data[:300]).save(tmp_path / "s.npz")
    loaded = Statistics.load(tmp_path / "s.npz")
    assert loaded.count == 300
    np.testing.assert_array_equal(loaded.mean, Statistics.of(data[:300]).mean)
    loaded.update(data[300:])
    np.testing.assert_allclose(loaded.cov, np.cov(data, rowvar=False), rtol=1e-9, atol=1e-9)


def test_pickles_are_never_loaded(tmp_path):
    np.savez(tmp_path / "s.npz", count=2, mean=np.array([object()]), cov=np.zeros((1, 1)))
    with pytest.raises(ValueError, match=r"s\.npz: expected statistics"):
        Statistics.load(tmp_path / "s.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"s\.npz"):
        Statistics.load(tmp_path / "s.npz")


def test_a_file_of_something_else_or_truncated_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros(3))
    np.savez(tmp_path / "b.npz", count=9, mean=np.zeros(3), cov=np.zeros((2, 2)))
    Statistics.of(rows()).save(tmp_path / "c.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:-100])
    for name in "abc":
        with pytest.raises(ValueError, match=rf"{name}\.npz"):
            Statistics.load(tmp_path / f"{name}.npz")
    with pytest.raises(FileNotFoundError):
        Statistics.load(tmp_path / "nothing.npz")


def test_what_cannot_be_summed_is_refused():
    statistics = Statistics.of(rows())
    with pytest.raises(ValueError, match="expected 7 features"):
        statistics.update(np.zeros((2, 6)))
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        statistics.update(np.zeros(7))
    with pytest.raises(ValueError, match="not finite"):
        statistics.update(np.full((2, 7), np.nan))
    assert statistics.count == 500
    with pytest.raises(ValueError, match="at least two images, got 1"):
        _ = Statistics.of(rows()[:1]).cov
