"""Downloads, against a real server on this machine that can break off and knows byte ranges."""

import hashlib
import os
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.files.published_weights import PublishedWeights

CONTENT = os.urandom(3_000_000)


class Server(BaseHTTPRequestHandler):
    content = CONTENT
    break_after: int | None = None
    ranges = True
    asked: list[str | None]

    def do_GET(self):
        asked = self.headers.get("Range")
        type(self).asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start >= len(self.content):
            self.send_error(416)
            return
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: type(self).break_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    for variable in ("UVIT_CACHE", "UVIT_DATA", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    handler = type("Handler", (Server,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield handler, f"http://127.0.0.1:{http.server_address[1]}/weights.pth"
        http.shutdown()
        thread.join()


def published(url):
    digest = hashlib.sha256(CONTENT).hexdigest()
    return PublishedWeights(names=("weights.pth", "other-name.pth"), url=url, size=len(CONTENT), sha256=digest)


def test_a_download_is_checked_kept_and_not_repeated(server, tmp_path):
    handler, url = server
    path = published(url).find(None, allow_download=True)
    assert path == tmp_path / "UVIT_CACHE" / "weights" / "weights.pth"
    assert path.read_bytes() == CONTENT
    assert published(url).find(None, allow_download=False) == path
    assert handler.asked == [None]
    assert [p.name for p in path.parent.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(server, ranges):
    handler, url = server
    handler.break_after, handler.ranges = 1_000_000, ranges
    with pytest.raises(ValueError, match="run again to go on"):
        published(url).find(None, allow_download=True)
    handler.break_after = None
    assert published(url).find(None, allow_download=True).read_bytes() == CONTENT
    assert handler.asked[0] is None and handler.asked[1].startswith("bytes=")


def test_a_download_that_was_complete_but_not_renamed_is_taken(server, tmp_path):
    handler, url = server
    part = tmp_path / "UVIT_CACHE" / "weights" / "weights.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert published(url).find(None, allow_download=True).read_bytes() == CONTENT
    assert handler.asked == [f"bytes={len(CONTENT)}-"]


def test_a_download_with_another_checksum_is_thrown_away(server, tmp_path):
    handler, url = server
    handler.content = CONTENT[:-1] + b"?"
    with pytest.raises(ValueError, match="thrown away"):
        published(url).find(None, allow_download=True)
    assert list((tmp_path / "UVIT_CACHE" / "weights").iterdir()) == []


@pytest.mark.parametrize("folder", ["UVIT_CACHE/weights", "UVIT_DATA", "TORCH_HOME/hub/checkpoints"])
@pytest.mark.parametrize("name", ["weights.pth", "other-name.pth"])
def test_copies_are_found_under_any_name_in_any_known_folder(server, tmp_path, folder, name):
    handler, url = server
    path = tmp_path / folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert published(url).find(None, allow_download=True) == path
    assert handler.asked == []


def test_a_damaged_copy_is_passed_over(server, tmp_path):
    _, url = server
    path = tmp_path / "UVIT_DATA" / "weights.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:100])
    assert published(url).find(None, allow_download=True).read_bytes() == CONTENT


def test_no_network_and_a_missing_page_are_one_line(server):
    _, url = server
    gone = replace(published(url), url="http://127.0.0.1:9/weights.pth")
    with pytest.raises(ValueError, match="not reachable") as caught:
        gone.find(None, allow_download=True)
    assert "\n" not in str(caught.value) and "3 MB" in str(caught.value) and gone.sha256 in str(caught.value)
