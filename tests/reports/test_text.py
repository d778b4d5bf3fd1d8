"""Escaping: whatever a record holds, Markdown shows it as text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.text import markdown, plain

ALPHABET = st.sampled_from(
    [*"ab1 _*`~[]()<>|\\&#!@$.:/-+=\n\t", "\x1b", "http://", "www.", "&lt;", "<b>", "<!--", "<a@b.c>", "é", "\u202e"]
)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(st.lists(ALPHABET, max_size=40).map("".join))
def test_markdown_shows_the_text_itself(text: str) -> None:
    html = PARSER.render(f"x {markdown(text)} y")
    shown = re.fullmatch(r"<p>(.*)</p>\n", html, re.DOTALL)
    assert shown is not None, html
    assert "<" not in shown[1], html
    from html import unescape

    assert unescape(shown[1]).split() == ["x", *plain(text).split(), "y"]


@given(st.lists(ALPHABET, max_size=40).map("".join))
def test_a_cell_stays_a_cell(text: str) -> None:
    html = PARSER.render(f"| a | b |\n| --- | --- |\n| {markdown(text)} | z |")
    assert html.count("<td") == 2


@given(st.text(max_size=500))
def test_plain_text_is_one_printable_line(text: str) -> None:
    line = plain(text)
    assert len(line) <= 300
    assert all(c.isprintable() for c in line)
