"""The script class in a fake webui: its section, words at generation, paste, axes."""

from __future__ import annotations

import copy
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the section needs gradio 3, which is not installed here")

import gradio as gr

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.presets.codec import decode_preset
from tests.host.test_script_file import SCRIPT

USUAL = "newest, safe, masterpiece"
GAMMA = "Kohaku XL Gamma"


class Processing:
    """What the webui hands to scripts, with its prompts made."""

    def __init__(self, prompt: Any = "1girl", *, hires: str = "", **more: Any) -> None:
        self.prompt, self.negative_prompt = prompt, "bad"
        self.all_prompts = prompt if isinstance(prompt, list) else [prompt] * 3
        self.all_negative_prompts = ["bad"] * len(self.all_prompts)
        self.main_prompt, self.main_negative_prompt = self.all_prompts[0], "bad"
        if hires:
            self.all_hr_prompts, self.all_hr_negative_prompts = [hires] * 3, ["bad"] * 3
        self.extra_generation_params: dict[str, Any] = {"Before": 1}
        self.override_settings: dict[str, Any] = {}
        self.n_iter, self.comments = 1, []
        self.scripts, self.script_args = SimpleNamespace(alwayson_scripts=[]), []
        self.width, self.height, self.cfg_scale, self.steps = 512, 512, 7.0, 20
        self.sampler_name, self.scheduler = "Euler", "Automatic"
        self.__dict__.update(more)

    def comment(self, text: str) -> None:
        self.comments.append(text)


@pytest.fixture
def script(fake) -> Any:
    return fake.load_script(SCRIPT).KohakuScript()


@pytest.fixture
def words(script) -> Any:
    from lib_kohaku import webui

    return webui.added_words()


