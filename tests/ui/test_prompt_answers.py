"""What the prompt page's one event answers, to its own scripts and to strangers."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.host.prompting import PromptSurroundings
from lib_kohaku.ui.prompt.answers import METHODS, answer
from lib_kohaku.ui.prompt.page import page_markup
from tests.support.prompting import make_workbench

GAMMA = "kohaku-xl-gamma"
NONSENSE = [None, "", "x(", -1, 1e308, True, [], {"a": 1}, "\x00", "../../etc/passwd", "\ud800", ["x"] * 100]


@pytest.fixture
def prompting(tmp_path: Path) -> PromptWorkbench:
    return make_workbench(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> PromptWorkbench:
    return make_workbench(tmp_path_factory.mktemp("prompting"))


def ask(workbench: PromptWorkbench, method: str, **parameters: object) -> dict[str, object]:
    return json.loads(answer(workbench, json.dumps({"method": method, "profile": GAMMA, **parameters})))


class Elements(HTMLParser):
    """Ids and the texts that labels point to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.unlabelled: list[str] = []
        self._labels = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if attributes.get("id") else []
        self._labels += tag == "label"
        field = tag in ("textarea", "select") or (tag == "input" and attributes.get("type") != "file")
        if field and not self._labels and not attributes.get("aria-label"):
            self.unlabelled.append(str(attributes.get("id")))

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"


def test_ids_are_ours_and_unique_and_every_field_has_a_label():
    page = Elements()
    page.feed(page_markup())
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    assert [name for name in page.ids if not re.fullmatch(r"kohaku_prompt[a-z0-9_]*", name)] == []
    assert page.unlabelled == []
    assert len(page.ids) > 40


def test_labels_are_unique():
    labels = re.findall(r'class="kohaku-prompt-label">([^<]+)<', page_markup())
    assert [label for label, count in Counter(labels).items() if count > 1] == []


def test_the_scripts_find_every_element_that_they_name():
    page = Elements()
    page.feed(page_markup())
    scripts = (Path(__file__).parents[2] / "javascript").glob("kohaku_prompt*.js")
    named = {
        name for path in scripts for name in re.findall(r"prompt\.(?:element|onClick)\('(\w*[a-z])'", path.read_text())
    }
    assert len(named) > 30
    assert {f"kohaku_prompt_{name}" for name in named} <= set(page.ids)


def test_opening_tells_everything_that_the_page_shows(prompting):
    opened = ask(prompting, "open", profile="")
    assert opened["profile"]["id"] == opened["chosen"]["id"] == GAMMA
    assert opened["profile"]["size"] == {"width": 896, "height": 1152}
    assert opened["host"]["can_generate"] is True
    assert [picker["kind"] for picker in opened["profile"]["pickers"]] == ["quality", "rating", "year"]
    assert opened["offer"]["licence"] == "MIT"


def test_a_profile_that_is_gone_gives_the_models_own(prompting):
    assert ask(prompting, "open", profile="gone")["profile"]["id"] == GAMMA


def test_fixes_come_with_the_prompt_that_they_give(prompting):
    checked = ask(prompting, "check", prompt="1girl, saber (fate)", negative="", width=512, height=512, rows=True)
    (finding,) = checked["prompt"]["findings"]
    assert finding["fixes"][0]["result"] == r"1girl, saber \(fate\)"
    assert checked["settings"][0]["setting"] == "size"
    assert [row["kind"] for row in checked["rows"] if row["chips"]] == ["count", "character"]


def test_only_presets_of_the_user_are_deleted(prompting):
    assert "error" in ask(prompting, "delete_preset", name="Gamma: first portrait")
    assert ask(prompting, "save_preset", name="../../x", prompt="1girl")["message"] == "Saved ../../x."
    folder = prompting.host.data_folder()
    assert [path.relative_to(folder).parts[0] for path in folder.rglob("*.json")] == ["presets"]
    assert "message" in ask(prompting, "delete_preset", name="../../x")


def test_a_preset_is_not_replaced_unless_told(prompting):
    assert "message" in ask(prompting, "save_preset", name="a", prompt="1girl")
    assert "already" in ask(prompting, "save_preset", name="a", prompt="2girls")["error"]
    assert "message" in ask(prompting, "save_preset", name="a", prompt="2girls", overwrite=True)
    assert ask(prompting, "use_preset", name="a", own=True)["prompt"] == "2girls"


