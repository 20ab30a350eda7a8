"""Our stages against what the webui's own parser was seen to do."""

import json

import pytest

from lib_kohaku.prompt.syntax import Steps, UnreadableWeightError, attention, multicond, schedule
from tests.prompt.real_data import real_file
from tests.prompt.support import recorded


def rounded(text):
    return [[piece, round(weight, 6)] for piece, weight in attention(text)]


def check_golden(row):
    conditions = multicond(row["prompt"])
    assert rounded(row["prompt"]) == row["attention"]
    assert [list(condition) for condition in conditions] == row["multicond"]
    assert [list(entry) for entry in schedule(conditions[0].text, 20)] == row["schedule"]


@pytest.mark.parametrize("row", recorded("host_golden.jsonl"), ids=lambda row: row["prompt"][:40])
def test_recorded_prompts(row):
    check_golden(row)


def test_all_golden_vectors():
    lines = real_file("a1111_prompt_golden.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    assert len(rows) == 1544
    for row in rows:
        check_golden(row)


def test_generated_prompts():
    rows = recorded("host_fuzz.jsonl")
    assert len(rows) > 400
    for row in rows:
        text = row["prompt"]
        if row["attention"] is None:
            with pytest.raises(UnreadableWeightError):
                attention(text)
        else:
            assert rounded(text) == row["attention"], text
        assert [list(condition) for condition in multicond(text)] == row["multicond"], text
        assert [list(entry) for entry in schedule(text, 7)] == row["schedule"], text
        assert [list(entry) for entry in schedule(text, Steps(7, hires=5))] == row["hires"], text
