"""``kohaku prompt`` as scripts see it."""

import io
import json

import pytest

from lib_kohaku.cli.main import main
from tests.prompt.real_data import real_file
from tests.prompt.support import recorded


@pytest.fixture
def tags(tmp_path):
    path = tmp_path / "tags.csv"
    path.write_text("1girl,0,6000000,sole_female\nsolo,0,5000000,\nsaber_(fate),4,40000,\n", encoding="utf-8")
    return str(path)


def run(capsys, *words):
    code = main(["prompt", *words])
    out, err = capsys.readouterr()
    return code, out, err


def standard_input(monkeypatch, data):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))


def test_parse_lines_have_the_recorded_form(capsys, tmp_path):
    rows = recorded("host_golden.jsonl")
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": row["prompt"]}) for row in rows) + "\n\n", encoding="utf-8")
    code, out, _ = run(capsys, "parse", "--jsonl", str(path))
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == rows


def test_parse_agrees_with_all_golden_vectors(capsys):
    path = real_file("a1111_prompt_golden.jsonl")
    code, out, _ = run(capsys, "parse", "--jsonl", str(path))
    wanted = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in wanted:
        del row["kind"]
    assert (code, [json.loads(line) for line in out.splitlines()]) == (0, wanted)


def test_parse_one_as_a_document(capsys):
    code, out, _ = run(capsys, "parse", "a, (b:1.2) AND c:0.5", "--json", "--steps", "3")
    document = json.loads(out)
    assert code == 0
    assert document["multicond"] == [["a, (b:1.2)", 1.0], [" c", 0.5]]
    assert document["schedule"] == [[3, "a, (b:1.2)"]]
    assert [(part["tokens"], part["limit"]) for part in document["parts"]] == [(3, 75), (1, 75)]
    assert document["parts"][0]["chunks"][0]["end"] == 5


def test_parse_for_people(capsys):
    code, out, _ = run(capsys, "parse", "a, (b:1.2) # note")
    assert code == 0
    assert "guidance x1" in out
    assert '1.2  "b"' in out
    assert "note" not in out


def test_format(capsys, tags):
    assert run(capsys, "format", "masterpiece, solo, 1girl", "--tags", tags)[:2] == (0, "1girl, solo, masterpiece\n")
    code, out, _ = run(capsys, "format", "solo, saber \\(fate\\)", "--tags", tags, "--json", "--profile", "pony-v6")
    document = json.loads(out)
    assert code == 0
    assert document["formatted"] == "saber \\(fate\\), solo"
    assert document["moves"] == [{"text": "saber \\(fate\\)", "class": "character", "from": [6, 20], "to": [0, 14]}]


def test_lint(capsys, tags):
    code, out, _ = run(capsys, "lint", "sole female, saber (fate), :3", "--tags", tags, "--json")
    findings = json.loads(out)["findings"]
    assert code == 0
    assert [finding["code"] for finding in findings] == ["alias", "unescaped-name", "number-read-as-weight"]
    assert findings[1]["fixes"][0]["result"] == "sole female, saber \\(fate\\), :3"
    code, out, _ = run(capsys, "lint", "1girl, :3")
    assert "6-8: error:" not in out
    assert "8-9: error: The webui takes ':3'" in out
    assert run(capsys, "lint", "1girl, solo")[1] == "nothing to say\n"


def test_implications(capsys, tmp_path, tags):
    path = tmp_path / "implications.csv"
    path.write_text("saber_(fate),1girl\n", encoding="utf-8")
    _, out, _ = run(capsys, "lint", "1girl, saber \\(fate\\)", "--tags", tags, "--implications", str(path))
    assert "'saber (fate)' says '1girl' already. [implied]" in out


def test_standard_input_is_taken_to_the_byte(capsys, monkeypatch):
    standard_input(monkeypatch, "a\r\n(猫:1.2)\r\n".encode())
    assert json.loads(run(capsys, "parse", "--json")[1])["attention"] == [["a\r\n", 1.0], ["猫", 1.2]]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["parse", "(a:1.2.3)"], "1.2.3"),
        (["parse", "a", "--steps", "0"], "--steps"),
        (["parse", "a", "--jsonl", "x"], "not both"),
        (["lint", "a", "--profile", "nope"], "no profile 'nope'"),
        (["lint", "a", "--tags", "no-such-file.csv"], "no-such-file.csv"),
        (["format", "--jsonl", "no-such-file.jsonl"], "no-such-file.jsonl"),
    ],
)
def test_refusals(capsys, words, text):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("refused: ")
    assert text in err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"prompt": "a"}\nnope\n', "line 2: no JSON"),
        (b'{"text": "a"}\n', "line 1: a JSON object"),
        (b'["a"]\n', "line 1: a JSON object"),
        (b'{"prompt": "\xff"}\n', "line 1: no UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1: no JSON"),
    ],
)
def test_broken_lines(capsys, tmp_path, content, text):
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(content)
    code, _, err = run(capsys, "parse", "--jsonl", str(path))
    assert code == 2
    assert text in err


def test_standard_input_that_is_no_text(capsys, monkeypatch):
    standard_input(monkeypatch, b"\xff\xfe")
    code, _, err = run(capsys, "lint")
    assert (code, "no UTF-8" in err) == (2, True)


def test_lines_that_stop_the_webui_are_told_and_the_others_done(capsys, tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "(a:1.2.3)"}\n{"prompt": "b"}\n', encoding="utf-8")
    code, out, err = run(capsys, "parse", "--jsonl", str(path))
    first, second = [json.loads(line) for line in out.splitlines()]
    assert code == 2
    assert "1.2.3" in first["error"]
    assert second["attention"] == [["b", 1.0]]
    assert "line 1" in err


def test_odd_characters_reach_the_terminal(capsys):
    assert run(capsys, "format", "\ud800, 猫")[:2] == (0, "?, 猫\n")
    code, out, _ = run(capsys, "parse", "(" * 8000 + "a\ud800", "--json")
    assert code == 0
    assert json.loads(out)["attention"] == [["a\ud800", None]]
