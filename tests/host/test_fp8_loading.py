"""Wrappers around the webui's loading: put on, taken off, and never another extension's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def hooks(fake):
    for name in ("load_model_weights", "model_target_device", "get_checkpoint_state_dict"):
        setattr(fake.sd_models, name, lambda *values, name=name: (name, values))
    from lib_kohaku.host.a1111.fp8.loading import LoadHooks

    brought_about = []

    def bring_about(model, progress, *, again, in_use):
        brought_about.append((model, again, in_use))

    switch = SimpleNamespace(converts_on_load=lambda: True, bring_about=bring_about)
    fake.modules["devices"].cpu = "cpu"
    hooks = LoadHooks(lambda: switch)
    hooks.brought_about = brought_about
    return hooks


def functions(fake):
    module = fake.sd_models
    return module.load_model_weights, module.model_target_device, module.get_checkpoint_state_dict


def test_they_are_put_on_once_and_taken_off_without_a_trace(fake, hooks):
    before = functions(fake)
    hooks.remove()
    for _ in range(3):
        hooks.install()
    on = functions(fake)
    assert not set(on) & set(before)
    assert fake.sd_models.model_target_device("model") == "cpu"
    hooks.remove()
    hooks.remove()
    assert functions(fake) == before
    hooks.install()
    hooks.remove()
    assert functions(fake) == before


def test_a_later_wrapper_of_somebody_else_stays_and_ours_does_nothing_any_more(fake, hooks):
    hooks.install()
    ours = fake.sd_models.model_target_device
    theirs = lambda model: ("theirs", ours(model))  # noqa: E731
    fake.sd_models.model_target_device = theirs
    hooks.remove()
    assert fake.sd_models.model_target_device is theirs
    assert theirs("model") == ("theirs", ("model_target_device", ("model",)))


def test_a_model_that_is_in_memory_already_follows_the_switch_when_it_is_used_again(fake, hooks):
    """The webui tells nobody of it, and a refiner is put in place in the middle of an image."""
    here, there = (SimpleNamespace(sd_checkpoint_info=SimpleNamespace(filename=name)) for name in ("here", "there"))
    answer = None
    fake.sd_models.reuse_model_from_already_loaded = original = lambda *_: answer
    hooks.install()
    reuse = fake.sd_models.reuse_model_from_already_loaded
    timer = SimpleNamespace(record=lambda _: None)
    for answer, expected in (
        (here, []),  # the model in use
        (None, []),  # there is none
        (there, [(there, False, True)]),
        (SimpleNamespace(sd_checkpoint_info=here.sd_checkpoint_info), []),  # one that is to be overwritten
    ):
        hooks.brought_about.clear()
        assert reuse(here, there.sd_checkpoint_info, timer) is answer
        assert hooks.brought_about == expected
    hooks.remove()
    assert fake.sd_models.reuse_model_from_already_loaded is original
    answer = there
    assert reuse(here, there.sd_checkpoint_info, timer) is there
    assert hooks.brought_about == []


def test_an_older_webui_without_one_of_them_loses_only_that(fake, hooks):
    del fake.sd_models.model_target_device
    hooks.install()
    hooks.remove()
    assert not hasattr(fake.sd_models, "model_target_device")


def test_the_script_starts_them_before_the_first_model_and_stops_them_on_reload(fake):
    from lib_kohaku import webui

    fake.sd_models.load_model_weights = original = lambda *_: None
    webui.start_fp8([])
    assert fake.sd_models.load_model_weights is not original
    webui.stop_fp8()
    assert fake.sd_models.load_model_weights is original