def test_a_saved_prompt_comes_back_as_it_was(prompting):
    for text in (
        r"1girl, saber \(fate\), (blue hair:1.2), <lora:x:1>",
        "1girl BREAK solo",
        "1girl AND solo",
        "1girl # why",
    ):
        ask(prompting, "save_preset", name="a", prompt=text, overwrite=True)
        assert ask(prompting, "use_preset", name="a", own=True)["prompt"] == text


def test_presets_go_out_and_come_in(prompting):
    ask(prompting, "save_preset", name="a", prompt="1girl", negative="text")
    text = ask(prompting, "export_presets")["text"]
    ask(prompting, "delete_preset", name="a")
    assert ask(prompting, "import_presets", text=text)["message"] == "1 preset taken in."
    assert ask(prompting, "use_preset", name="a", own=True)["negative"] == "text"
    assert "error" in ask(prompting, "import_presets", text="[" * 10_000)


def test_presets_and_the_webuis_styles(prompting, tmp_path):
    assert "no webui" in ask(prompting, "import_styles")["error"]
    path = tmp_path / "styles.csv"
    path.write_text("name,prompt,negative_prompt\nold one,a {prompt},b\n", encoding="utf-8-sig")
    prompting.host.surroundings = PromptSurroundings(styles_file=path)
    assert ask(prompting, "import_styles")["message"] == "1 preset taken in."
    assert "message" in ask(prompting, "preset_to_style", name="Gamma: first portrait")
    assert "Gamma: first portrait" in path.read_text("utf-8-sig")
    assert "error" in ask(prompting, "preset_to_style", name="Gamma: first portrait")


def test_adding_a_preset_adds_only_what_is_missing(prompting):
    text = ask(prompting, "use_preset", name="Gamma: first portrait", merge=True, prompt="Solo, blue hair, ")["prompt"]
    assert text.startswith("Solo, blue hair, 1girl")
    assert text.lower().count("solo") == 1


def test_a_download_that_was_not_asked_for_does_not_begin(prompting):
    assert "state" not in ask(prompting, "download")


@pytest.mark.parametrize(
    "text", [None, 7, "", "{", "[]", "{}", '{"method": 7}', "[" * 100_000, '{"method": "__init__"}']
)
def test_what_is_no_request_is_refused(shared, text):
    assert list(json.loads(answer(shared, text))) == ["error"]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "download_tags"])
def test_nonsense_in_any_parameter_is_answered_in_plain_words(shared, method):
    for value in NONSENSE:
        names = (
            "prompt",
            "negative",
            "caret",
            "kind",
            "words",
            "name",
            "text",
            "start",
            "end",
            "weight",
            "add",
            "tags",
        )
        given_ = dict.fromkeys((*names, "profile", "width", "height", "cfg", "steps", "query", "new_name"), value)
        text = answer(shared, json.dumps({"method": method, **given_}))
        assert text.isascii()
        assert "Unexpected error" not in text


TEXTS = st.text(st.sampled_from("1girl, solo()[]:|\\<>#_ANDBREAK\n\U0001f600\ud800{}0.5"), max_size=60)


@given(TEXTS, st.integers(-2, 70), st.sampled_from(sorted(METHODS)))
def test_no_prompt_makes_it_stumble(shared, text, caret, method):
    if method in ("download_tags", "reload_tags"):
        return
    request = {"method": method, "profile": GAMMA, "prompt": text, "negative": text, "caret": caret, "kind": "quality"}
    more = {"words": ["masterpiece"], "add": ["quality", "rating"], "start": 0, "end": 5, "weight": 1.2, "rows": True}
    assert "Unexpected error" not in answer(shared, json.dumps({**request, **more, "text": text, "name": "x"}))


@given(TEXTS)
def test_the_preview_shows_both_texts_whole(shared, text):
    shown = ask(shared, "format", prompt=text, add=["quality", "rating", "year"])
    assert "".join(piece["text"] for piece in shown["was"]) == text
    assert "".join(piece["text"] for piece in shown["becomes"]) == shown["after"]
    same = ask(shared, "format", prompt=text)
    if same["after"] == text:
        assert all(piece["change"] == "same" for piece in same["becomes"])
