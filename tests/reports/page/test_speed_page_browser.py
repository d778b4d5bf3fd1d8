"""The page of a grid that speed decides, in a browser: its plots are there, tell their values, and fit every width."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from reports import find
from reports.page import document
from tests.reports.page.chromium import chromium
from tests.reports.simulated import speed_run

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

ARMS = {
    "eps/concat": (1.0, 1.01, 0.99), "eps/add": (0.80, 0.81, 0.80), "eps/none": (1.3, 1.31, 1.29),
    "v/concat": (1.0, 1.01, 0.99), "v/add": (1.0, 1.02, 0.99), "v/none": (1.2, 1.21, 1.2),
}  # fmt: skip
WORSE = ("eps/add", "eps/none")  # at the end
KINDS = ("differences", "levels", "readings", "compute")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    folder = tmp_path_factory.mktemp("speed")
    skill = {arm: (0.2, 0.21, 0.19) if arm in WORSE else (-0.1, -0.11, -0.09) for arm in ARMS}
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in ARMS}
    store = speed_run(folder, ARMS, skill=skill, training=training)
    page = folder / "index.html"
    page.write_text(document(find(store.root)), encoding="utf-8")
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        found.get(page.as_uri())
        yield found
        assert found.get_log("browser") == []


def texts(browser: Chrome, kind: str) -> list[str]:
    """The texts inside a plot, in order."""
    script = (
        "return [...document.querySelectorAll(`.plot[data-kind=${arguments[0]}] svg text`)].map(t => t.textContent)"
    )
    found: list[str] = browser.execute_script(script, kind)
    return found


def test_every_plot_is_drawn(browser: Chrome) -> None:
    shown = "return [...document.querySelectorAll('.plot:not([hidden])')].map((plot) => plot.dataset.kind)"
    assert set(KINDS) <= set(browser.execute_script(shown))
    forest = texts(browser, "differences")
    for text in ("eps, against eps/concat", "v, against v/concat", "mixed", "worse", "equivalent", "1", "1.2", "0.83"):
        assert text in forest, text
    assert "linear filter" in texts(browser, "levels") and "log-SNR" in texts(browser, "levels")
    assert any(text.startswith("R = 0.80: 2,4") and text.endswith(" 3,000") for text in texts(browser, "readings"))
    assert "R × relative MACs a step (← less)" in texts(browser, "compute")


def test_the_forest_says_its_verdicts_beside_intervals_and_its_values_in_a_table(browser: Chrome) -> None:
    words = [text for text in texts(browser, "differences") if text in ("mixed", "worse", "equivalent")]
    assert words == ["mixed", "worse", "equivalent", "worse"]
    browser.execute_script("document.querySelector('.plot[data-kind=differences] details.numbers').open = true")
    browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")
    rows = browser.execute_script(
        "return [...document.querySelectorAll('.plot[data-kind=differences] tbody tr')].map((row) => row.textContent)"
    )
    assert rows[0].startswith("eps/addmixed0.80 [0.7") and rows[1].startswith("eps/noneworse1.30 [1.2")


def test_another_arm_can_be_read_and_blocks_switch_together(browser: Chrome) -> None:
    browser.execute_script(
        "const choice = document.querySelector('.plot[data-kind=readings] select');"
        "choice.value = 1; choice.dispatchEvent(new Event('change'))"
    )
    assert "R = 1.30: 3,000 steps for the baseline's 2,308" in texts(browser, "readings")
    names = "return [...document.querySelectorAll('.plot[data-kind=compute] svg text.name')].map((t) => t.textContent)"
    press = "document.querySelectorAll('.legend .quick')[arguments[0]].click()"
    for button, left in ((0, "eps"), (1, "v")):
        browser.execute_script(press, button)
        assert {name.partition("/")[0] for name in browser.execute_script(names) if "against" not in name} == {left}
    browser.execute_script(press, 2)  # all
    assert len(browser.execute_script(names)) == 6  # four arms, two headings


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mixed_has_a_colour_that_can_be_read_on_its_ground(browser: Chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    chips = "return ['mixed', 'worse', 'unresolved'].map((name) => { const chip = document.createElement('li');"
    chips += " chip.className = `chip ${name}`; document.body.append(chip); const style = getComputedStyle(chip);"
    chips += " const found = [style.color, style.backgroundColor]; chip.remove(); return found; })"
    mixed, worse, plain = browser.execute_script(chips)
    assert len({tuple(mixed), tuple(worse), tuple(plain)}) == 3
    ink, ground = (_luminance(colour) for colour in mixed)
    assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    """WCAG's relative luminance of ``rgb(…)``."""
    parts = [int(part) / 255 for part in json.loads(colour.replace("rgb(", "[").replace(")", "]"))]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("width", [360, 1280])
def test_texts_stay_inside_and_nothing_scrolls_sideways(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 100))")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    outside = browser.execute_script(
        """return [...document.querySelectorAll(".plot:not([hidden]) svg text")].filter((text) => {
          const box = text.getBoundingClientRect();
          return box.width && (box.left < -1 || box.right > innerWidth + 1);
        }).map((text) => text.textContent)"""
    )
    assert outside == []
