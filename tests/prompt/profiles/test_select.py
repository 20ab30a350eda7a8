from __future__ import annotations

import json

import pytest

from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.profiles.select import CheckpointFacts, Confidence, choose_profile

PROFILES = load_profiles().profiles


def choose(name="", sha256="", **metadata):
    return choose_profile(PROFILES, CheckpointFacts(name, sha256, metadata))


def merged(*names):
    return json.dumps({f"{n:064x}": {"name": name, "legacy_hash": "0"} for n, name in enumerate(names)})


@pytest.mark.parametrize("sha256", ["38942904E9", "38942904e9" + "0" * 54])
def test_the_hash_of_the_card_is_certain_whatever_the_name(sha256):
    choice = choose("animagine-xl-3.1.safetensors", sha256)
    assert (choice.profile.id, choice.confidence) == ("kohaku-xl-gamma", Confidence.CERTAIN)
    assert "AutoV2 38942904E9" in choice.reason


@pytest.mark.parametrize(
    ("name", "profile_id"),
    [
        ("kohakuXLGamma_rev1.safetensors", "kohaku-xl-gamma"),
        ("Kohaku-XL-Epsilon-rev3", "kohaku-xl-epsilon"),
        ("kohaku-xl-zeta.safetensors", "kohaku-xl-zeta"),
        ("kohaku_xl_delta-rev1", "kohaku-xl-delta"),
        ("kohaku-xl-beta7.1", "kohaku-xl-beta"),
        ("animagineXLV3_v30.safetensors", "animagine-xl-3.0"),
        ("animagine-xl-3.0-base", "animagine-xl-3.0"),
        ("animagineXLV31_v31.safetensors", "animagine-xl-3.1"),
        ("animagine-xl-3.1", "animagine-xl-3.1"),
        ("animagine-xl-4.0-opt", "animagine-xl-4.0"),
        ("models/animagine-xl-2.0", "animagine-xl-2.0"),
        ("anxl3", "animagine-xl-3.0"),
        ("Illustrious-XL-v0.1", "illustrious-0.1"),
        ("noobaiXLNAIXL_epsilonPred10Version", "noobai-xl-1.0"),
        ("ponyDiffusionV6XL_v6StartWithThisOne", "pony-v6"),
    ],
)
def test_names_that_are_in_use(name, profile_id):
    choice = choose(name)
    assert (choice.profile.id, choice.confidence) == (profile_id, Confidence.LIKELY)
    assert choice.profile.name in choice.reason


def test_the_title_in_the_metadata_beats_the_file_name():
    choice = choose("animagine-xl-3.1", **{"modelspec.title": "Kohaku XL Gamma rev2"})
    assert choice.profile.id == "kohaku-xl-gamma"
    assert "modelspec.title" in choice.reason


def test_a_merge_follows_the_parents_that_have_a_tag_system():
    choice = choose("my mix", sd_merge_models=merged("kohaku-xl-beta7", "kohaku-xl-beta8", "animagine-xl-3.0", "sdxl"))
    assert (choice.profile.id, choice.confidence) == ("animagine-xl-3.0", Confidence.POSSIBLE)
    assert "Kohaku XL Beta, Animagine XL 3.0" in choice.reason


def test_a_merge_of_betas_is_a_beta():
    assert choose("x", sd_merge_models=merged("kohaku-xl-beta7", "kohaku-xl-beta5")).profile.id == "kohaku-xl-beta"


def test_a_tie_between_parents_decides_nothing():
    assert choose("x", sd_merge_models=merged("animagine-xl-3.0", "pony diffusion v6")).confidence is Confidence.NONE


def test_relatives_are_possible():
    choice = choose("waiNSFWIllustrious_v140")
    assert (choice.profile.id, choice.confidence) == ("illustrious-0.1", Confidence.POSSIBLE)


@pytest.mark.parametrize("name", ["", "sd_xl_base_1.0", "模型", "x" * 1_000_000, "../../../"])
def test_nothing_is_claimed_of_strangers(name):
    choice = choose(name)
    assert (choice.profile, choice.confidence) == (None, Confidence.NONE)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"a": 3}', '{"a": {"name": 3}}', "[" * 100_000, "x" * 2_000_000, '{"a": {"name": null}}'],
)
def test_hostile_metadata_is_as_good_as_none(text):
    assert choose("x", sd_merge_models=text).confidence is Confidence.NONE
