"""``index.html`` as a reader has it: from disk, by pointer and keyboard, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from reports import find
from reports.page import document
from results import Store
from tests.reports.page.chromium import chromium
from tests.reports.simulated import FORMULAS, cell_scores, identity, manifest, record, skip_run, write_grid

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

LATEX = "\\begin{tabular}{lr}\n  concat & $0.055 \\pm 0.001$ \\\\\n\\end{tabular}\n"
NASTY = (
    "</script><script>window.pwned = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="window.pwned=2">',
    "line\u2028two\u2029three",
    "{{ 7 * 7 }} & <b>bold</b> \u202egnp",
)


def nasty_grid(store: Store) -> None:
    """Arms, question and reasons that try to get out of every context of the page."""
    arms: list[dict[str, Any]] = [
        {"arm": name, "variant": f"{name} variant", "formula": name, "cells": [{"seed": 0, "train_id": identity(name)}]}
        for name in NASTY
    ]
    named = {"name": "nasty", "question": "".join(NASTY), "baseline": NASTY[0], "arms": arms}
    write_grid(store, "nasty", manifest(arms=()) | named)
    for i, name in enumerate(NASTY):
        failed = {"status": "error", "error": name} if i == len(NASTY) - 1 else {}
        scores = cell_scores("add", i, (1000, 2000, 3000), extractor=name)
        store.write(record("add", 0, train_id=identity(name), variant=name, scores=scores, **failed))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    folder = tmp_path_factory.mktemp("page")
    store = skip_run(folder, seeds=(0, 1, 2))
    store.write(record("none", 1, status="diverged", error="the loss was nan", scores=cell_scores("none", 1, (250,))))
    nasty_grid(store)
    (folder / "records" / "0123456789abcdef.json").write_text("{")
    page = folder / "index.html"
    page.write_text(document(find(folder), latex={"skip": LATEX}), encoding="utf-8")
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        found.get(page.as_uri())
        yield found


@pytest.fixture(autouse=True)
def quiet(browser: Chrome) -> Iterator[None]:
    """Every test leaves the console without a message."""
    yield
    assert browser.get_log("browser") == []


def one(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element("css selector", selector)


def texts(browser: Chrome, selector: str) -> list[str]:
    """Texts of the shown elements."""
    return [found.text for found in browser.find_elements("css selector", selector) if found.is_displayed()]


def click(browser: Chrome, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def press(browser: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser, duration=0).send_keys(*keys).perform()


def focused(browser: Chrome) -> Any:
    return browser.switch_to.active_element


def emulate(browser: Chrome, *, width: int = 1280, scheme: str = "light") -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_nothing_loads_and_nothing_can(browser: Chrome) -> None:
    assert browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
    blocked = browser.execute_async_script(
        """const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
        document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/a.png", id: "intruder" }));"""
    )
    assert blocked == "img-src"
    browser.execute_script("document.querySelector('#intruder').remove()")
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]


def test_text_from_records_stays_text(browser: Chrome) -> None:
    assert browser.execute_script("return window.pwned") is None
    shown = browser.execute_script("return document.querySelector('#question-nasty').textContent")
    assert "</script><script>window.pwned = 1</script>" in shown and "{{ 7 * 7 }}" in shown
    assert "\u202e" not in shown
    names = browser.execute_script(
        "const names = document.querySelectorAll('.legend[data-grid=nasty] label > span');"
        "return [...names].map((name) => name.firstChild.data)"
    )
    assert names[:3] == list(NASTY[:3]) and names[3] == "line two three"
    click(browser, "#table-nasty [data-card]")
    assert NASTY[0] in one(browser, "#card-title").text
    click(browser, "#card .close")
    assert browser.execute_script("return window.pwned") is None


def test_headings_sort_by_value_with_what_is_missing_last(browser: Chrome) -> None:
    names, heading = "#table-skip tbody th", "#table-skip thead th:nth-child(2)"
    assert texts(browser, names) == list(FORMULAS)
    orders = []
    for state in ("ascending", "descending", None):
        click(browser, f"{heading} button")
        assert one(browser, heading).get_attribute("aria-sort") == state
        orders.append(texts(browser, names))
    assert orders == [list(FORMULAS), list(FORMULAS)[::-1], list(FORMULAS)]
    for _ in range(2):  # the mean of the failed cell's arm is there, the other score of the nasty one is not
        click(browser, "#table-nasty thead th:nth-child(2) button")
        assert texts(browser, "#table-nasty tbody tr td:nth-child(2)")[-1] == "–"
    click(browser, "#table-skip thead th:nth-child(1) button")
    assert texts(browser, names) == sorted(FORMULAS)
    click(browser, "#table-skip thead th:nth-child(5) button")
    assert one(browser, "#table-skip thead th:nth-child(1)").get_attribute("aria-sort") is None
    [click(browser, "#table-skip thead th:nth-child(5) button") for _ in range(2)]