@pytest.fixture
def samplers(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("modules.sd_samplers")
    module.visible_sampler_names = lambda: ["Euler", "Euler a", "DPM++ 2M"]
    module.get_sampler_and_scheduler = lambda name, scheduler: (
        (name.removesuffix(" Karras"), "Karras") if name.endswith(" Karras") else ("Euler", scheduler)
    )
    schedulers = ModuleType("modules.sd_schedulers")
    schedulers.schedulers = [SimpleNamespace(label=label) for label in ("Automatic", "Karras")]
    for fake_module in (module, schedulers):
        monkeypatch.setitem(sys.modules, fake_module.__name__, fake_module)


def built(script: Any, is_img2img: bool = False) -> list[Any]:
    with gr.Blocks():
        return script.ui(is_img2img)


# -- the section --------------------------------------------------------------------------------------------------


def test_building_it_reads_nothing_and_may_be_repeated(script):
    from lib_kohaku import webui

    for is_img2img in (False, True) * 3:
        arguments = built(script, is_img2img)
        page = "img2img" if is_img2img else "txt2img"
        assert [component.elem_id.removeprefix(f"kohaku_{page}_") for component in arguments] == [
            *("enabled", "profile", "quality", "rating", "year", "negative", "aesthetic")
        ]
    assert "profiles" not in vars(webui.workbench().prompting)
    assert "tags" not in vars(webui.workbench().prompting)


def test_lists_are_not_kept_by_the_webui_and_labels_differ(script):
    arguments = built(script)
    assert len({component.label for component in arguments}) == len(arguments)
    kept = [component for component in arguments if not getattr(component, "do_not_save_to_config", False)]
    assert [type(component) for component in kept] == [gr.Checkbox, gr.Checkbox]
    assert [component.value for component in arguments] == [False, "Automatic", *["Usual"] * 3, False, "Usual"]


def test_the_defaults_are_those_of_an_untouched_section(script):
    p = Processing()
    before = copy.deepcopy(vars(p))
    script.process(p, *[component.value for component in built(script)])
    assert {**vars(p), "scripts": None} == {**before, "scripts": None}


def test_a_hidden_section_can_be_used_by_clients_but_not_be_pasted_into(fake, script):
    fake.opts.data["kohaku_show_in_pages"] = False
    arguments = built(script)
    assert len(arguments) == 7
    assert [block.visible for block in ancestors(arguments[0]) if isinstance(block, gr.Accordion)] == [False]
    assert getattr(script, "infotext_fields", None) is None
    fake.opts.data["kohaku_show_in_pages"] = True
    built(script)
    assert {field[0] for field in script.infotext_fields} == {*built_components(script)}


def ancestors(block: Any) -> Any:
    while block is not None:
        yield block
        block = block.parent


def built_components(script: Any) -> list[Any]:
    return [component for component, _ in script.infotext_fields]


# -- words at generation ------------------------------------------------------------------------------------------


def test_all_prompts_get_the_words_and_what_was_typed_does_not(script):
    p = Processing(["1girl", "1boy, safe", ""], hires="1girl, detailed")
    typed, made, params = p.prompt, p.all_prompts, p.extra_generation_params
    script.process(p, True, GAMMA)
    assert p.all_prompts == [f"1girl, {USUAL}", "1boy, newest, safe, masterpiece", USUAL]
    assert p.all_hr_prompts == [f"1girl, detailed, {USUAL}"] * 3
    assert p.main_prompt == f"1girl, {USUAL}"
    assert p.all_negative_prompts == ["bad"] * 3
    assert (typed, made, params) == (["1girl", "1boy, safe", ""], ["1girl", "1boy, safe", ""], {"Before": 1})
    assert p.prompt is typed
    assert p.extra_generation_params == {
        "Before": 1,
        "Kohaku profile": "kohaku-xl-gamma",
        "Kohaku quality": "masterpiece",
        "Kohaku rating": "safe",
        "Kohaku year": "newest",
    }


def test_generating_again_from_the_result_doubles_nothing(script):
    p = Processing("1girl, AND, :3")
    script.process(p, True, GAMMA, None, None, None, True)
    again = Processing(p.all_prompts, all_negative_prompts=list(p.all_negative_prompts))
    script.process(again, True, GAMMA, None, None, None, True)
    assert again.all_prompts == p.all_prompts
    assert again.all_negative_prompts == p.all_negative_prompts
    assert p.all_negative_prompts[0].startswith("bad, low quality, ")


@pytest.mark.parametrize(
    "args",
    [
        (),
        (None,),
        (0,),
        ("yes",),
        (False, GAMMA, "masterpiece", "safe", "newest", True, "x"),
        ([], {}, 5),
        (1, GAMMA),
    ],
)
def test_what_is_not_a_yes_is_a_no(script, args):
    p = Processing()
    script.process(p, *args)
    assert p.all_prompts == ["1girl"] * 3
    assert p.extra_generation_params == {"Before": 1}


@pytest.mark.parametrize(
    ("args", "result"),
    [
        ((True, GAMMA, 5, None, ["old"]), "1girl, old, safe, masterpiece"),
        ((True, GAMMA, "", " none ", "x" * 10_000), "1girl, masterpiece"),
        ((True, "KOHAKU-XL-GAMMA", "Leave out", "explicit, nsfw", "Leave out"), "1girl, explicit, nsfw"),
        ((True, GAMMA, "(masterpiece:9)<lora:x:1>"), "1girl, newest, safe"),
    ],
)
def test_clients_leave_out_what_they_like(script, args, result):
    p = Processing()
    script.process(p, *args)
    assert p.all_prompts[0] == result


def test_the_profile_is_that_of_the_loaded_checkpoint(fake, script):
    fake.load("anxl3")
    p = Processing()
    script.process(p, True)
    assert p.extra_generation_params["Kohaku profile"] == "animagine-xl-3.0"
    assert p.all_prompts[0] == "masterpiece, best quality, 1girl, rating: general"


def test_without_a_loaded_model_none_is_loaded(fake, script):
    fake.events.clear()
    script.process(Processing(), True)
    assert fake.events == []


def test_an_unknown_profile_is_told_and_the_image_is_made_without(script):
    p = Processing()
    script.process(p, True, "omega")
    assert p.all_prompts == ["1girl"] * 3
    assert p.n_iter == 1
    assert "There is no profile 'omega'" in p.comments[0]


# -- axes ---------------------------------------------------------------------------------------------------------


def axes(fake) -> dict[str, Any]:
    from lib_kohaku import webui

    webui.add_axes()
    return {option.label: option for option in fake.xyz.axis_options}


def cell(p: Processing, *changes: tuple[Any, str]) -> Processing:
    """A cell as the plot makes it: on a shallow copy."""
    made = copy.copy(p)
    for option, value in changes:
        option.apply(made, value, [value])
    return made


def test_axes_are_added_once(fake, script):
    for _ in range(2):
        found = axes(fake)
    ours = [option.label for option in fake.xyz.axis_options if option.label.startswith("[Kohaku] ")]
    assert len(ours) == len(set(ours))
    assert {f"[Kohaku] {name}" for name in ("Quality", "Rating", "Year", "Preset", "Prompt format")} <= set(ours)
    assert found["[Kohaku] Quality"].choices()[:2] == ["masterpiece", "best quality"]
    assert "Kohaku XL Gamma" in found["[Kohaku] Prompt format"].choices()
    assert "Gamma: first portrait" in found["[Kohaku] Preset"].choices()


def test_cells_do_not_touch_each_other(fake, script):
    found = axes(fake)
    p = Processing("1girl, masterpiece")
    first = cell(p, (found["[Kohaku] Quality"], "best quality"), (found["[Kohaku] Year"], "old"))
    second = cell(p, (found["[Kohaku] Quality"], "low quality"))
    for made in (first, second):
        script.process(made, False, GAMMA)
    assert first.all_prompts[0] == "1girl, old, best quality"
    assert second.all_prompts[0] == "1girl, low quality"
    script.process(p, False, GAMMA)
    assert p.all_prompts[0] == "1girl, masterpiece"
    assert p.extra_generation_params == {"Before": 1}
    assert "Kohaku rating" not in first.extra_generation_params


def test_a_cell_and_the_section_go_together(fake, script):
    found = axes(fake)
    made = cell(Processing(), (found["[Kohaku] Rating"], "Leave out"))
    script.process(made, True, GAMMA)
    assert made.all_prompts[0] == "1girl, newest, masterpiece"
    made = cell(Processing(), (found["[Kohaku] Prompt format"], "Animagine XL 3.1"))
    script.process(made, False, GAMMA, "best quality")
    assert made.all_prompts[0] == "1girl, safe, best quality, very aesthetic"


def test_a_word_that_the_model_lacks_leaves_the_cell_empty(fake, script):
    made = cell(Processing(), (axes(fake)["[Kohaku] Quality"], "score_9"))
    script.process(made, False, GAMMA)
    assert made.n_iter == 0 and "has no quality 'score_9'" in made.comments[0]


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        ("Quality", "shiny", "No model has the quality 'shiny'"),
        ("Rating", "masterpiece", "No model has the rating"),
        ("Prompt format", "omega", "There are: Animagine"),
        ("Preset", "../x", "There is no preset"),
    ],
)
def test_wrong_values_are_refused_before_the_first_image(fake, script, axis, value, message):
    with pytest.raises(RefusedError, match=message):
        axes(fake)[f"[Kohaku] {axis}"].confirm(Processing(), [value])


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("Quality", ["masterpiece", "score_9", "high score", "Usual", "Leave out", "Masterpiece"]),
        ("Rating", ["explicit, nsfw", "rating_safe", "none"]),
        ("Year", ["newest", "year 2023", "modern"]),
        ("Prompt format", ["kohaku-xl-gamma", "kohaku xl gamma", "Pony Diffusion V6 XL"]),
        ("Preset", ["Gamma: first portrait"]),
    ],
)
def test_good_values_are_let_through(fake, script, samplers, axis, values):
    axes(fake)[f"[Kohaku] {axis}"].confirm(Processing(), values)


