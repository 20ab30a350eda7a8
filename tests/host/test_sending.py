"""Setting fields of the webui's pages: which components, which updates, and what is left alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import gradio as gr
import pytest

from lib_kohaku.host.sending import SendTarget, SentValues, send_form_of
from lib_kohaku.prompt.sizes.hires import Hires

IDS = ("prompt", "neg_prompt", "cfg_scale", "width", "height", "steps", "sampling", "scheduler")
HIRES_IDS = ("denoising_strength", "hr-checkbox", "hr_scale", "hr_upscaler", "hr_resize_x", "hr_resize_y")
EVERYTHING = SentValues(
    "1girl", "text", 896, 1152, 5.5, 28, "Euler a", "Karras", 2, Hires(True, "R-ESRGAN 4x+ Anime6B", 1.5, 0.4)
)


def component(elem_id: str) -> SimpleNamespace:
    return SimpleNamespace(elem_id=elem_id)


def divide(name: str, scheduler: str | None) -> tuple[str, str]:
    """As ``sd_samplers.get_sampler_and_scheduler``: an unknown name gives the first sampler."""
    for suffix in (" Karras", " Exponential"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), suffix.strip()
    return "DPM++ 2M", scheduler or "Automatic"


@pytest.fixture
def webui(fake, monkeypatch):
    """The fake webui with two pages, samplers and upscalers."""
    pages = {}
    for tab, ids in (("txt2img", (*IDS, *HIRES_IDS)), ("img2img", (*IDS, "denoising_strength"))):
        fields = [(component(f"{tab}_{name}"), name) for name in (*ids, "seed", "batch_size")]
        pages[tab] = {
            "init_img": None,
            "fields": fields,
            "override_settings_component": component(f"{tab}_override_settings"),
        }
    modules = {
        "infotext_utils": {"paste_fields": pages},
        "sd_samplers": {
            "visible_sampler_names": lambda: ["DPM++ 2M", "Euler a", "Euler"],
            "get_sampler_and_scheduler": divide,
        },
        "sd_schedulers": {"schedulers": [SimpleNamespace(label="Automatic"), SimpleNamespace(label="Karras")]},
    }
    for name, contents in modules.items():
        module = ModuleType(f"modules.{name}")
        module.__dict__.update(contents)
        fake.modules[name] = module
        monkeypatch.setitem(sys.modules, f"modules.{name}", module)
    shared = fake.modules["shared"]
    shared.sd_upscalers = [SimpleNamespace(name=name) for name in ("None", "R-ESRGAN 4x+ Anime6B", "ScuNET GAN")]
    shared.latent_upscale_modes = {"Latent": {}}
    fake.opts.data["CLIP_stop_at_last_layers"] = 1
    fake.opts.data_labels["CLIP_stop_at_last_layers"] = SimpleNamespace(infotext="Clip skip")
    return fake


def filled(host, values: SentValues, target=SendTarget.TXT2IMG, present=((),)):
    """What is changed by element id, problems, notes."""
    form = send_form_of(host, target)
    result = form.fill(values, [list(item) for item in present])
    ids = [item.elem_id.removeprefix(f"{target.value}_") for item in form.outputs]
    assert len(ids) == len(result.updates)
    changed = {name: update for name, update in zip(ids, result.updates, strict=True) if update != gr.update()}
    values_ = {name: update.get("value") for name, update in changed.items()}
    return values_, result.problems, result.notes


def test_everything_is_set_and_nothing_else(webui, host):
    changed, problems, notes = filled(host, EVERYTHING)
    assert changed == {
        "prompt": "1girl",
        "neg_prompt": "text",
        "width": 896,
        "height": 1152,
        "cfg_scale": 5.5,
        "steps": 28,
        "sampling": "Euler a",
        "scheduler": "Karras",
        "hr-checkbox": True,
        "hr_upscaler": "R-ESRGAN 4x+ Anime6B",
        "hr_scale": 1.5,
        "hr_resize_x": 0,
        "hr_resize_y": 0,
        "denoising_strength": 0.4,
        "override_settings": ["Clip skip: 2"],
    }
    assert problems == ()
    assert notes == ("Clip skip 2 is under 'Override settings': the webui's own setting is 1.",)


def test_what_is_not_given_stays(webui, host):
    assert filled(host, SentValues()) == ({}, (), ())
    assert filled(host, SentValues(prompt="")) == ({"prompt": ""}, (), ())
    assert filled(host, SentValues(hires=Hires(False))) == ({"hr-checkbox": False}, (), ())
    assert filled(host, SentValues(hires=Hires())) == ({"hr-checkbox": True}, (), ())


def test_clip_skip_that_is_the_setting_needs_no_override_and_takes_an_old_one_away(webui, host):
    assert filled(host, SentValues(clip_skip=1)) == ({"override_settings": []}, (), ())
    present = [["ENSD: 31337", "Clip skip: 2"]]
    assert filled(host, SentValues(clip_skip=1), present=present)[0] == {"override_settings": ["ENSD: 31337"]}
    changed, _, _ = filled(host, SentValues(clip_skip=3), present=present)
    assert changed == {"override_settings": ["ENSD: 31337", "Clip skip: 3"]}
    webui.opts.data["CLIP_stop_at_last_layers"] = 2
    changed, _, notes = filled(host, SentValues(clip_skip=1))
    assert (changed, len(notes)) == ({"override_settings": ["Clip skip: 1"]}, 1)


def test_a_new_installation_gets_its_setting_back_after_an_image(webui, host, monkeypatch):
    """It holds no value then, only a default, and the webui puts back none but those that it holds."""
    del webui.opts.data["CLIP_stop_at_last_layers"]
    monkeypatch.setattr(type(webui.opts), "CLIP_stop_at_last_layers", 1, raising=False)
    filled(host, SentValues(clip_skip=1))
    assert "CLIP_stop_at_last_layers" not in webui.opts.data
    filled(host, SentValues(clip_skip=2))
    assert webui.opts.data["CLIP_stop_at_last_layers"] == 1


@pytest.mark.parametrize("present", [None, "x", [None], ["Clip skip: 2"], [[7, None]], []])
def test_a_strange_list_of_overrides_does_no_harm(webui, host, present):
    form = send_form_of(host, SendTarget.TXT2IMG)
    result = form.fill(SentValues(clip_skip=2), present)
    assert result.updates[-1]["value"][-1] == "Clip skip: 2"


def test_names_of_old_versions_hold_sampler_and_schedule_in_one(webui, host):
    changed, problems, _ = filled(host, SentValues(sampler="DPM++ 2M Karras"))
    assert (changed, problems) == ({"sampling": "DPM++ 2M", "scheduler": "Karras"}, ())


def test_what_the_webui_does_not_have_is_told_and_left_as_it_is(webui, host):
    wanted = SentValues(sampler="Ghost", scheduler="Nobody", hires=Hires(True, "None at all", 2))
    changed, problems, _ = filled(host, wanted)
    assert changed == {"hr-checkbox": True, "hr_scale": 2, "hr_resize_x": 0, "hr_resize_y": 0}
    assert [problem.split(" here")[0] for problem in problems] == [
        "There is no sampler 'Ghost'",
        "There is no schedule type 'Nobody'",
        "There is no upscaler 'None at all'",
    ]
    assert filled(host, SentValues(sampler="Ghost Karras"))[0] == {}


def test_img2img_has_no_hires_fix_and_keeps_its_denoising(webui, host):
    changed, problems, _ = filled(host, EVERYTHING, SendTarget.IMG2IMG)
    assert "denoising_strength" not in changed
    assert changed["sampling"] == "Euler a"
    assert problems == ("Only txt2img has a hires fix.",)
    off = replace(EVERYTHING, hires=Hires(False))
    assert filled(host, off, SendTarget.IMG2IMG)[1] == ()


def test_a_fork_without_some_fields_says_so(webui, host, monkeypatch):
    fields = webui.modules["infotext_utils"].paste_fields["txt2img"]
    fields["fields"] = [field for field in fields["fields"] if "scheduler" not in field[0].elem_id]
    fields["override_settings_component"] = None
    webui.modules["sd_schedulers"].schedulers = []
    _, problems, _ = filled(host, replace(EVERYTHING, scheduler=""), present=())
    assert problems == ("This webui has no clip skip that could be set from here.",)
    webui.modules["sd_schedulers"].schedulers = [SimpleNamespace(label="Karras")]
    _, problems, _ = filled(host, EVERYTHING, present=())
    assert problems[-1] == "This webui has no field for: scheduler."


def test_without_known_pages_nothing_can_be_sent(fake, host):
    assert send_form_of(host, SendTarget.TXT2IMG) is None
    assert host.prompt_surroundings().samplers == ()


def test_the_page_hears_what_there_is(webui, host):
    around = host.prompt_surroundings()
    assert around.samplers == ("DPM++ 2M", "Euler a", "Euler")
    assert around.schedulers == ("Automatic", "Karras")
    assert around.upscalers == ("Latent", "None", "R-ESRGAN 4x+ Anime6B", "ScuNET GAN")
    assert around.clip_skip == 1


def test_styles_are_read_again_when_the_file_was_changed(webui, host):
    host.reload_styles()  # a fork without them
    read = []
    webui.modules["shared"].prompt_styles = SimpleNamespace(reload=lambda: read.append(1))
    host.reload_styles()
    assert read == [1]


def test_the_option_for_the_webuis_own_boxes_is_off(webui, host):
    from lib_kohaku.host.a1111.settings import add_settings

    add_settings()
    assert webui.opts.data["kohaku_complete_prompts"] is False
