"""Data and generators that the prompt tests share."""

from __future__ import annotations

import csv
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.prompt.real_data import real_file

HERE = Path(__file__).parent
THOROUGH = os.environ.get("KOHAKU_THOROUGH") == "1"

# Pieces that prompts are generated of: words, and everything that means something to the webui or to an extension.
PIECES = [
    *("1girl", "long hair", "a", "saber", ":3", ":d", "reverse:1999", "year 2023", "best quality", "@_@", ";)", "|_|"),
    *("(", ")", "[", "]", ":", "|", "\\", "\\(", "\\)", "\\[", "\\]", "\\\\", "\\:", "\\|", "{", "}", "<", ">"),
    *(",", ", ", " ", "\n", "\t", "\r\n", "#", "# note\n", "AND", " AND ", "BREAK", " BREAK ", "1.2", "0.5", "5", "-1"),
    *("(a:1.2)", "[a:b:0.5]", "[a|b]", "[a::3]", "<lora:x:0.8>", "__wild/card__", "{a|b}", "${v}", "$v", "@f:c@"),
    *(" ADDCOL ", ":1.2)", "(", "[", "]", ")", "é", "猫", "\u3000", "\ud800", "\0", "\x85", "😀"),
]
prompts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=24).map("".join), st.text(max_size=40))


def many(count: int) -> settings:
    """Moderate by default; with KOHAKU_THOROUGH=1 a hundred times as many examples."""
    return settings(max_examples=count * 100 if THOROUGH else count, deadline=None)


def recorded(name: str) -> list[dict[str, Any]]:
    lines = (HERE / "data" / name).read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


@lru_cache(maxsize=1)
def _tag_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def tag_rows() -> list[list[str]]:
    """Rows of the tag list: name, category, count, aliases."""
    return _tag_rows(real_file("danbooru.csv"))
