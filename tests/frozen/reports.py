"""Every file that ``uvit report`` writes from the published folders, and its terminal text, as hashes."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image

from reports import render

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "published"
WIDTH = 100  # columns of the terminal's text


def folders() -> dict[str, list[Path]]:
    """The reports that are frozen: each published folder alone, and all of them in one."""
    kept = [path for path in sorted(PUBLISHED.iterdir()) if path.is_dir() and path.name[0] not in "._"]
    found = {path.name: [path] for path in kept if path.name != "calibrations"}  # records of no grid
    return found | {"together": [path for paths in found.values() for path in paths]}


def report_hashes(name: str, out: Path) -> dict[str, str]:
    """SHA-256 by path of what the report ``name`` holds; of a PNG, its pixels; ``terminal`` is the printed text."""
    dirs = [path.relative_to(ROOT) for path in folders()[name]]
    rendered = render(dirs, out, width=WIDTH)
    files = {str(path.relative_to(out)): _content(path) for path in rendered.paths}
    text = rendered.text.replace(str(out), "OUT")
    return {"terminal": _sha256(text.encode())} | {path: _sha256(files[path]) for path in sorted(files)}


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".png":
        return content
    with Image.open(io.BytesIO(content)) as image:
        return repr((image.size, image.mode)).encode() + image.tobytes()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
