"""Block maps against the published tables: every key, counts of parameters, both profiles, 26 values on 20 blocks."""

from __future__ import annotations

import re

import pytest

from devtools.key_tables import key_table
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.errors import RefusedError

SDXL = block_map("sdxl")
SD1 = block_map("sd1")

# Millions of parameters, as counted by running the peers' own mappings over the 2,515 keys.
PUBLISHED_MILLIONS = {
    "TE1": 123, "TE2": 695, "IN00": 0.01, "IN01": 2.26, "IN02": 2.26, "IN03": 0.92, "IN04": 27.4, "IN05": 29.0,
    "IN06": 3.7, "IN07": 375, "IN08": 382, "M00": 413, "OUT00": 400, "OUT01": 400, "OUT02": 407, "OUT03": 37.6,
    "OUT04": 33.5, "OUT05": 35.2, "OUT06": 4.4, "OUT07": 3.4, "OUT08": 3.4, "TIME": 2.05, "LABEL": 5.25, "OUT": 0.01,
    "VAE": 83.7,
}  # fmt: skip
PUBLISHED_KEYS = {"TE1": 196 + 1, "TE2": 390, "IN00": 2, "TIME": 4, "LABEL": 4, "OUT": 4, "VAE": 248}


def by_hand(key: str) -> str:
    """The slot by the naming scheme of the original code, written anew."""
    unet = re.match(
        r"model\.diffusion_model\.(input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\.", key
    )
    if unet:
        part = unet.group(1)
        number = re.search(r"_blocks\.(\d+)\.", key)
        names = {"middle_block": "M00", "time_embed": "TIME", "label_emb": "LABEL", "out": "OUT"}
        kind = {"input_blocks": "IN", "output_blocks": "OUT"}.get(part)
        return f"{kind}{int(number.group(1)):02}" if kind and number else names[part]
    return {"cond": "TE1", "conditioner.embedders.0": "TE1", "conditioner.embedders.1": "TE2"}.get(
        key.split("_stage")[0] if key.startswith("cond_") else ".".join(key.split(".")[:3]),
        "VAE" if key.startswith("first_stage_model.") else "",
    )


@pytest.mark.parametrize(("table", "count"), [("sdxl", 2515), ("sd1", 1143)])
def test_every_key_has_the_slot_of_its_name(table: str, count: int) -> None:
    specs = key_table(table)
    assert len(specs) == count
    blocks = block_map(table)
    for spec in specs:
        assert (blocks.slot_of(spec.name) or "") == by_hand(spec.name), spec.name
    without = [spec.name for spec in specs if blocks.slot_of(spec.name) is None]
    assert len(without) == {"sdxl": 0, "sd1": 12}[table], "only SD1's schedule buffers have none"


def test_parameters_per_block() -> None:
    millions: dict[str, float] = {}
    keys: dict[str, int] = {}
    for spec in key_table("sdxl"):
        slot = SDXL.slot_of(spec.name) or ""
        millions[slot] = millions.get(slot, 0) + spec.count / 1e6
        keys[slot] = keys.get(slot, 0) + 1
    assert millions.keys() == PUBLISHED_MILLIONS.keys()
    for slot, published in PUBLISHED_MILLIONS.items():
        assert millions[slot] == pytest.approx(published, rel=0.02, abs=0.006), slot
    assert {slot: keys[slot] for slot in PUBLISHED_KEYS} == PUBLISHED_KEYS
    unet = sum(value for slot, value in millions.items() if slot not in ("TE1", "TE2", "VAE"))
    heavy = sum(millions[slot] for slot in ("IN07", "IN08", "M00", "OUT00", "OUT01", "OUT02"))
    assert unet == pytest.approx(2567, abs=1)
    assert 100 * heavy / unet == pytest.approx(92.6, abs=0.1)


def test_names() -> None:
    assert SDXL.names == (
        "BASE", *(f"IN{i:02}" for i in range(9)), "M00", *(f"OUT{i:02}" for i in range(9))
    )  # fmt: skip
    assert SD1.names == ("BASE", *(f"IN{i:02}" for i in range(12)), "M00", *(f"OUT{i:02}" for i in range(12)))
    assert set(SDXL.extra) == {"TE1", "TE2", "VAE", "TIME", "LABEL", "OUT"}
    assert set(SD1.extra) == {"TE1", "VAE", "TIME", "OUT"}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("supermerger", {"TE1": "BASE", "TE2": "BASE", "VAE": "BASE", "TIME": "IN00", "LABEL": "IN00", "OUT": "OUT08"}),
        ("mecha", {"TE1": "BASE", "TE2": "BASE", "VAE": None, "TIME": "BASE", "LABEL": "BASE", "OUT": "OUT08"}),
    ],
)
def test_sdxl_profiles(profile: str, expected: dict[str, str | None]) -> None:
    assert {slot: SDXL.follow(slot, profile) for slot in SDXL.extra} == expected
    assert all(SDXL.follow(name, profile) == name for name in SDXL.names)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("supermerger", {"TE1": "BASE", "VAE": "BASE", "TIME": "IN00", "OUT": "OUT11"}),
        ("mecha", {"TE1": "BASE", "VAE": None, "TIME": "BASE", "OUT": "OUT11"}),
    ],
)
def test_sd1_profiles(profile: str, expected: dict[str, str | None]) -> None:
    assert {slot: SD1.follow(slot, profile) for slot in SD1.extra} == expected


def test_unknown_profile() -> None:
    with pytest.raises(RefusedError, match="no block profile 'x'; there are supermerger, mecha"):
        SDXL.follow("IN00", "x")


def test_26_values_on_20_blocks() -> None:
    """IN09-IN11 and OUT09-OUT11 are dropped, everything else keeps its own value."""
    kept = SDXL.fit(list(range(26)))
    assert [SD1.names[index] for index in kept] == list(SDXL.names)
    assert SDXL.fit([0] * 20) == tuple(range(20))


@pytest.mark.parametrize(("blocks", "count"), [(SDXL, 19), (SDXL, 21), (SDXL, 25), (SDXL, 0), (SD1, 20), (SD1, 25)])
def test_wrong_counts(blocks: object, count: int) -> None:
    with pytest.raises(RefusedError, match=f"^{count} block weights given"):
        blocks.fit([0] * count)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "key",
    [
        "model.diffusion_model.input_blocks.9.0.op.weight",
        "model.diffusion_model.input_blocks.x.0.weight",
        "model.diffusion_model.input_blocks.",
        "model.diffusion_model.input_blocks.²",
        "model.diffusion_model.outer.weight",
        "model_ema.decay",
        "xmodel.diffusion_model.out.0.weight",
        "",
    ],
)
def test_keys_of_no_slot(key: str) -> None:
    assert SDXL.slot_of(key) is None
