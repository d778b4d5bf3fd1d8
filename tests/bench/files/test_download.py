"""Downloads against a real server on 127.0.0.1: resuming, checking, refusing, and leaving nothing half-written."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench.files.download import DownloadError, Remote, fetch
from tests.bench.data.makers import Behaviour, server

CONTENT = bytes(range(256)) * 5000  # 1.28 MB: more than one block


def _remote(url: str, behaviour: Behaviour, **changes: object) -> Remote:
    fields: dict[str, object] = {"size": len(behaviour.content), "md5": behaviour.md5}
    return Remote(url=url, name="file.bin", **(fields | changes))  # type: ignore[arg-type]


def test_downloads_checks_and_keeps_only_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        path = fetch(_remote(url, behaviour), tmp_path / "deep" / "data")
        fetch(_remote(url, behaviour), tmp_path / "deep" / "data")
    assert path.read_bytes() == CONTENT and [each.name for each in path.parent.iterdir()] == ["file.bin"]
    assert behaviour.asked == [None]
    captured = capsys.readouterr()
    assert url in captured.err and captured.out == ""


def test_goes_on_after_a_broken_transfer(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, cuts=[100_000, 400_000])
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=100000-", "bytes=500000-"]


def test_what_was_received_is_kept_for_the_next_call(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, cuts=[100_000])
    with server(behaviour) as url:
        with pytest.raises(DownloadError, match="broke off after 100,000 bytes"):
            fetch(_remote(url, behaviour), tmp_path, attempts=1)
        assert [each.name for each in tmp_path.iterdir()] == ["file.bin.part"]
        assert fetch(_remote(url, behaviour), tmp_path, attempts=1).read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=100000-"] and not (tmp_path / "file.bin.part").exists()


def test_server_without_ranges_starts_again(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, ranges=False, cuts=[100_000])
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"more", b"<html>moved</html>"])
def test_wrong_content_is_refused_and_deleted(tmp_path: Path, content: bytes) -> None:
    behaviour = Behaviour(content)
    good = Behaviour(CONTENT)
    with server(behaviour) as url, pytest.raises((ValueError, DownloadError)) as caught:
        fetch(_remote(url, good, size=min(len(CONTENT), len(content))), tmp_path)
    assert "expected" in str(caught.value) and good.md5 in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_wrong_part_from_earlier_is_deleted_and_the_next_call_succeeds(tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        with pytest.raises(ValueError, match="please try again"):
            fetch(_remote(url, behaviour), tmp_path)
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 503])
def test_refusals_say_the_status_and_leave_nothing(tmp_path: Path, status: int) -> None:
    behaviour = Behaviour(CONTENT, status=status)
    with server(behaviour) as url, pytest.raises(DownloadError, match=str(status)):
        fetch(_remote(url, behaviour), tmp_path / "data")
    assert behaviour.asked == [None] and not (tmp_path / "data").exists()


def test_nothing_listening_leaves_no_folder(tmp_path: Path) -> None:
    with server(Behaviour(b"")) as url:
        pass
    with pytest.raises(DownloadError, match="refused"):
        fetch(_remote(url, Behaviour(CONTENT)), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_two_at_once_download_once(tmp_path: Path) -> None:
    behaviour, errors = Behaviour(CONTENT), []

    def work(url: str) -> None:
        try:
            assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT
        except BaseException as error:
            errors.append(error)

    with server(behaviour) as url:
        threads = [threading.Thread(target=work, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors and behaviour.asked == [None]
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]


def test_disk_errors_are_no_network_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url, pytest.raises(OSError, match=r"Not a directory|File exists"):
        fetch(_remote(url, behaviour), tmp_path / "file" / "data")
