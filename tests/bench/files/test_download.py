"""Downloads against a real server on 127.0.0.1: resuming, checking, refusing, and leaving nothing half-written."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.files.download import BrokenOff, DownloadError, Remote, Unreachable, WrongContent, fetch
from tests.bench.data.makers import Behaviour, server

ROOT = Path(__file__).parents[3]
CONTENT = bytes(range(256)) * 5000  # 1.28 MB: more than one block


def _remote(url: str, behaviour: Behaviour, algorithm: str = "md5", **changes: object) -> Remote:
    fields: dict[str, object] = {"size": len(behaviour.content), "checksum": behaviour.digest(algorithm)}
    return Remote(url=url, name="file.bin", algorithm=algorithm, **(fields | changes))  # type: ignore[arg-type]


def test_downloads_checks_and_keeps_only_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        path = fetch(_remote(url, behaviour), tmp_path / "deep" / "data")
        fetch(_remote(url, behaviour), tmp_path / "deep" / "data")
    assert path.read_bytes() == CONTENT and [each.name for each in path.parent.iterdir()] == ["file.bin"]
    assert behaviour.asked == [None]
    captured = capsys.readouterr()
    assert url in captured.err and captured.out == ""


def test_it_is_silent_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        fetch(_remote(url, behaviour), tmp_path, announce=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_of_another_content_is_replaced(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1] + b"x")
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour, algorithm), tmp_path).read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]


def test_a_file_of_another_content_stands_until_the_download_is_whole(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"old")
    behaviour = Behaviour(CONTENT, cuts=[100_000])
    with server(behaviour) as url, pytest.raises(BrokenOff):
        fetch(_remote(url, behaviour), tmp_path, attempts=1)
    assert (tmp_path / "file.bin").read_bytes() == b"old"


def test_goes_on_after_a_broken_transfer(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, cuts=[100_000, 400_000])
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=100000-", "bytes=500000-"]


def test_what_was_received_is_kept_for_the_next_call(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, cuts=[100_000])
    with server(behaviour) as url:
        with pytest.raises(BrokenOff, match=r"^the transfer broke off after 100,000 bytes$") as caught:
            fetch(_remote(url, behaviour), tmp_path, attempts=1)
        assert (caught.value.received, caught.value.why) == (100_000, None)
        assert [each.name for each in tmp_path.iterdir()] == ["file.bin.part"]
        assert fetch(_remote(url, behaviour), tmp_path, attempts=1).read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=100000-"] and not (tmp_path / "file.bin.part").exists()


def test_an_unfinished_file_has_the_name_that_the_remote_gives(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, cuts=[100_000])
    with server(behaviour) as url, pytest.raises(BrokenOff):
        fetch(_remote(url, behaviour, part="half"), tmp_path, attempts=1)
    assert [each.name for each in tmp_path.iterdir()] == ["half"]


def test_what_was_whole_but_not_renamed_is_taken_without_asking(tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT
    assert behaviour.asked == []


def test_server_without_ranges_starts_again(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, ranges=False, cuts=[100_000])
    with server(behaviour) as url:
        assert fetch(_remote(url, behaviour), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"more", b"<html>moved</html>"])
def test_wrong_content_is_refused_and_deleted(tmp_path: Path, content: bytes, algorithm: str) -> None:
    behaviour, good = Behaviour(content), Behaviour(CONTENT).digest(algorithm)
    with server(behaviour) as url, pytest.raises(WrongContent) as caught:
        remote = _remote(url, Behaviour(CONTENT), algorithm, size=min(len(CONTENT), len(content)))
        fetch(remote, tmp_path)
    text = str(caught.value)
    assert caught.value.digest == behaviour.digest(algorithm)
    assert text == (
        f"downloaded {len(content):,} bytes with {algorithm} {behaviour.digest(algorithm)}, expected "
        f"{url} ({remote.size:,} bytes, {algorithm} {good}); deleted them, please try again"
    )
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
    with server(behaviour) as url, pytest.raises(DownloadError, match=f"^the server answered {status} "):
        fetch(_remote(url, behaviour), tmp_path / "data")
    assert behaviour.asked == [None] and not (tmp_path / "data").exists()


def test_nothing_listening_leaves_no_folder(tmp_path: Path) -> None:
    with server(Behaviour(b"")) as url:
        pass
    with pytest.raises(Unreachable, match="refused"):
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


def test_one_who_comes_while_another_downloads_waits_for_that_file(tmp_path: Path) -> None:
    behaviour, found = Behaviour(CONTENT), list[Path]()
    with server(behaviour) as url, (tmp_path / "file.bin.part").open("a+b") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: found.append(fetch(_remote(url, behaviour), tmp_path)))
        waiting.start()
        waiting.join(0.5)
        assert not found and behaviour.asked == []
        part.write(CONTENT)
        part.flush()
        (tmp_path / "file.bin.part").rename(tmp_path / "file.bin")
        fcntl.flock(part, fcntl.LOCK_UN)
        waiting.join()
    assert found == [tmp_path / "file.bin"] and behaviour.asked == []
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]


SCRIPT = """
import sys
from pathlib import Path
from bench.files.download import Remote, fetch
url, size, checksum, folder = sys.argv[1:]
remote = Remote(url=url, name="file.bin", size=int(size), algorithm="sha256", checksum=checksum)
print("ready", flush=True)
print(fetch(remote, Path(folder)).name)
"""


def test_two_processes_download_once(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT)
    behaviour.gate.clear()  # until both are there
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    with server(behaviour) as url:
        arguments = [url, str(len(CONTENT)), behaviour.digest("sha256"), str(tmp_path / "data")]
        command = [sys.executable, "-c", SCRIPT, *arguments]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
        assert [run.stdout.readline() for run in runs if run.stdout] == ["ready\n"] * 2
        behaviour.gate.set()
        assert [run.communicate(timeout=60)[0] for run in runs] == ["file.bin\n"] * 2
    assert behaviour.asked == [None]
    assert [each.name for each in (tmp_path / "data").iterdir()] == ["file.bin"]


def test_disk_errors_are_no_network_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    behaviour = Behaviour(CONTENT)
    with server(behaviour) as url, pytest.raises(OSError, match=r"Not a directory|File exists"):
        fetch(_remote(url, behaviour), tmp_path / "file" / "data")
