"""Exceptions by worst-channel SQNR within a memory budget."""

from __future__ import annotations

import pytest
import torch

from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.errors import NotFiniteError
from lib_kohaku.fp8.policy import Limits, Policy, refine

BASE = Policy(everything=True)


def well_behaved(seed, shape=(64, 128)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.02


def uneven_channels(seed):
    """Channels 2**16 apart: one scale loses the small one, a scale each does not."""
    weight = well_behaved(seed)
    weight[7] *= 2.0**-16
    return weight


def test_good_weights_need_no_exception():
    refined = refine(BASE, [("a.weight", well_behaved(0)), ("b.weight", well_behaved(1))], Limits())
    assert refined.policy == BASE
    assert [quality.name for quality in refined.qualities] == ["a.weight", "b.weight"]
    assert refined.spent_bytes == 0


def test_uneven_channels_get_scales_of_their_own():
    weights = [("a.weight", well_behaved(0)), ("b.weight", uneven_channels(1))]
    refined = refine(BASE, weights, Limits())
    assert refined.by_channel == ("b.weight",) and not refined.kept
    assert refined.spent_bytes == 63 * 4
    assert refined.policy.decide("b.weight", "other", (64, 128)).scaling is Scaling.CHANNEL
    assert refined.policy.decide("a.weight", "other", (64, 128)).scaling is Scaling.TENSOR
    assert min(quality.worst_channel_db for quality in refined.qualities) > 24


def test_what_no_scale_helps_stays_in_16_bit_within_the_budget():
    # e4m3fn cannot hold these to 40 dB at all, so the only way out is 16 bit, at one byte a weight
    weights = [("small[0].weight", well_behaved(0, (8, 16))), ("large.weight", well_behaved(1, (64, 64)))]
    refined = refine(BASE, weights, Limits(worst_channel_db=40.0, budget_bytes=8 * 16))
    assert refined.kept == ("small[0].weight",)
    assert refined.beyond_budget == ("large.weight",)
    assert refined.spent_bytes == 128
    assert not refined.policy.decide("small[0].weight", "other", (8, 16)).convert
    assert refined.policy.decide("large.weight", "other", (64, 64)).convert
    assert refined.policy.decide("small0.weight", "other", (8, 16)).convert  # the name, not a pattern
    assert [quality.name for quality in refined.qualities] == ["large.weight"]


def test_the_worst_comes_first():
    bad, worse = well_behaved(0), well_behaved(1)
    bad[3] *= 2.0**-4
    worse[3] *= 2.0**-30
    plain = Policy(everything=True, scaling=Scaling.NONE)
    refined = refine(plain, [("bad.weight", bad), ("worse.weight", worse)], Limits(budget_bytes=64 * 128))
    assert refined.kept == ("worse.weight",)
    assert refined.beyond_budget == ("bad.weight",)


def test_a_bad_weight_is_named():
    weight = well_behaved(0)
    weight[0, 0] = float("nan")
    with pytest.raises(NotFiniteError, match=r"c\.weight"):
        refine(BASE, [("c.weight", weight)], Limits())
