"""What the prompt page's one event answers, to its own scripts and to strangers."""

from __future__ import annotations

import base64
import io
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
from tests.prompt.booru import make_database
from tests.support.prompting import make_workbench

PICTURES = Path(__file__).parents[1] / "prompt" / "data" / "pictures"
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


@pytest.mark.parametrize(
    ("preset", "text", "result"),
    [
        ("1girl, smile", "solo # my note", "solo, 1girl, smile # my note"),
        ("1girl, smile", "solo # my note\ncat", "solo # my note\ncat, 1girl, smile"),
        ("1girl, smile", "solo AND safe:0.5", "solo, 1girl, smile AND safe:0.5"),
        ("1girl, smile", "(solo", "1girl, smile, (solo"),
        # What the prompt says itself is not missing.
        ("1girl, safe, masterpiece", "solo, nsfw, best quality,", "solo, nsfw, best quality, 1girl,"),
        ("1girl, newest", "solo, old", "solo, old, 1girl"),
        ("1girl, newest, safe, masterpiece", " ,\n", "1girl, newest, safe, masterpiece"),
    ],
)
def test_a_preset_is_added_where_it_is_read_and_contradicts_nothing(prompting, preset, text, result):
    ask(prompting, "save_preset", name="a", prompt=preset)
    assert ask(prompting, "use_preset", name="a", own=True, merge=True, prompt=text)["prompt"] == result


@pytest.mark.parametrize(
    "preset",
    [
        "1girl, smile BREAK blue hair, safe,",
        "1girl, smile AND blue hair:0.6",
        "# why\n1girl, smile # because",
        "1girl, (smile, blue hair",
        "1girl, smile ADDCOL blue hair",
    ],
)
def test_adding_a_preset_twice_adds_it_once(prompting, preset):
    ask(prompting, "save_preset", name="a", prompt=preset)
    once = ask(prompting, "use_preset", name="a", own=True, merge=True, prompt="solo, cat")["prompt"]
    assert "smile" in once
    assert ask(prompting, "use_preset", name="a", own=True, merge=True, prompt=once)["prompt"] == once
    assert ask(prompting, "use_preset", name="a", own=True, merge=True, prompt=preset)["prompt"] == preset


def test_of_a_style_only_what_is_missing_is_added(prompting):
    text = 'name,prompt,negative_prompt\r\nlook,"1girl, (smile, blush:1.1), safe, masterpiece",bad\r\n'
    ask(prompting, "import_presets", text=text)
    once = ask(prompting, "use_preset", name="look", own=True, merge=True, prompt="1girl, nsfw")["prompt"]
    assert once == "1girl, nsfw, (smile, blush:1.1), masterpiece"
    assert ask(prompting, "use_preset", name="look", own=True, merge=True, prompt=once)["prompt"] == once


def test_settings_of_the_webui_are_saved_with_a_preset(prompting):
    hires = {"enabled": True, "upscaler": "ScuNET GAN", "scale": 1.5, "denoising": None}
    given_ = {"sampler": "Euler a", "scheduler": "Karras", "clip_skip": 2, "hires": hires, "cfg": 5, "steps": 20}
    ask(prompting, "save_preset", name="a", prompt="1girl", **given_)
    values = ask(prompting, "use_preset", name="a", own=True)
    assert {name: values[name] for name in given_} == given_
    ask(prompting, "save_preset", name="b", prompt="1girl")
    assert ask(prompting, "use_preset", name="b", own=True)["hires"] is None


def test_a_preset_gets_a_picture_keeps_it_and_loses_it(prompting):
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.new("RGB", (600, 300), "red").save(buffer, "PNG")
    file = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    ask(prompting, "save_preset", name="a", prompt="1girl")
    assert ask(prompting, "presets", query="a")["presets"][0]["picture"] == ""
    assert "error" in ask(prompting, "preset_picture", name="a")
    assert "picture now" in ask(prompting, "set_preset_picture", name="a", file=file)["message"]
    card = next(card for card in ask(prompting, "presets")["presets"] if card["name"] == "a")
    assert card["picture"]
    shown = ask(prompting, "preset_picture", name="a")["picture"]
    assert shown.startswith("data:image/jpeg;base64,/9j/")
    ask(prompting, "save_preset", name="a", prompt="2girls", overwrite=True)
    ask(prompting, "rename_preset", name="a", new_name="b")
    assert ask(prompting, "preset_picture", name="b")["picture"] == shown
    deleted = ask(prompting, "delete_preset", name="b")
    assert deleted["picture"] == shown
    ask(prompting, "import_presets", text=deleted["deleted"])
    ask(prompting, "set_preset_picture", name="b", file=deleted["picture"])
    assert ask(prompting, "preset_picture", name="b")["picture"].startswith("data:image/jpeg;base64,")
    ask(prompting, "remove_preset_picture", name="b")
    folder = prompting.host.data_folder() / "presets"
    assert [path.name for path in folder.iterdir()] == ["b.json"]
    for hostile in ("", "%%%", base64.b64encode(b"<svg onload=alert(1)>").decode(), 7):
        assert "error" in ask(prompting, "set_preset_picture", name="b", file=hostile)
    assert "no preset" in ask(prompting, "set_preset_picture", name="Gamma: first portrait", file=file)["error"]


