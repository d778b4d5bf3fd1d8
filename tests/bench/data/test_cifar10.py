"""``cifar10`` in its true format: archive, extracted folder, damage, and what it says when there is nothing."""

from __future__ import annotations

import os
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import DatasetRequest, load_dataset
from bench.data.cifar_pickle import read_batch
from bench.data.sources import cifar10
from bench.files.download import Remote
from tests.bench.data import makers

NAME = "cifar-10-python.tar.gz"


def _below(folder: Path) -> DatasetRequest:
    return DatasetRequest(data_dir=folder, cache_dir=folder / "cache")


@pytest.mark.parametrize("write", [makers.python2_batch, makers.python3_batch])
@pytest.mark.parametrize("below", ["", "cifar10", "cifar-10"])
def test_archive_is_found_and_read(tmp_path: Path, below: str, write: object) -> None:
    batches = makers.cifar_batches(write=write)
    makers.cifar_archive(tmp_path / below / NAME, batches, {"cifar-10-batches-py/batches.meta": b"x", "../evil": b"x"})
    dataset = load_dataset("cifar10", data_dir=tmp_path, cache_dir=tmp_path / "cache")
    expected = np.concatenate([makers.pixels(i, 6, 3072) for i in range(5)]).reshape(-1, 3, 32, 32)
    assert np.array_equal(dataset.train.images, expected)
    assert dataset.train.labels is not None and dataset.train.labels[:8].tolist() == [0, 1, 2, 3, 4, 5, 1, 2]
    assert dataset.held_out is not None and len(dataset.held_out) == 6
    assert (dataset.num_classes, dataset.channels, dataset.image_size, dataset.flip) == (10, 3, 32, True)
    assert dataset.card["official"] is False and dataset.card["train"] == 30
    assert not (tmp_path.parent / "evil").exists()


def test_folder_and_archive_have_one_fingerprint_and_other_pixels_another(tmp_path: Path) -> None:
    archive = makers.cifar_archive(tmp_path / "a" / NAME, makers.cifar_batches())
    folder = makers.cifar_folder(tmp_path / "b" / "cifar-10-batches-py", makers.cifar_batches())
    other = makers.cifar_folder(tmp_path / "c", makers.cifar_batches(rows=7))
    prints = [cifar10.recipe_from(place).fingerprint for place in (archive, folder, other)]
    assert prints[0] == prints[1] != prints[2]
    assert cifar10.locate(_below(tmp_path / "b")) == folder


def test_official_batches_are_known_by_their_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    batches = makers.cifar_batches()
    folder = makers.cifar_folder(tmp_path / "x", batches)
    monkeypatch.setattr(
        cifar10, "OFFICIAL_MD5", {name: hashlib.md5(batches[name]).hexdigest() for name in makers.BATCHES}
    )
    assert cifar10.recipe_from(folder).card["official"] is True


@pytest.mark.parametrize("kept", [0, 10, 0.3, 0.9, -1])
def test_truncated_archive_is_one_clear_error(tmp_path: Path, kept: float) -> None:
    archive = makers.cifar_archive(tmp_path / NAME, makers.cifar_batches())
    data = archive.read_bytes()
    archive.write_bytes(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)])
    _refused(tmp_path, rf"{NAME} is (damaged|not complete).*c58f30108f718f92721af3b95e74349a")


def test_flipped_byte_in_the_archive_is_refused(tmp_path: Path) -> None:
    archive = makers.cifar_archive(tmp_path / NAME, makers.cifar_batches())
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    _refused(tmp_path, "damaged")


def test_archive_of_the_official_size_needs_the_official_checksum(tmp_path: Path) -> None:
    archive = makers.cifar_archive(tmp_path / NAME, makers.cifar_batches())
    official = replace(cifar10.ARCHIVE, size=archive.stat().st_size)
    with pytest.raises(ValueError, match=r"is damaged: md5 .*replace it by https"):
        cifar10.locate(_below(tmp_path), official)
    assert cifar10.locate(_below(tmp_path)) == archive


