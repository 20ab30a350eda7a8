from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lib_kohaku.errors import FailedError, KohakuError, OutputExistsError, RefusedError, UnsafeNameError
from lib_kohaku.prompt.presets.codec import decode_preset, export_presets, import_presets, preset_document
from lib_kohaku.prompt.presets.model import Preset, PromptParts, preset_text
from lib_kohaku.prompt.presets.store import PresetStore, search_presets, starter_presets
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.profiles.model import Slot
from lib_kohaku.prompt.schema import SchemaError
from lib_kohaku.prompt.sizes.advice import review
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.prompt.sizes.legal import Size

PROFILES = load_profiles()
RAIN = Preset(
    "Rain: at night",
    "wet",
    PromptParts(counts=("1girl",), general=("rain", "(night:1.2)"), quality=("masterpiece",), networks=("<lora:x:1>",)),
    "low quality",
    Size(768, 1024),
    5.5,
    28,
    "Euler a",
    "kohaku-xl-gamma",
)
SHARP = replace(
    RAIN, name="Sharp", scheduler="Karras", clip_skip=2, hires=Hires(True, "R-ESRGAN 4x+ Anime6B", 1.5, 0.0)
)
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
def store(tmp_path):
    return PresetStore(tmp_path / "presets")


def names_in(store):
    return sorted(path.name for path in store.folder.iterdir())


def test_what_is_saved_comes_back_the_same(store):
    path = store.save(RAIN)
    assert path.name == "Rain_ at night.json"
    assert store.get("Rain: at night") == RAIN
    assert store.all().presets == (RAIN,)
    assert names_in(store) == ["Rain_ at night.json"]


@pytest.mark.parametrize("preset", [SHARP, replace(SHARP, hires=Hires(False)), replace(SHARP, hires=Hires())])
def test_settings_of_the_webui_come_back_the_same(store, preset):
    store.save(preset)
    assert store.get("Sharp") == preset
    assert import_presets(export_presets([preset])) == (preset,)


def test_saving_never_overwrites_unasked(store):
    store.save(RAIN)
    other = replace(RAIN, negative="other")
    with pytest.raises(OutputExistsError, match="There is a preset 'Rain: at night' already"):
        store.save(other)
    assert store.get(RAIN.name) == RAIN
    store.save(other, overwrite=True)
    assert store.get(RAIN.name) == other


def test_another_name_with_the_same_file_is_never_replaced(store):
    store.save(RAIN)
    with pytest.raises(OutputExistsError, match="has the same file name"):
        store.save(replace(RAIN, name="Rain/ at night"), overwrite=True)
    assert store.get(RAIN.name) == RAIN


