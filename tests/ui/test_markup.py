"""HTML that is built from untrusted text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.ui.markup import action, div, join, notice, tag


class Reader(HTMLParser):
    """What a browser would see: elements with attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# Browsers read lone carriage returns and NUL as something else; neither can do harm.
TEXTS = st.text(alphabet=st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]), max_size=40)


@given(TEXTS, TEXTS)
def test_text_and_attributes_come_back_as_they_were(text, attribute):
    seen = Reader(div("x", text, title=attribute, data_kohaku_value=attribute))
    assert seen.text == text
    assert seen.elements == [("div", {"class": "x", "title": attribute, "data-kohaku-value": attribute})]


@given(TEXTS)
def test_buttons_hand_over_exactly_their_value(value):
    (element,) = Reader(action("Use", "recipe_use", value)).elements
    assert element[1]["data-kohaku-value"] == value


def test_elements_are_not_escaped_twice():
    assert join("<", tag("b", "&"), None) == "&lt;<b>&amp;</b>"


def test_attributes_that_are_false_are_left_out():
    assert tag("input", checked=True, disabled=False, title=None) == "<input checked>"


def test_no_text_is_no_notice():
    assert notice("") == ""
    assert 'role="alert"' in notice("x")
