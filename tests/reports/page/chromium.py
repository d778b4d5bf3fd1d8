"""Headless Chromium for the tests of the page: the system's own, which loads nothing from anywhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --window-size=1280,900"
)


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser whose profile is the empty folder ``profile``; fails where there is no browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("the page is tested in Chromium: install it with `apt-get install chromium chromium-driver`")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    options = ChromeOptions()
    options.binary_location = program
    for flag in [*_FLAGS.split(), f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()
