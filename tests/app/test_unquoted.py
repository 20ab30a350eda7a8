"""Names that lack their quotes."""

from __future__ import annotations

import pytest

from lib_kohaku.app.unquoted import with_quotes

NAMES = ["animagine-xl-3.0", "animagine-xl", "kohaku xl beta7", "beta7", "1digit", "a-b", "xl-3", "name=with;x"]


@pytest.mark.parametrize(
    ("formula", "fixed", "found"),
    [
        ("beta7 + animagine-xl-3.0 - beta7", 'beta7 + "animagine-xl-3.0" - beta7', ["animagine-xl-3.0"]),
        ("Animagine-XL + 1digit", '"animagine-xl" + "1digit"', ["animagine-xl", "1digit"]),
        ("kohaku xl beta7*0.5", '"kohaku xl beta7"*0.5', ["kohaku xl beta7"]),
        ("a-b + a-b", '"a-b" + "a-b"', ["a-b"]),
        ('"animagine-xl-3.0" + "x \\" a-b" # a-b', '"animagine-xl-3.0" + "x \\" a-b" # a-b', []),
        ("animagine-xl-3.05 + myanimagine-xl + a-bc", "animagine-xl-3.05 + myanimagine-xl + a-bc", []),
        ("name=with;x", '"name=with;x"', ["name=with;x"]),
        ("", "", []),
    ],
)
def test_names_get_their_quotes(formula: str, fixed: str, found: list[str]) -> None:
    assert with_quotes(formula, NAMES) == (fixed, found)