def test_missing_batch_is_named(tmp_path: Path) -> None:
    batches = makers.cifar_batches()
    del batches["data_batch_3"]
    makers.cifar_archive(tmp_path / NAME, batches)
    _refused(tmp_path, "lacks data_batch_3")
    makers.cifar_folder(tmp_path / "cifar-10-batches-py", batches)
    _refused(tmp_path, "cifar-10-batches-py is not complete: it lacks data_batch_3")


def test_tar_links_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / NAME, "w:gz") as tar:
        for name in makers.BATCHES:
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    _refused(tmp_path, "lacks data_batch_1")


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_pickle_that_runs_code_is_refused_unrun(tmp_path: Path) -> None:
    batches = makers.cifar_batches() | {"data_batch_2": pickle.dumps(_Evil(tmp_path / "pwned"), protocol=2)}
    makers.cifar_folder(tmp_path / "cifar-10-batches-py", batches)
    _refused(tmp_path, "data_batch_2 is no CIFAR batch: it asks for .*mkdir")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["builtins eval", "builtins getattr", "os system", "numpy load", "numpy._core.x y"])
def test_unpickler_admits_nothing_else(name: str) -> None:
    stream = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n."
    with pytest.raises(ValueError, match=f"asks for {name.replace(' ', '.')}"):
        read_batch(stream, "here")


def _batch(**fields: object) -> bytes:
    return pickle.dumps({key.encode(): value for key, value in fields.items()}, protocol=2)


GOOD = makers.pixels(0, 2, 3072)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no CIFAR batch"),
        (b"not a pickle", "no CIFAR batch"),
        (makers.python2_batch(GOOD, [1, 2])[:-100], "no CIFAR batch"),
        (pickle.dumps([1, 2], protocol=2), "expected data of uint8"),
        (_batch(labels=[1, 2]), "expected data of uint8"),
        (_batch(data=GOOD[:, :3000], labels=[1, 2]), r"uint8 \(n, 3072\), got uint8 \(2, 3000\)"),
        (_batch(data=GOOD.astype(np.float32), labels=[1, 2]), "expected bytes, got an array of 'f4'"),
        (_batch(data=GOOD, labels=[1]), "list of 2 labels.*got 1"),
        (_batch(data=GOOD, labels=None), "got NoneType"),
        (makers.python2_batch(GOOD[:0], []), "at least one"),
        (_batch(data=GOOD, labels=[1, 10]), "labels 0 to 9"),
        (_batch(data=GOOD, labels=[1, -1]), "labels 0 to 9"),
        (_batch(data=GOOD, labels=["a", "b"]), "labels 0 to 9"),
    ],
)
def test_wrong_batches_say_what_was_expected(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read_batch(data, "archive: data_batch_1")
    assert str(caught.value).startswith("archive: data_batch_1") and "\n" not in str(caught.value)


def test_missing_archive_is_downloaded(tmp_path: Path) -> None:
    content = makers.cifar_archive(tmp_path / "web" / NAME, makers.cifar_batches()).read_bytes()
    behaviour = makers.Behaviour(content)
    with makers.server(behaviour) as url:
        remote = Remote(url=url, name=NAME, size=len(content), algorithm="md5", checksum=behaviour.digest("md5"))
        place = cifar10.locate(_below(tmp_path / "data"), remote)
    assert place == tmp_path / "data" / NAME and place.read_bytes() == content
    assert load_dataset("cifar10", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache").card["train"] == 30


def test_offline_it_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with makers.server(makers.Behaviour(b"")) as url:
        pass  # closed again: nothing listens there now
    with pytest.raises(ValueError, match="cifar10") as caught:
        cifar10.locate(_below(tmp_path / "data"), replace(cifar10.ARCHIVE, url=url))
    text = str(caught.value)
    for part in (str(tmp_path / "data"), "cifar-10-batches-py", url, "170,498,071 bytes", cifar10.ARCHIVE.checksum):
        assert part in text
    assert "--dataset photos needs nothing" in text and "\n" not in text
    assert not (tmp_path / "data").exists()


def _refused(data_dir: Path, pattern: str) -> None:
    cache = data_dir / "cache"
    with pytest.raises(ValueError, match=pattern) as caught:
        load_dataset("cifar10", data_dir=data_dir, cache_dir=cache)
    assert "\n" not in str(caught.value) and not cache.exists()