def test_a_picture_that_was_put_there_by_hand_is_only_shown_if_it_is_one(prompting):
    ask(prompting, "save_preset", name="a", prompt="1girl")
    folder = prompting.host.data_folder() / "presets"
    document = json.loads((folder / "a.json").read_text())
    (folder / "a.json").write_text(json.dumps({**document, "thumbnail": "x.png"}))
    (folder / "x.png").write_text("<svg onload=alert(1)>")
    assert ask(prompting, "preset_picture", name="a") == {"picture": ""}
    assert ask(prompting, "delete_preset", name="a")["picture"] == ""


def test_styles_come_and_go_as_a_file(prompting):
    ask(prompting, "save_preset", name="a", prompt="1girl, masterpiece", negative="text")
    out = ask(prompting, "export_styles")
    assert (out["name"], out["text"].split("\r\n")[1]) == ("styles.csv", 'a,"1girl, masterpiece",text')
    text = '\ufeffname,prompt,negative_prompt\r\nframe,"best, {prompt}, end",bad\r\n'
    assert ask(prompting, "import_presets", text=text)["message"] == "1 preset taken in."
    used = ask(prompting, "use_preset", name="frame", own=True, prompt="1girl")
    assert (used["prompt"], used["negative"]) == ("best, 1girl, end", "bad")
    assert ask(prompting, "use_preset", name="frame", own=True, merge=True, prompt="x")["prompt"] == "best, x, end"
    assert "frame" in ask(prompting, "export_styles")["text"]
    for text in ("", "hello", "a,b\n1,2"):
        assert "no export of presets" in ask(prompting, "import_presets", text=text)["error"]


def test_a_style_is_replaced_when_told_and_the_webui_hears_of_it(prompting, tmp_path):
    path = tmp_path / "styles.csv"
    prompting.host.surroundings = PromptSurroundings(styles_file=path)
    heard = []
    prompting.host.reload_styles = lambda: heard.append(path.read_text("utf-8-sig"))
    name = "Gamma: first portrait"
    ask(prompting, "preset_to_style", name=name)
    assert name in heard[0]
    assert "already" in ask(prompting, "preset_to_style", name=name)["error"]
    assert "message" in ask(prompting, "preset_to_style", name=name, overwrite=True)
    assert len(heard) == 2


def test_parameters_are_read_out_of_a_picture(prompting):
    file = base64.b64encode((PICTURES / "piexif.jpg").read_bytes()).decode()
    found = ask(prompting, "picture", file=file)
    assert (found["negative"], found["cfg"], found["size"]) == ("text", 6, {"width": 8, "height": 8})
    assert (found["sampler"], found["clip_skip"], found["hires"]["enabled"]) == ("Euler a", 1, False)
    assert found["text"].startswith(found["prompt"])
    for hostile in ("", "%%%", base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "A" * 45_000_000):
        assert "error" in ask(prompting, "picture", file=hostile)


def test_posts_by_id(prompting, tmp_path):
    assert ask(prompting, "open")["database"] is False
    assert "booru_database" in ask(prompting, "captions", text="100")["error"]
    make_database(prompting.host.data_folder() / "tags" / "booru.db")
    assert ask(prompting, "open")["database"] is True
    found = ask(prompting, "captions", text="#100, 5 100")
    assert [caption["id"] for caption in found["captions"]] == [100, 100]
    assert found["missing"] == [5]
    assert "None of these" in ask(prompting, "captions", text="5")["error"]
    assert "JSON" in ask(prompting, "captions", text="100 x")["error"]
    assert "At most 50" in ask(prompting, "captions", text="100 " * 51)["error"]
    assert (
        "At most 50"
        in ask(prompting, "captions", text=json.dumps([{"id": 1, "tag_string_general": "x"}] * 51))["error"]
    )


def test_the_webuis_own_clip_skip_is_judged_where_the_page_leaves_it(prompting):
    size = {"width": 896, "height": 1152}
    prompting.host.surroundings = PromptSurroundings(clip_skip=2)
    (finding,) = ask(prompting, "check", prompt="", negative="", **size)["settings"]
    assert (finding["setting"], finding["better"]) == ("clip_skip", {"clip_skip": 1})
    assert ask(prompting, "check", prompt="", negative="", clip_skip=1, **size)["settings"] == []
    (finding,) = ask(prompting, "check", prompt="", negative="", width=512, height=512, clip_skip=1)["settings"]
    assert finding["better"] == {"width": 896, "height": 896}


def test_upscalers_are_those_of_the_source_as_the_webui_calls_them(prompting):
    names = ("Latent", "ScuNET GAN", "ScuNET PSNR", "R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B")
    prompting.host.surroundings = PromptSurroundings(upscalers=names, samplers=("DPM++ 2M", "Euler a"))
    profile = ask(prompting, "open")["profile"]
    assert [(item["name"], item["present"]) for item in profile["upscalers"]] == [
        ("R-ESRGAN 4x+ Anime6B", True),
        ("ScuNET GAN", True),
    ]
    assert (profile["against"], profile["clip_skip"], profile["sampler"]) == ("mosaic artefacts", 1, "")
    assert ask(prompting, "open", profile="animagine-xl-3.1")["profile"]["sampler"] == "Euler a"
    prompting.host.surroundings = PromptSurroundings(upscalers=("Latent",))
    profile = ask(prompting, "open")["profile"]
    assert [item["present"] for item in profile["upscalers"]] == [False, False]


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
            "file",
            "hires",
            "clip_skip",
            "sampler",
            "scheduler",
            "own",
            "overwrite",
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