def test_a_heading_sorts_by_keyboard(browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("document.querySelector('#table-skip thead th:nth-child(4) button').focus()")
    press(browser, Keys.TAB)
    assert "Δ vs" in focused(browser).text
    press(browser, Keys.ENTER)
    assert one(browser, "#table-skip thead th:nth-child(5)").get_attribute("aria-sort") == "ascending"
    press(browser, Keys.SPACE, Keys.SPACE)
    assert texts(browser, "#table-skip tbody th") == list(FORMULAS)


def test_rows_filter_by_words(browser: Chrome) -> None:
    field = one(browser, "#table-skip .filter")
    field.send_keys("LINEAR 3/3")
    assert texts(browser, "#table-skip tbody th") == ["linear_sum", "linear_skip"]
    assert texts(browser, "#table-skip .count") == ["2 of 5 rows"]
    browser.execute_script("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'))", field)
    assert len(texts(browser, "#table-skip tbody th")) == 5


def test_arms_switch_on_and_off_in_every_plot(browser: Chrome) -> None:
    kinds = ("curves", "scores", "costs")
    lines = "return document.querySelectorAll('.plot[data-grid=skip][data-kind=' + arguments[0] + '] svg g.c2').length"
    box = one(browser, ".legend[data-grid=skip] label:nth-of-type(4) input")
    assert [browser.execute_script(lines, kind) for kind in kinds] == [1, 1, 1]
    box.send_keys(" ")
    assert [browser.execute_script(lines, kind) for kind in kinds] == [0, 0, 0]
    click(browser, ".legend[data-grid=skip] .quick:last-of-type")
    assert "No arm is switched on" in one(browser, ".plot[data-grid=skip][data-kind=curves] svg").text
    click(browser, ".legend[data-grid=skip] .quick")
    assert [browser.execute_script(lines, kind) for kind in kinds] == [1, 1, 1]
    colour = "return getComputedStyle(document.querySelector(arguments[0])).fill"
    places = ("#table-skip tbody tr:nth-child(4) .mark", ".plot[data-kind=curves] .c2 .mark", ".legend .c2 .mark")
    assert len({browser.execute_script(colour, place) for place in places}) == 1


def test_plots_tell_their_values_to_keyboard_pointer_and_as_a_table(browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    plot = ".plot[data-grid=skip][data-kind=scores]"
    shown = texts(browser, "#table-skip tbody td:nth-child(2)")
    browser.execute_script("document.querySelector(arguments[0]).focus()", f"{plot} .canvas")
    press(browser, Keys.ARROW_RIGHT)
    assert one(browser, f"{plot} .tip").text == f"concat\n{shown[0]}"
    press(browser, Keys.ARROW_DOWN)
    assert one(browser, f"{plot} .tip").text == f"linear_sum\n{shown[1]}"
    press(browser, Keys.ESCAPE)
    assert not one(browser, f"{plot} .tip").is_displayed()
    mark = ".plot[data-grid=skip][data-kind=curves] g.c0 .mark:last-of-type"
    browser.execute_script(
        """const at = document.querySelector(arguments[0]).getBoundingClientRect();
        document.querySelector(arguments[1]).dispatchEvent(new PointerEvent("pointermove",
            { bubbles: true, clientX: at.x + at.width / 2, clientY: at.y + at.height / 2 }))""",
        mark,
        ".plot[data-grid=skip][data-kind=curves] .canvas",
    )
    assert one(browser, ".plot[data-grid=skip][data-kind=curves] .tip").text.startswith("linear_sum\nstep 3,000: 0.0")
    click(browser, f"{plot} details.numbers summary")
    browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")
    assert texts(browser, f"{plot} tbody td:last-child") == shown


def test_a_number_opens_its_card_and_focus_comes_back(browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    number = one(browser, "#table-skip tbody tr:nth-child(4) td:nth-child(2) button")
    number.send_keys(Keys.ENTER)
    dialog = one(browser, "#card")
    assert one(browser, "#card-title").text == "add: val loss (raw)"
    assert one(browser, "#card .shown").text == number.text
    for fact in ("held-out images a bin", "photos:held_out", identity("add", 2), "0123456789abcdef"):
        assert fact in dialog.text
    for _ in range(6):
        press(browser, Keys.TAB)
        inside = browser.execute_script(
            "const at = document.activeElement;"
            "return at === document.body || document.querySelector('#card').contains(at)"
        )
        assert inside
    press(browser, Keys.ESCAPE)
    assert not dialog.is_displayed() and focused(browser) == number


def test_latex_is_copied(browser: Chrome) -> None:
    granted = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", granted)
    one(browser, "#table-skip .copy").click()
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert one(browser, "#table-skip .copy").text == "Copied"
    assert browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == LATEX


def test_failures_and_damaged_files_are_in_sight(browser: Chrome) -> None:
    assert "none, seed 1: diverged (the loss was nan)" in one(browser, "#grid-skip .failed").text
    damaged = one(browser, ".problems")
    assert "Damaged files left out 1" in damaged.text
    click(browser, ".problems summary")
    assert "records/0123456789abcdef.json" in damaged.text


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_scrolls_the_page_sideways(browser: Chrome, width: int) -> None:
    emulate(browser, width=width)
    wide = browser.execute_async_script(
        "requestAnimationFrame(() => setTimeout(() => arguments[0](document.documentElement.scrollWidth), 50))"
    )
    assert wide <= width
    box = "const box = document.querySelector('#table-skip .scroll'); return box.scrollWidth > box.clientWidth"
    assert browser.execute_script(box) or width > 360  # a wide table scrolls in its own box
    emulate(browser)


def test_light_and_dark(browser: Chrome) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    found = {}
    for scheme in ("light", "dark"):
        emulate(browser, scheme=scheme)
        found[scheme] = browser.execute_script(ground)
    click(browser, "#theme")
    assert browser.execute_script(ground) == found["light"] != found["dark"]
    assert one(browser, "#theme").get_attribute("aria-pressed") == "false"
    click(browser, "#theme")
    assert browser.execute_script(ground) == found["dark"]
    emulate(browser)
