"""Published weights, against a real server on this machine that can break off and knows byte ranges."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.files.published_weights import PublishedWeights
from tests.bench.data.makers import Behaviour, server

CONTENT = os.urandom(3_000_000)
DIGEST = Behaviour(CONTENT).digest("sha256")


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that downloads go to, in an empty house without a proxy."""
    for variable in ("UVIT_CACHE", "UVIT_DATA", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "UVIT_CACHE" / "weights"


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(CONTENT)


@pytest.fixture
def weights(behaviour: Behaviour) -> Iterator[PublishedWeights]:
    with server(behaviour) as url:
        yield PublishedWeights(names=("weights.pth", "other-name.pth"), url=url, size=len(CONTENT), sha256=DIGEST)


def _complaint(weights: PublishedWeights, reason: str, known: Path) -> str:
    """The whole message but for the other two folders that were looked in."""
    return f"({reason}); download {weights.url} (3 MB, SHA-256 {DIGEST}) and put it into {known} or give its path"


def test_a_download_is_checked_kept_and_not_repeated(
    weights: PublishedWeights, behaviour: Behaviour, known: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = weights.find(None, allow_download=True)
    assert path == known / "weights.pth" and path.read_bytes() == CONTENT
    assert weights.find(None, allow_download=False) == path
    assert behaviour.asked == [None]
    assert [each.name for each in known.iterdir()] == ["weights.pth"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(
    weights: PublishedWeights, behaviour: Behaviour, known: Path, ranges: bool
) -> None:
    behaviour.cuts, behaviour.ranges = [1_000_000], ranges
    with pytest.raises(ValueError, match="no weights") as caught:
        weights.find(None, allow_download=True)
    reason = f"the connection broke after 1000000 of {len(CONTENT)} bytes; run again to go on"
    assert str(caught.value).endswith(_complaint(weights, reason, known))
    assert [each.name for each in known.iterdir()] == ["weights.part"]
    assert weights.find(None, allow_download=True).read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=1000000-"]


def test_a_download_that_was_complete_but_not_renamed_is_taken(
    weights: PublishedWeights, behaviour: Behaviour, known: Path
) -> None:
    known.mkdir(parents=True)
    (known / "weights.part").write_bytes(CONTENT)
    assert weights.find(None, allow_download=True).read_bytes() == CONTENT
    assert behaviour.asked == []


def test_a_download_with_another_checksum_is_thrown_away(
    weights: PublishedWeights, behaviour: Behaviour, known: Path
) -> None:
    behaviour.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(ValueError, match="no weights") as caught:
        weights.find(None, allow_download=True)
    reason = f"the download has SHA-256 {behaviour.digest('sha256')} instead, and was thrown away"
    assert str(caught.value).endswith(_complaint(weights, reason, known))
    assert list(known.iterdir()) == []


def test_one_who_comes_while_another_downloads_waits_for_that_file(
    weights: PublishedWeights, behaviour: Behaviour, known: Path
) -> None:
    known.mkdir(parents=True)
    found: list[Path] = []
    with (known / "weights.part").open("a+b") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: found.append(weights.find(None, allow_download=True)))
        waiting.start()
        waiting.join(0.5)
        assert not found and behaviour.asked == []
        part.write(CONTENT)
        part.flush()
        (known / "weights.part").rename(known / "weights.pth")
        fcntl.flock(part, fcntl.LOCK_UN)
        waiting.join()
    assert found == [known / "weights.pth"] and behaviour.asked == []


@pytest.mark.parametrize("folder", ["UVIT_CACHE/weights", "UVIT_DATA", "TORCH_HOME/hub/checkpoints"])
@pytest.mark.parametrize("name", ["weights.pth", "other-name.pth"])
def test_copies_are_found_under_any_name_in_any_known_folder(
    weights: PublishedWeights, behaviour: Behaviour, tmp_path: Path, folder: str, name: str
) -> None:
    path = tmp_path / folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert weights.find(None, allow_download=True) == path
    assert behaviour.asked == []


@pytest.mark.parametrize("folder", ["UVIT_CACHE/weights", "UVIT_DATA"])
def test_a_damaged_copy_is_passed_over(weights: PublishedWeights, tmp_path: Path, known: Path, folder: str) -> None:
    path = tmp_path / folder / "weights.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:100])
    assert weights.find(None, allow_download=True) == known / "weights.pth"
    assert (known / "weights.pth").read_bytes() == CONTENT


def test_offline_it_says_what_to_put_where(weights: PublishedWeights, known: Path, tmp_path: Path) -> None:
    with socket.socket() as closed:  # a port that nobody listens at
        closed.bind(("127.0.0.1", 0))
        gone = replace(weights, url=f"http://127.0.0.1:{closed.getsockname()[1]}/weights.pth")
        with pytest.raises(ValueError, match="no weights") as caught:
            gone.find(None, allow_download=True)
    looked = f"{known}, {tmp_path / 'UVIT_DATA'}, {tmp_path / 'TORCH_HOME/hub/checkpoints'}"
    reason = f"not reachable: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
    assert str(caught.value) == f"no weights weights.pth in {looked} {_complaint(gone, reason, known)}"


def test_a_refusal_says_the_status(weights: PublishedWeights, behaviour: Behaviour, known: Path) -> None:
    behaviour.status = 404
    with pytest.raises(ValueError, match="no weights") as caught:
        weights.find(None, allow_download=True)
    assert str(caught.value).endswith(_complaint(weights, "the server answered 404 Not Found", known))


def test_a_connection_that_is_closed_without_an_answer_is_one_line(known: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(10_000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/weights.pth"
        weights = PublishedWeights(names=("weights.pth",), url=url, size=len(CONTENT), sha256=DIGEST)
        with pytest.raises(ValueError, match="no weights") as caught:
            weights.find(None, allow_download=True)
        thread.join()
    reason = "the connection broke: Remote end closed connection without response; run again to go on"
    assert str(caught.value).endswith(_complaint(weights, reason, known))


def test_without_leave_nothing_is_downloaded(weights: PublishedWeights, behaviour: Behaviour, known: Path) -> None:
    with pytest.raises(ValueError, match="no weights") as caught:
        weights.find(None, allow_download=False)
    assert str(caught.value).endswith(_complaint(weights, "downloading is off", known))
    assert behaviour.asked == [] and not known.exists()
