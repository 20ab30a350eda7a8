from __future__ import annotations

import io
import json

import pytest

from lib_kohaku.cli.main import main
from tests.prompt.booru import make_database

LIST = '1girl,0,600,"1girls"\nlong_hair,0,400,lh\nyellow_eyes,0,90,\n'


@pytest.fixture
def tags(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(LIST)
    return str(path)


@pytest.fixture
def database(tmp_path):
    return str(make_database(tmp_path / "danbooru.db"))


def test_searching_a_file(tags, capsys):
    assert main(["tags", "search", "lon", "--tags", tags]) == 0
    assert capsys.readouterr().out == "long_hair  [general, 400 posts]\n"


def test_searching_as_json(tags, capsys):
    assert main(["tags", "search", "lh", "--tags", tags, "--json", "--limit", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["query"] == "lh"
    assert answer["hits"] == [
        {
            "name": "long_hair",
            "category": "general",
            "posts": 400,
            "match": "alias",
            "matched": "lh",
            "profile_word": False,
            "aliases": ["lh"],
        }
    ]


def test_without_a_list_our_own_words_are_found(capsys):
    assert main(["tags", "search", "great qual", "--json"]) == 0
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert (hit["name"], hit["category"], hit["profile_word"]) == ("great_quality", "profile", True)


def test_the_webuis_folder_and_a_cache(tmp_path, capsys):
    own = tmp_path / "webui" / "kohaku" / "tags"
    own.mkdir(parents=True)
    (own / "mine.csv").write_text(LIST)
    words = ["tags", "search", "yelow eyes", "--data", str(tmp_path / "webui"), "--cache", str(tmp_path / "cache")]
    for _ in range(2):
        assert main(words) == 0
        assert capsys.readouterr().out == "yellow_eyes  [general, 90 posts]\n"
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_nothing_found_is_not_an_error(tags, capsys):
    assert main(["tags", "search", "zzzzzzz", "--tags", tags, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"] == []


@pytest.mark.parametrize("limit", ["0", "-1", "100000"])
def test_a_limit_that_is_none_is_refused(tags, limit, capsys):
    assert main(["tags", "search", "a", "--tags", tags, "--limit", limit]) == 2
    assert capsys.readouterr().err == "refused: --limit has to be from 1 to 1000.\n"


def test_a_bad_list_is_refused_with_its_line(tmp_path, capsys):
    (tmp_path / "bad.csv").write_text("a,0,1,\nb,0\n")
    assert main(["tags", "search", "a", "--tags", str(tmp_path / "bad.csv")]) == 2
    assert "refused: bad.csv, line 2: has 2 columns" in capsys.readouterr().err
    assert main(["tags", "search", "a", "--tags", str(tmp_path / "none.csv")]) == 2


def test_a_caption(database, capsys):
    assert main(["caption", "--db", database, "--post", "6000000", "100"]) == 0
    assert capsys.readouterr().out == (
        "1girl, saber (fate), fate (series), wada arco, |||long hair, ^_^, highres, newest, safe, masterpiece\n"
        "|||long hair, old, sensitive, low quality\n"
    )


def test_a_prompt_of_another_profile(database, capsys):
    words = ["caption", "--db", database, "--post", "6000000", "--profile", "kohaku-xl-delta", "--form", "prompt"]
    assert main(words) == 0
    # general, 41 favourites > 37: masterpiece
    assert capsys.readouterr().out == (
        r"1girl, saber \(fate\), fate \(series\), wada arco, masterpiece, safe, newest, long hair, ^_^, highres" + "\n"
    )


def test_captions_as_json(database, capsys):
    assert main(["caption", "--db", database, "--post", "100", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["caption"] == "|||long hair, old, sensitive, low quality"
    assert answer["prompt"] == "long hair, old, sensitive, low quality"
    assert answer["parts"]["year"] == ["old"]


def test_a_pasted_post(tmp_path, capsys, monkeypatch):
    post = json.dumps({"id": 7, "rating": "g", "score": 2, "tag_string_general": "1girl"})
    monkeypatch.setattr("sys.stdin", io.StringIO(post))
    assert main(["caption", "--post-json", "-"]) == 0
    assert capsys.readouterr().out == "1girl, |||safe, low quality\n"


def test_a_batch(database, tmp_path, capsys):
    (tmp_path / "ids.txt").write_text("6000000\n100\n5\n")
    words = ["caption", "--db", database, "--ids", str(tmp_path / "ids.txt"), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert capsys.readouterr().out == "2 written, 0 left alone, 1 not in the database\n"
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": [], "kept": [6000000, 100], "missing": [5]}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["100.txt", "6000000.txt"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--post", "5"], "the posts was found"),
        (["--post", "-5"], "Post ids are numbers"),
        (["--profile", "x", "--post", "100"], "no profile 'x'"),
        ([], "Say which posts"),
        (["--out", "x"], "--out needs"),
    ],
)
def test_what_cannot_be_done_is_refused(database, words, message, capsys):
    assert main(["caption", "--db", database, *words]) == 2
    assert message in capsys.readouterr().err


def test_ids_without_a_database_are_refused(capsys):
    assert main(["caption", "--post", "5"]) == 2
    assert "need a database" in capsys.readouterr().err