def test_a_file_that_is_no_preset_is_never_replaced(store):
    store.folder.mkdir()
    (store.folder / "Rain_ at night.json").write_text("my diary")
    with pytest.raises(OutputExistsError, match="is not a preset"):
        store.save(RAIN, overwrite=True)
    assert (store.folder / "Rain_ at night.json").read_text() == "my diary"


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "C:\\x", "..\\..\\x", "a\u0000b", "nul", "a" * 80])
def test_no_name_leads_out_of_the_folder(store, name):
    try:
        store.save(replace(RAIN, name=name))
    except RefusedError:
        return
    assert len(names_in(store)) == 1
    assert store.get(name).name == name
    assert [path.name for path in store.folder.parent.iterdir()] == ["presets"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", " a", "x" * 81, "...", "\u2028", "///"])
def test_names_that_cannot_be_used_are_refused(store, name):
    with pytest.raises(RefusedError):
        store.save(replace(RAIN, name=name))
    assert not store.folder.exists() or names_in(store) == []


def test_renaming_moves_the_file_and_minds_others(store):
    store.save(RAIN)
    store.save(replace(RAIN, name="Snow"))
    with pytest.raises(OutputExistsError):
        store.rename("Snow", RAIN.name)
    assert store.rename("Snow", "Hail").name == "Hail"
    assert names_in(store) == ["Hail.json", "Rain_ at night.json"]
    assert store.rename("Hail", "hail").name == "hail"
    assert {preset.name for preset in store.all().presets} == {"hail", RAIN.name}
    with pytest.raises(RefusedError, match="no preset 'Fog'"):
        store.rename("Fog", "Mist")


def test_deleting_takes_the_thumbnail_along(store):
    store.save(RAIN)
    store.set_thumbnail(RAIN.name, PNG)
    assert names_in(store) == ["Rain_ at night.json", "Rain_ at night.png"]
    store.delete(RAIN.name)
    assert names_in(store) == []
    with pytest.raises(RefusedError):
        store.delete(RAIN.name)


def test_deleting_keeps_a_thumbnail_that_another_preset_shows(store):
    store.save(RAIN)
    shown = store.set_thumbnail(RAIN.name, PNG)
    store.save(replace(shown, name="Snow"))
    store.delete(RAIN.name)
    assert names_in(store) == ["Rain_ at night.png", "Snow.json"]


def test_another_picture_takes_the_place_of_the_old_one(store):
    store.save(RAIN)
    store.set_thumbnail(RAIN.name, PNG)
    store.set_thumbnail(RAIN.name, b"\xff\xd8\xffjpeg")
    assert names_in(store) == ["Rain_ at night.jpg", "Rain_ at night.json"]
    assert store.remove_thumbnail(RAIN.name).thumbnail == ""
    assert names_in(store) == ["Rain_ at night.json"]
    assert store.remove_thumbnail(RAIN.name) == RAIN


def test_a_renamed_preset_keeps_its_picture_from_a_new_one_of_its_old_name(store):
    store.save(RAIN)
    store.set_thumbnail(RAIN.name, PNG)
    store.rename(RAIN.name, "Drizzle")
    store.save(RAIN)
    store.set_thumbnail(RAIN.name, PNG + b"another")
    pictures = {preset.name: store.thumbnail_path(preset).read_bytes() for preset in store.all().presets}
    assert pictures == {"Drizzle": PNG, RAIN.name: PNG + b"another"}
    store.remove_thumbnail("Drizzle")
    assert store.thumbnail_path(store.get(RAIN.name)).read_bytes() == PNG + b"another"


def test_a_thumbnail_that_leads_elsewhere_is_none(store, tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    store.save(replace(RAIN, thumbnail="x.png"))
    assert store.thumbnail_path(store.get(RAIN.name)) is None
    (store.folder / "x.png").symlink_to(tmp_path / "secret.png")
    assert store.thumbnail_path(store.get(RAIN.name)) is None
    store.delete(RAIN.name)
    assert (tmp_path / "secret.png").exists()


@pytest.mark.parametrize(
    ("picture", "message"),
    [(b"<svg onload=alert(1)>", "PNG, JPEG or WebP"), (b"", "PNG, JPEG or WebP"), (PNG + b"x" * 5_000_000, "at most")],
)
def test_only_pictures_of_a_decent_size_become_thumbnails(store, picture, message):
    store.save(RAIN)
    with pytest.raises(RefusedError, match=message):
        store.set_thumbnail(RAIN.name, picture)
    assert store.get(RAIN.name).thumbnail == ""
    assert names_in(store) == ["Rain_ at night.json"]


def test_thumbnail_paths(store):
    store.save(RAIN)
    assert store.thumbnail_path(RAIN) is None
    shown = store.set_thumbnail(RAIN.name, b"\xff\xd8\xffjpeg")
    assert store.thumbnail_path(shown).read_bytes() == b"\xff\xd8\xffjpeg"


def test_one_bad_file_does_not_hide_the_others(store):
    store.save(RAIN)
    (store.folder / "bad.json").write_text('{"format": 1}')
    (store.folder / "folder.json").mkdir()
    listed = store.all()
    assert listed.presets == (RAIN,)
    assert listed.problems == ("bad.json: the document: lacks name", "folder.json: is not a file")


def test_a_preset_is_found_by_its_name_even_if_its_file_was_renamed(store):
    store.save(RAIN).rename(store.folder / "by hand.json")
    assert store.get(RAIN.name) == RAIN
    store.delete(RAIN.name)
    assert names_in(store) == []


def test_a_locked_file_is_told(store, monkeypatch):
    path = store.save(RAIN)

    def locked(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "unlink", locked)
    with pytest.raises(FailedError, match=r"Rain_ at night\.json could not be deleted \(Permission denied\)"):
        store.delete(RAIN.name)
    assert store.get(RAIN.name) == RAIN


def test_searching_takes_every_word_anywhere():
    presets = (RAIN, replace(RAIN, name="Snow", description="cold", parts=PromptParts(general=("snow",))))
    assert search_presets(presets, "NIGHT rain") == (RAIN,)
    assert search_presets(presets, "cold gamma") == (presets[1],)
    assert search_presets(presets, "") == presets
    assert search_presets(presets, "sun") == ()


def test_export_and_import_agree(store):
    snow = replace(RAIN, name="Snow", thumbnail="x.png")
    text = export_presets([RAIN, snow])
    assert import_presets(text) == (RAIN, replace(snow, thumbnail=""))
    assert import_presets(json.dumps(preset_document(RAIN))) == (RAIN,)
    result = store.import_all(import_presets(text))
    assert (len(result.presets), result.problems) == (2, ())
    again = store.import_all(import_presets(text))
    assert again.presets == ()
    assert len(again.problems) == 2
    assert len(store.import_all(import_presets(text), overwrite=True).presets) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "name: has to be of type string"),
        ({"name": "x" * 200}, "name: has 200 characters"),
        ({"parts": {"hats": []}}, "parts.hats: is not known"),
        ({"parts": {"general": "rain"}}, "parts.general: has to be of type array"),
        ({"parts": {"general": ["a\x00b"]}}, r"parts.general\[0\]"),
        ({"parts": {"general": ["x" * 9000]}}, "has 9,000 characters"),
        ({"parts": {"general": ["x"] * 301}}, "has 301 entries"),
        ({"size": [1, 1]}, "at least 64"),
        ({"size": [1024]}, "at least 2 entries"),
        ({"size": [10**6, 10**6]}, "at most 8,192"),
        ({"cfg": "5"}, "cfg: has to be of type number"),
        ({"cfg": 1e9}, "cfg: has to be at most 100"),
        ({"steps": 0}, "steps: has to be at least 1"),
        ({"clip_skip": 0}, "clip_skip: has to be at least 1"),
        ({"clip_skip": 1.5}, "clip_skip: has to be of type"),
        ({"scheduler": "a\x00"}, "scheduler"),
        ({"sampler": "x" * 101}, "sampler: has 101 characters"),
        ({"hires": {}}, "hires: lacks enabled"),
        ({"hires": {"enabled": 1}}, "hires.enabled: has to be of type boolean"),
        ({"hires": {"enabled": True, "scale": 99}}, "hires.scale: has to be at most 8"),
        ({"hires": {"enabled": True, "denoising": -1}}, "hires.denoising: has to be at least 0"),
        ({"hires": {"enabled": True, "model": "x"}}, "hires.model: is not known"),
        ({"profile": "../x"}, "profile: '../x' does not have the form"),
        ({"thumbnail": "../x.png"}, "thumbnail: '../x.png' does not have the form"),
        ({"thumbnail": "x.svg"}, "thumbnail"),
        ({"thumbnail": "con.png"}, "not a plain file name"),
        ({"run": "rm -rf"}, "run: is not known"),
        ({"format": 99}, "format: has to be one of"),
    ],
)
def test_hostile_presets_are_refused_with_the_place(change, message):
    with pytest.raises(RefusedError, match=message):
        decode_preset({**preset_document(RAIN), **change})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"presets": 3, "format": 1}',
        '{"presets": [], "format": 2}',
        '{"format": 1, "presets": [{"format": 1, "name": "ok"}, 7]}',
        "[" * 100_000,
        '{"format": 1, "name": "\\ud800"}',
        json.dumps({"format": 1, "presets": [{"format": 1, "name": "x"}] * 1001}),
    ],
)
def test_hostile_texts_are_refused_whole(text):
    with pytest.raises(KohakuError):
        import_presets(text)


