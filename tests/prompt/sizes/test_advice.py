from __future__ import annotations

import pytest

from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.sizes.advice import first_present, review, suggest
from lib_kohaku.prompt.sizes.legal import Size

PROFILES = load_profiles()
GAMMA = PROFILES.get("kohaku-xl-gamma")
# as webui v1.10.1 lists them
UPSCALERS = ["None", "Lanczos", "ESRGAN_4x", "R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "ScuNET GAN", "ScuNET PSNR"]


def test_gammas_advice():
    advice = suggest(GAMMA, (600, 800), ["Euler a"], UPSCALERS, cfg=11, steps=20)
    assert (advice.size, advice.cfg, advice.clip_skip) == (Size(768, 1024), 7, 1)
    assert (advice.steps, advice.sampler) == (None, None)  # any sampler, no steps stated
    assert advice.upscaler == "R-ESRGAN 4x+ Anime6B"
    assert advice.upscaler_reason == "R-ESRGAN 4x+ Anime6B against mosaic artefacts"


@pytest.mark.parametrize(("cfg", "suggested"), [(1, 4), (4, 4), (5, 5), (7, 7), (7.5, 7), (None, 5.5)])
def test_cfg_is_only_changed_when_outside(cfg, suggested):
    assert suggest(GAMMA, (1024, 1024), cfg=cfg).cfg == suggested


def test_the_second_upscaler_serves_when_the_first_is_missing_and_none_when_both_are():
    assert suggest(GAMMA, (1024, 1024), upscalers=UPSCALERS[:4] + UPSCALERS[5:]).upscaler == "ScuNET GAN"
    none = suggest(GAMMA, (1024, 1024), upscalers=UPSCALERS[:4])
    assert (none.upscaler, none.upscaler_reason) == (None, "")


def test_names_are_compared_by_letters_and_digits():
    assert first_present(["ScuNET"], ["SCUNET psnr"]) == "SCUNET psnr"
    assert first_present(["R-ESRGAN 4x+"], UPSCALERS) == "R-ESRGAN 4x+"
    assert first_present(["Euler"], ["Euler a", "Euler"]) == "Euler"
    assert first_present(["DPM++ 2M"], ["DPM2"]) is None


def test_samplers_and_steps_of_animagine():
    advice = suggest(PROFILES.get("animagine-xl-3.0"), (1024, 1024), ["DPM++ 2M", "Euler a"], steps=40)
    assert (advice.sampler, advice.steps, advice.clip_skip, advice.upscaler) == ("Euler a", 29, None, None)
    assert suggest(PROFILES.get("animagine-xl-4.0"), (1024, 1024)).cfg == 5


def test_a_profile_that_says_nothing_changes_nothing():
    advice = suggest(PROFILES.get("kohaku-xl-beta"), (1024, 1024), ["Euler a"], UPSCALERS, cfg=30, steps=3)
    assert (advice.size, advice.cfg, advice.steps, advice.sampler) == (Size(1024, 1024), None, None, None)


def test_findings_name_what_is_stated_and_the_nearest_value():
    findings = {finding.setting: finding for finding in review(GAMMA, (512, 512), 9, 20, 2)}
    assert set(findings) == {"size", "cfg", "clip_skip"}
    assert findings["size"].better == Size(896, 896)
    assert "786,432 to 1,310,720 pixels" in findings["size"].message
    assert findings["cfg"].better == 7
    assert findings["cfg"].message == "Kohaku XL Gamma wants a CFG scale of 4 to 7, not 9."
    assert findings["clip_skip"].better == 1


def test_good_settings_have_no_findings():
    assert review(GAMMA, (768, 1024), 5, 28, 1) == []
    assert review(PROFILES.get("kohaku-xl-beta"), (1024, 1024), 30, 3, 5) == []


def test_open_ends_are_worded():
    (finding,) = review(PROFILES.get("animagine-xl-3.0"), (1024, 1024), 6, 50)
    assert finding.message == "Animagine XL 3.0 wants a number of steps of at most 29, not 50."
