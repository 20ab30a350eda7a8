"""Loading without saving."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file

from lib_kohaku.errors import CancelledError, FailedError, RefusedError
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.progress import SilentProgress

FORMULA = "beta7 + 0.8*(anxl3 - anxl2)"


class StopAfter(SilentProgress):
    """Cancels after some questions."""

    def __init__(self, questions: int) -> None:
        self._left = questions

    def cancelled(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.fixture
def plan(workbench):
    return workbench.plan(Recipe(FORMULA))


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_model_holds_what_the_file_would(fake, host, workbench, finished, plan):
    model = fake.load("beta7")
    assert finished(workbench.start_merge(Recipe(FORMULA), {}, "saved")).state == "done"
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert fake.model is model and model.hijacked
    assert same(model.weights(), weights_of(fake.models / "saved.safetensors"))


def test_it_goes_through_the_webuis_own_steps(fake, host, plan):
    fake.load("beta7")
    fake.events.clear()
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert fake.events == [
        "unet None",
        "undo hijack",
        "hijack",
        "tiling False",
        "vae",
        "model loaded callback",
        "unet None",
    ]
    assert fake.model.cond_stage_model_empty_prompt == "empty"


def test_its_name_is_honest(fake, host, plan):
    fake.load("beta7")
    titles = list(fake.sd_models.checkpoints_list)
    host.load_unsaved(plan, "gamma", SilentProgress())
    info = fake.model.sd_checkpoint_info
    for text in (info.name, info.title, info.name_for_extra, info.model_name, info.short_title):
        assert text == "gamma (unsaved merge)"
    assert (info.hash, info.sha256, info.shorthash, info.ids, fake.model.sd_model_hash) == (None, None, None, [], None)
    assert info.calculate_shorthash() is None and info.register() is None
    assert not Path(info.filename).exists()
    assert list(fake.sd_models.checkpoints_list) == titles and len(fake.modules["cache"].cache("hashes")) == 0
    loaded = host.loaded_model()
    assert (loaded.name, loaded.path, loaded.unsaved) == ("gamma (unsaved merge)", None, True)
    assert loaded.previous.startswith("beta7.safetensors")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "con", "x" * 400])
def test_a_name_that_no_file_could_have_is_replaced(fake, host, plan, name):
    fake.load("beta7")
    host.load_unsaved(plan, name, SilentProgress())
    assert fake.model.sd_checkpoint_info.name == "merge (unsaved merge)"


def test_images_keep_it_and_another_choice_ends_it(fake, host, plan):
    fake.load("beta7")
    host.load_unsaved(plan, "gamma", SilentProgress())
    fake.before_image()
    assert host.loaded_model().unsaved
    fake.opts.set("sd_model_checkpoint", fake.sd_models.checkpoint_aliases["anxl3.safetensors"].title)
    assert host.loaded_model().unsaved is False
    assert host.loaded_model().name.startswith("anxl3")
    fake.events.clear()
    host.restore_loaded(SilentProgress())
    assert fake.events == []  # there is nothing to restore any more


def test_restore_brings_every_weight_back(fake, host, plan):
    before = fake.load("beta7").weights()
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert not same(fake.model.weights(), before)
    host.restore_loaded(SilentProgress())
    assert same(fake.model.weights(), before)
    assert host.loaded_model() is not None and not host.loaded_model().unsaved


def test_a_merge_over_a_merge_still_goes_back_to_the_checkpoint(fake, host, plan):
    before = fake.load("beta7").weights()
    for name in ("one", "two"):
        host.load_unsaved(plan, name, SilentProgress())
    assert host.loaded_model().previous.startswith("beta7")
    host.restore_loaded(SilentProgress())
    assert same(fake.model.weights(), before)


@pytest.mark.parametrize("questions", [0, 1, 2])
def test_a_stop_brings_the_checkpoint_back(fake, host, plan, questions):
    before = fake.load("beta7").weights()
    with pytest.raises(CancelledError):
        host.load_unsaved(plan, "gamma", StopAfter(questions))
    assert same(fake.model.weights(), before) and fake.model.hijacked
    assert not host.loaded_model().unsaved


def test_a_bug_on_the_way_brings_the_checkpoint_back(fake, host, plan):
    before = fake.load("beta7").weights()

    def broken(model: object, file: object, source: object) -> None:
        raise ZeroDivisionError("no VAE today")

    fake.modules["sd_vae"].load_vae = broken
    with pytest.raises(FailedError, match="no VAE today"):
        host.load_unsaved(plan, "gamma", SilentProgress())
    assert same(fake.model.weights(), before)


def test_when_even_that_fails_the_next_image_loads_the_checkpoint(fake, host, plan):
    before = fake.load("beta7").weights()
    fake.reload_fails = True
    with pytest.raises(FailedError, match="Choose a checkpoint"):
        host.load_unsaved(plan, "gamma", StopAfter(1))
    fake.reload_fails = False
    fake.before_image()
    assert same(fake.model.weights(), before)


def test_the_checkpoint_that_comes_back_is_the_chosen_one(fake, host, plan):
    fake.load("beta7")
    other = fake.sd_models.checkpoint_aliases["anxl3.safetensors"]
    with fake.sd_models.SkipWritingToConfig():  # left over from an image that asked for another one
        fake.sd_models.reload_model_weights(info=other)
    host.load_unsaved(plan, "gamma", SilentProgress())
    host.restore_loaded(SilentProgress())
    assert host.loaded_model().name.startswith("beta7")
    assert fake.opts.sd_model_checkpoint.startswith("beta7")


def test_without_a_model_the_base_is_loaded_first(fake, host, plan):
    fake.opts.data["sd_model_checkpoint"] = fake.sd_models.checkpoint_aliases["anxl2.safetensors"].title
    fake.events.clear()
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert fake.events[0] == "load beta7.safetensors"
    assert fake.opts.sd_model_checkpoint.startswith("anxl2")
    assert host.loaded_model().unsaved
    fake.before_image()
    assert host.loaded_model().unsaved


@pytest.mark.parametrize("kind", ["prediction", "keys", "shapes", "meta"])
def test_a_model_of_another_kind_makes_way_for_the_base(fake, host, plan, kind):
    model = fake.load("anxl2")
    unet = model.model.diffusion_model
    if kind == "prediction":
        model.parameterization = "v"
    elif kind == "keys":
        unet.register_parameter("extra", torch.nn.Parameter(torch.zeros(1)))
    elif kind == "shapes":
        unet.out._modules["0"].weight = torch.nn.Parameter(torch.zeros(7))
    else:
        model.to("meta")
    fake.events.clear()
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert fake.events[0] == "load beta7.safetensors"
    assert host.loaded_model().unsaved and fake.model is not model
    host.restore_loaded(SilentProgress())
    assert host.loaded_model().name.startswith("anxl2")


def test_a_merge_of_another_kind_makes_way_for_a_base_that_is_the_chosen_checkpoint(fake, host, plan):
    fake.load("beta7")
    host.load_unsaved(plan, "gamma", SilentProgress())
    fake.model.parameterization = "v"
    fake.events.clear()
    host.load_unsaved(plan, "again", SilentProgress())
    assert fake.events[0] == "load beta7.safetensors"


def test_a_base_that_the_webui_takes_for_another_kind_is_left_to_it(fake, host, plan):
    fake.load("beta7").parameterization = "v"  # by a .yaml beside it, which headers do not tell
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert host.loaded_model().unsaved


def test_a_checkpoint_that_does_not_fit_even_then_is_refused(fake, host, plan):
    before = fake.load("beta7")
    before.model.diffusion_model.register_parameter("extra", torch.nn.Parameter(torch.zeros(1)))
    with pytest.raises(RefusedError, match="cannot hold"):
        host.load_unsaved(plan, "gamma", SilentProgress())
    assert not host.loaded_model().unsaved


def test_fp8_is_refused_and_nothing_changes(fake, host, plan):
    fake.load("beta7")
    fake.modules["devices"].fp8 = True
    fake.events.clear()
    with pytest.raises(RefusedError, match="fp8"):
        host.load_unsaved(plan, "gamma", SilentProgress())
    assert fake.events == [] and not host.loaded_model().unsaved


def test_forks_with_their_own_memory_are_refused(fake, host, plan, monkeypatch):
    fake.load("beta7")
    monkeypatch.setattr(fake.sd_models, "forge_model_reload", lambda: None, raising=False)
    other = type(host)()
    assert other.info.can_load_unsaved is False
    with pytest.raises(RefusedError, match="save the merge"):
        other.load_unsaved(plan, "gamma", SilentProgress())


def test_a_plan_with_refusals_is_not_run(fake, host, workbench):
    fake.load("beta7")
    with pytest.raises(RefusedError, match="difference"):
        host.load_unsaved(workbench.plan(Recipe("beta7 - anxl2")), "gamma", SilentProgress())


def test_baked_loras_are_undone_first(fake, host, plan, monkeypatch):
    model = fake.load("beta7")
    layer = model.model.diffusion_model.out._modules["2"]
    layer.network_current_names, layer.network_weights_backup = (("lora", 1, 1, None),), layer.weight.detach().clone()
    with pytest.raises(RefusedError, match="LoRA"):
        host.load_unsaved(plan, "gamma", SilentProgress())
    model = fake.model
    layer = model.model.diffusion_model.out._modules["2"]
    layer.network_current_names, layer.network_weights_backup = (("lora", 1, 1, None),), layer.weight.detach().clone()
    networks = ModuleType("networks")
    seen = []
    networks.network_restore_weights_from_backup = lambda module: seen.append(("restore", module))

    def forget(module: torch.nn.Module) -> None:
        seen.append(("forget", module))
        module.network_current_names, module.network_weights_backup = (), None

    networks.network_reset_cached_weight = forget
    monkeypatch.setitem(sys.modules, "networks", networks)
    host.load_unsaved(plan, "gamma", SilentProgress())
    assert seen == [("restore", layer), ("forget", layer)]
