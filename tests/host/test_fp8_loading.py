"""Wrappers around the webui's loading: put on, taken off, and never another extension's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def hooks(fake):
    for name in ("load_model_weights", "model_target_device", "get_checkpoint_state_dict"):
        setattr(fake.sd_models, name, lambda *values, name=name: (name, values))
    from lib_kohaku.host.a1111.fp8.loading import LoadHooks

    switch = SimpleNamespace(converts_on_load=lambda: True, bring_about=lambda *_, **__: None)
    fake.modules["devices"].cpu = "cpu"
    return LoadHooks(lambda: switch)


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