PRESET = {
    "format": 1,
    "name": "ours",
    "parts": {"quality": ["masterpiece"], "counts": ["1girl"]},
    "negative": "blurry",
    "size": [640, 320],
    "cfg": 3.5,
    "steps": 7,
    "sampler": "DPM++ 2M Karras",
    "clip_skip": 2,
    "hires": {"enabled": True, "upscaler": "Latent", "scale": 1.5, "denoising": 0.4},
}


def test_a_preset_in_a_cell_sets_what_it_names(fake, script, samplers, words):
    words.workbench.presets.save(decode_preset(PRESET), overwrite=False)
    fake.modules["shared"].latent_upscale_modes = {"Latent": {}}
    axis = axes(fake)["[Kohaku] Preset"]
    axis.confirm(Processing(), ["ours"])
    p = Processing("anything", enable_hr=False, hr_resize_x=100)
    made = cell(p, (axis, "ours"))
    assert (made.prompt, made.negative_prompt) == ("1girl, masterpiece", "blurry")
    assert (made.width, made.height, made.cfg_scale, made.steps) == (640, 320, 3.5, 7)
    assert (made.sampler_name, made.scheduler) == ("DPM++ 2M", "Karras")
    assert made.override_settings == {"CLIP_stop_at_last_layers": 2} and p.override_settings == {}
    assert (made.enable_hr, made.hr_upscaler, made.hr_scale, made.hr_resize_x) == (True, "Latent", 1.5, 0)
    assert made.denoising_strength == 0.4
    assert p.prompt == "anything"
    assert not hasattr(cell(Processing("x"), (axis, "ours")), "enable_hr")  # img2img has none


