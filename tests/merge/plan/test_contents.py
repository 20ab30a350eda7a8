"""What a plan says about a merge that can be run."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from lib_kohaku.merge.execute.batches import needs_whole
from lib_kohaku.merge.plan.describe import describe_plan, describe_row
from lib_kohaku.merge.plan.document import plan_document
from lib_kohaku.merge.plan.memory import peak_memory
from lib_kohaku.merge.plan.types import CoefficientRow
from tests.support.files import load
from tests.support.merging import plan
from tests.support.samples import Family

CARD = "rev2 = beta7 + 1.0*(anxl3 - anxl2) + 0.25*(base8 - beta7)\nweighted_sum(rev2, anxl3, mbw('gamma'))"


def test_rows_of_the_card(sdxl: Family) -> None:
    made = plan(CARD, sdxl.library)
    rows = {row.slots: row for row in made.rows}
    assert len(rows) == 3
    tenth = next(row for slots, row in rows.items() if "IN01" in slots)
    assert set(tenth.slots) == {"TIME", "LABEL", "IN00", "IN01", "IN03", "IN04", "IN06", "IN07"}
    assert tenth.coefficients == {
        "beta7": Fraction("0.675"), "anxl3": Fraction(1), "anxl2": Fraction("-0.9"), "base8": Fraction("0.225"),
    }  # fmt: skip
    assert all(row.total == 1 for row in made.rows)
    twentieth = next(row for slots, row in rows.items() if "OUT03" in slots)
    assert set(twentieth.slots) == {"OUT03", "OUT04", "OUT05", "OUT06", "OUT07", "OUT08", "OUT"}
    assert sum(row.tensors for row in made.rows) == 2515 - 248 - 1, "all but the VAE and the ids"


def test_bytes_and_memory(sdxl: Family) -> None:
    made = plan(CARD, sdxl.library)
    sizes = {key: values.numel() * values.element_size() for key, values in load(sdxl.path("beta7")).items()}
    assert made.bytes_written == sum(sizes.values())
    copied = sum(size for key, size in sizes.items() if key.startswith("first_stage_model.") or "position_ids" in key)
    assert made.bytes_read == copied + 4 * (made.bytes_written - copied)
    assert peak_memory(made) < 200_000_000


def test_memory_does_not_depend_on_the_number_of_models(sdxl: Family) -> None:
    two = peak_memory(plan("0.5*beta7 + 0.5*anxl3", sdxl.library))
    five = peak_memory(plan("average([beta7, anxl2, anxl3, base7, base8])", sdxl.library))
    assert abs(five - two) < 60_000_000
    assert five < 200_000_000


def test_words(sdxl: Family) -> None:
    lines = describe_plan(plan(CARD, sdxl.library))
    text = "\n".join(lines)
    assert "architecture  SDXL base" in lines
    assert "model         beta7 = beta7.safetensors  SDXL base  (base)" in lines
    assert "vae kept from the base" in text
    assert "0.675 beta7 + 1 anxl3 - 0.9 anxl2 + 0.225 base8" in text


@pytest.mark.parametrize(
    ("coefficients", "slots", "text"),
    [
        ({"a": "1"}, (), "everywhere: 1 a"),
        ({"a": "0.5", "b": "-0.8"}, ("IN00", "M00"), "IN00, M00: 0.5 a - 0.8 b"),
        ({}, ("OUT",), "OUT: 0"),
    ],
)
def test_row_in_words(coefficients: dict[str, str], slots: tuple[str, ...], text: str) -> None:
    exact = {role: Fraction(value) for role, value in coefficients.items()}
    assert describe_row(CoefficientRow(slots, 1, exact, (), Fraction(1))) == text


def test_document_is_json(sdxl: Family) -> None:
    made = plan(CARD, sdxl.library)
    document = json.loads(json.dumps(plan_document(made), allow_nan=False))
    assert document["base"] == "beta7"
    assert document["tensors"] == 2515
    assert document["components"] == {"te1": "merge", "te2": "merge", "unet": "merge", "vae": "base"}
    assert [model["role"] for model in document["models"]] == ["beta7", "anxl3", "anxl2", "base8"]
    assert {row["sum"] for row in document["coefficients"]} == {1}


def test_linear_merges_are_never_whole(sdxl: Family) -> None:
    assert not any(needs_whole(tensor) for tensor in plan(CARD, sdxl.library).tensors)


def test_storage_order_is_by_width(sdxl: Family) -> None:
    made = plan("0.5*beta7 + 0.5*anxl3", sdxl.library, dtypes={"unet": "fp8_e4m3fn", "te1": "fp32"})
    bits = [tensor.spec.dtype.bits for tensor in made.tensors]
    assert bits == sorted(bits, reverse=True)
    assert set(bits) == {64, 32, 16, 8}
