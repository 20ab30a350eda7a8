"""The choice as a line of text."""

from __future__ import annotations

import pytest

from lib_kohaku.fp8.choice import OFF, Fp8Choice, Parts, all_choices, parse_choice
from lib_kohaku.fp8.codecs import E5M2, Scaling
from lib_kohaku.fp8.errors import Fp8Error


def test_every_choice_is_read_back():
    choices = all_choices()
    assert len({choice.text for choice in choices}) == len(choices) == 9
    assert [parse_choice(choice.text) for choice in choices] == choices


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("off", OFF),
        ("unet", Fp8Choice(Parts.UNET)),
        ("UNET+te  E5M2", Fp8Choice(Parts.UNET_AND_TEXT, E5M2)),
        ("UNet plain", Fp8Choice(Parts.UNET, scaled=False)),
    ],
)
def test_what_is_left_out_is_as_usual(text: str, choice: Fp8Choice):
    assert parse_choice(text) == choice


@pytest.mark.parametrize("text", ["", "  ", "on", "off e5m2", "UNet e4m3", "UNet scaled fnuz", "True", "UNet" * 999])
def test_nonsense_is_refused_in_few_words(text: str):
    with pytest.raises(Fp8Error) as error:
        parse_choice(text)
    assert len(str(error.value)) < 400


def test_the_policy_follows():
    policy = parse_choice("UNet+TE e5m2 plain").policy(("a.weight",))
    assert (policy.fmt, policy.scaling, policy.text_encoders, policy.keep) == (E5M2, Scaling.NONE, True, ("a.weight",))
    assert not parse_choice("UNet").policy().text_encoders