def test_a_presets_order_is_that_of_the_chosen_format(fake, script, samplers, words):
    words.workbench.presets.save(decode_preset({**PRESET, "sampler": ""}), overwrite=False)
    found = axes(fake)
    section = SimpleNamespace(alwayson_scripts=[script])
    script.args_from, script.args_to = 1, 8
    p = Processing("x", scripts=section, script_args=[0, False, "Animagine XL 2.0", "", "", "", False, ""])
    assert cell(p, (found["[Kohaku] Preset"], "ours")).prompt == "masterpiece, 1girl"
    both = cell(p, (found["[Kohaku] Prompt format"], GAMMA), (found["[Kohaku] Preset"], "ours"))
    assert both.prompt == "1girl, masterpiece"


def test_a_preset_with_a_sampler_that_is_not_here_is_refused(fake, script, samplers, words):
    words.workbench.presets.save(decode_preset({**PRESET, "sampler": "Nobody's"}), overwrite=False)
    with pytest.raises(RefusedError, match="There is no sampler"):
        axes(fake)["[Kohaku] Preset"].confirm(Processing(), ["ours"])


# -- paste --------------------------------------------------------------------------------------------------------


def pasted(script: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """What becomes of each component; None leaves it."""
    built(script)
    found = {}
    for component, fill in script.infotext_fields:
        value = fill(parameters)
        name = component.elem_id.removeprefix("kohaku_txt2img_")
        found[name] = value["value"] if isinstance(value, dict) else value
    return found


def test_pasting_restores_the_section(script):
    p = Processing()
    script.process(p, True, "Pony Diffusion V6 XL", "score_9, score_8_up", "Leave out", None, True)
    text = {"Steps": "20", **p.extra_generation_params}
    assert pasted(script, text) == {
        "enabled": True,
        "profile": "Pony Diffusion V6 XL",
        "quality": "score_9, score_8_up",
        "rating": "Leave out",
        "year": "Usual",
        "aesthetic": "Usual",
        "negative": False,  # nothing is known of Pony's, so nothing was added
    }


def test_the_automatic_choice_stays_automatic_if_it_is_the_same(fake, script):
    fake.load("anxl3")
    p = Processing()
    script.process(p, True)
    text = {"Steps": "20", **p.extra_generation_params}
    assert pasted(script, text)["profile"] == "Automatic"
    fake.load("beta7")
    assert pasted(script, text)["profile"] == "Animagine XL 3.0"


def test_an_image_without_words_switches_them_off_and_a_bare_prompt_does_not(script):
    nothing = dict.fromkeys(("profile", "quality", "rating", "year", "aesthetic", "negative"))
    assert pasted(script, {"Steps": "20", "Prompt": "1girl"}) == {"enabled": False, **nothing}
    assert pasted(script, {"Prompt": "1girl"}) == {"enabled": None, **nothing}
    stranger = {"Steps": "20", "Kohaku profile": "nobody's", "Kohaku quality": "masterpiece"}
    assert pasted(script, stranger) == {"enabled": False, **nothing, "negative": False}


class Styles:
    """The webui's styles, put behind a prompt and found there again."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def apply_styles_to_prompt(self, prompt: str, names: list[str]) -> str:
        return ", ".join([*([prompt] if prompt else []), *(self.texts[name] for name in names)])

    def apply_negative_styles_to_prompt(self, prompt: str, names: list[str]) -> str:
        return prompt

    def extract_styles_from_prompt(self, prompt: str, negative: str) -> tuple[list[str], str, str]:
        for name, text in self.texts.items():
            if prompt.endswith(text):
                found, prompt, negative = self.extract_styles_from_prompt(
                    prompt.removesuffix(text).rstrip(", "), negative
                )
                return [*found, name], prompt, negative
        return [], prompt, negative


@pytest.fixture
def paste_with_styles(fake, script):
    """What the webui fills in after an image with styles was made and pasted."""
    from lib_kohaku import webui

    def paste(typed: str, *names: str, wanted: str = "Apply if any", **more: Any) -> dict[str, Any]:
        styles = Styles(night="night, dark", fine="best quality", tail="solo, newest")
        fake.modules["shared"].prompt_styles = styles
        fake.opts.data["infotext_styles"] = wanted
        p = Processing(styles.apply_styles_to_prompt(typed, list(names)))
        script.process(p, True, GAMMA, None, None, None, True)
        final = {"Prompt": p.all_prompts[0], "Negative prompt": p.all_negative_prompts[0]}
        parameters = {"Steps": "20", **final, **p.extra_generation_params, **more}
        webui.take_pasted("", parameters)
        return {**parameters, "final": final}

    return paste


def test_styles_before_the_words_are_found_again(paste_with_styles):
    found = paste_with_styles("1girl, smile", "night")
    assert found["final"]["Prompt"] == f"1girl, smile, night, dark, {USUAL}"
    assert (found["Prompt"], found["Negative prompt"], found["Styles array"]) == ("1girl, smile", "bad", ["night"])


@pytest.mark.parametrize(
    ("typed", "names", "more"),
    [
        ("1girl, smile", (), {}),
        ("1girl", ("night",), {"wanted": "Ignore"}),
        ("1girl", ("night",), {"Hires prompt": "2girls"}),
        ("1girl", ("night",), {"Styles array": ["night"]}),
        ("1girl", ("night",), {"Kohaku profile": "nobody's"}),
    ],
)
def test_else_the_pasted_prompt_stays_the_final_one(paste_with_styles, typed, names, more):
    found = paste_with_styles(typed, *names, **more)
    assert found["Prompt"] == found["final"]["Prompt"]
    assert found["Negative prompt"] == found["final"]["Negative prompt"]
    assert found.get("Styles array") == more.get("Styles array")


@pytest.mark.parametrize("names", [("night",), ("fine",), ("tail",), ("night", "tail"), ("tail", "fine")])
@pytest.mark.parametrize("typed", ["", "1girl", "masterpiece, 1girl", "old, 1girl", "1girl, night, dark", "1girl, :3"])
def test_whatever_is_found_makes_the_same_prompt_again(paste_with_styles, script, fake, typed, names):
    found = paste_with_styles(typed, *names)
    styles = fake.modules["shared"].prompt_styles
    again = Processing(styles.apply_styles_to_prompt(found["Prompt"], found.get("Styles array", [])))
    again.all_negative_prompts = [found["Negative prompt"]] * 3
    script.process(again, True, GAMMA, None, None, None, True)
    assert again.all_prompts[0] == found["final"]["Prompt"]
    assert again.all_negative_prompts[0] == found["final"]["Negative prompt"]


def test_the_fields_of_both_pages_are_the_same_to_the_webui(fake):
    """ "Send to img2img" takes the values along of fields that are filled with equal things."""
    names = []
    for is_img2img in (False, True):
        script = fake.load_script(SCRIPT).KohakuScript()
        built(script, is_img2img)
        names.append([fill for _, fill in script.infotext_fields])
        assert script.paste_field_names == names[-1]
    assert names[0] == names[1]
