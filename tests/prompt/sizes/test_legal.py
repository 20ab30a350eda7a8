from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.sizes.legal import Basis, Size, legal_sizes, nearest_for_ratio, nearest_to

PROFILES = load_profiles()
GAMMA = legal_sizes(PROFILES.get("kohaku-xl-gamma"))


def test_gammas_sizes_are_those_of_the_card():
    assert GAMMA.pixels == (786_432, 1_310_720)
    assert all(786_432 <= size.pixels <= 1_310_720 for size in GAMMA.sizes)
    assert all(size.width % 64 == size.height % 64 == 0 for size in GAMMA.sizes)
    for size in ((768, 1024), (1024, 768), (1024, 1024), (896, 1152), (832, 1216), (1280, 1024), (1216, 832)):
        assert GAMMA.allows(*size)
    for size in ((512, 512), (704, 1024), (1280, 1088), (1024, 1000), (768, 960)):
        assert not GAMMA.allows(*size)


def test_tables_are_taken_as_they_are():
    sizes = legal_sizes(PROFILES.get("animagine-xl-3.0"))
    assert sizes.basis is Basis.TABLE
    assert len(sizes.sizes) == 9
    assert sizes.allows(640, 1536)
    assert not sizes.allows(768, 1024)
    assert len(legal_sizes(PROFILES.get("noobai-xl-1.0")).sizes) == 7


@pytest.mark.parametrize(
    ("profile_id", "basis"),
    [
        ("kohaku-xl-gamma", Basis.RANGE),
        ("kohaku-xl-zeta", Basis.ABOUT),
        ("pony-v6", Basis.ABOUT),
        ("kohaku-xl-delta", Basis.GENERIC),
        ("animagine-xl-4.0", Basis.GENERIC),
    ],
)
def test_what_the_sizes_rest_on_is_said(profile_id, basis):
    sizes = legal_sizes(PROFILES.get(profile_id))
    assert sizes.basis is basis
    if basis in (Basis.ABOUT, Basis.GENERIC):  # 1024 x 1024 and 10 % either way
        assert sizes.pixels == (943_719, 1_153_433)
        assert sizes.allows(1024, 1024)
        assert sizes.allows(832, 1216)
        assert not sizes.allows(768, 1024)


def test_without_a_profile_there_are_generic_sizes():
    assert legal_sizes(None).basis is Basis.GENERIC


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ((768, 1024), (768, 1024)),
        ((512, 512), (896, 896)),  # the smallest square of at least 786,432 pixels: 896 x 896 = 802,816
        ((2048, 2048), (1088, 1088)),  # the largest of at most 1,310,720: 1088 x 1088 = 1,183,744
        ((600, 800), (768, 1024)),
        ((1536, 2048), (960, 1280)),  # 3 : 4 at 1,228,800 pixels
    ],
)
def test_nearest_to_a_wish(wanted, nearest):
    assert nearest_to(GAMMA, *wanted) == Size(*nearest)


def test_nearest_for_a_ratio():
    assert nearest_for_ratio(GAMMA, 1, 1) == Size(1024, 1024)
    assert nearest_for_ratio(legal_sizes(PROFILES.get("animagine-xl-3.1")), 16, 9) == Size(1344, 768)  # 1.75, not 1.46
    assert nearest_for_ratio(legal_sizes(PROFILES.get("animagine-xl-3.1")), 2, 3) == Size(832, 1216)  # .684, not .778


@pytest.mark.parametrize("wanted", [(0, 5), (5, 0), (-1, 1), (float("nan"), 1), (float("inf"), 1)])
def test_sizes_that_are_none_are_refused(wanted):
    with pytest.raises(RefusedError, match="positive"):
        nearest_to(GAMMA, *wanted)


@pytest.mark.parametrize("profile", PROFILES.profiles, ids=lambda profile: profile.id)
@given(width=st.integers(1, 10_000), height=st.integers(1, 10_000))
def test_whatever_is_wanted_something_legal_comes_out(profile, width, height):
    legal = legal_sizes(profile)
    size = nearest_to(legal, width, height)
    assert legal.allows(*size)
    assert nearest_to(legal, *size) == size
    # A picture is never turned on its side, if it was clearly portrait or landscape.
    if width > height * 1.3:
        assert size.width > size.height
    if height > width * 1.3:
        assert size.height > size.width


def test_an_own_profile_with_a_narrow_range_still_has_a_size():
    rule = replace(PROFILES.get("kohaku-xl-gamma").sizes, buckets=(), pixels=(1_000_001, 1_000_002))
    assert legal_sizes(replace(PROFILES.get("kohaku-xl-gamma"), sizes=rule)).sizes == (Size(1024, 1024),)