def test_the_number_of_the_bad_preset_is_told():
    with pytest.raises(SchemaError, match="preset 2: the document"):
        import_presets('{"format": 1, "presets": [{"format": 1, "name": "ok"}, 7]}')


def test_html_is_kept_as_text(store):
    preset = replace(RAIN, name="<img src=x onerror=alert(1)>")
    path = store.save(preset)
    assert not set(path.name) & set('<>"/')
    assert store.get(preset.name) == preset


def test_the_prompt_follows_the_profile_and_loses_nothing():
    parts = PromptParts(
        counts=("1girl",),
        general=("rain", "(night:1.2)"),
        quality=("masterpiece",),
        year=("newest",),
        aesthetic=("x",),
        networks=("<lora:x:1>",),
    )
    preset = Preset("p", parts=parts)
    assert preset_text(preset, PROFILES.get("kohaku-xl-gamma")) == (
        "1girl, rain, (night:1.2), newest, masterpiece, x, <lora:x:1>"
    )
    assert preset_text(preset, PROFILES.get("kohaku-xl-delta")) == (
        "1girl, masterpiece, newest, rain, (night:1.2), x, <lora:x:1>"
    )
    assert preset_text(preset, None) == "1girl, rain, (night:1.2), masterpiece, x, newest, <lora:x:1>"


@pytest.mark.parametrize("preset", starter_presets(), ids=lambda preset: preset.name)
def test_the_starter_presets_follow_their_profile(preset):
    profile = PROFILES.get(preset.profile)
    assert review(profile, preset.size, preset.cfg, clip_skip=preset.clip_skip or 1) == []
    for slot in (Slot.QUALITY, Slot.YEAR, Slot.RATING, Slot.AESTHETIC):
        assert all(profile.own_words.get(word) is slot for word in preset.parts.of(slot))
    assert preset.description
    assert preset_text(preset, profile)


def test_the_starter_set_shows_the_advice_of_the_gamma_card():
    gamma = [preset for preset in starter_presets() if preset.profile == "kohaku-xl-gamma"]
    assert len(gamma) >= 8
    assert len({preset.name for preset in starter_presets()}) == len(starter_presets())
    assert {Size(768, 1024), Size(1024, 1024)} <= {preset.size for preset in gamma}
    assert len({preset.parts.quality for preset in gamma}) >= 5
    assert any("style refiners" in preset.description for preset in gamma)
    assert any("R-ESRGAN 4x+ Anime6B" in preset.description for preset in gamma)
    assert [preset.hires for preset in gamma if preset.hires] == [Hires(upscaler="R-ESRGAN 4x+ Anime6B")]
    assert {preset.clip_skip for preset in gamma} == {1}


def test_nothing_is_there_before_the_first_preset(store):
    assert store.all().presets == ()
    assert not store.folder.exists()
    with pytest.raises(UnsafeNameError):
        store.get("...")
