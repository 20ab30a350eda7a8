"""Verification passes what is right and finds what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lib_kohaku.checkpoint.header import read_header
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CancelledError, PlanError
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.merge.verify.document import describe_report, report_document
from lib_kohaku.merge.verify.run import VerifyReport, verify_file
from lib_kohaku.progress import SilentProgress
from tests.support.files import digest, load, metadata_of, save
from tests.support.merging import write_models
from tests.support.samples import Family

CARD = "rev2 = beta7 + 1.0*(anxl3 - anxl2) + 0.25*(base8 - beta7)\nweighted_sum(rev2, anxl3, mbw('gamma'))"
UNET = "model.diffusion_model."
MERGED = f"{UNET}input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight"
COPIED = "first_stage_model.decoder.conv_in.weight"
IDS = "conditioner.embedders.0.transformer.text_model.embeddings.position_ids"


def make(library: ModelLibrary, output: Path, formula: str, **recipe: Any) -> Path:
    merge_to_file(make_plan(Recipe(formula, **recipe), library, hash_of=digest), output)
    return output


@pytest.mark.parametrize(
    "dtypes",
    [
        {}, {"default": "fp32"}, {"default": "fp16"}, {"default": "bf16"}, {"default": "fp8_e4m3fn"},
        {"default": "fp8_e5m2"}, {"unet": "fp8_e4m3fn", "te1": "fp32", "te2": "bf16", "vae": "fp32"},
    ],
    ids=str,
)  # fmt: skip
def test_good_files_pass(small: Family, tmp_path: Path, dtypes: dict[str, str]) -> None:
    path = make(small.library, tmp_path / "m.safetensors", CARD, dtypes=dtypes)
    report = verify_file(path, small.library, check_all=True, hash_of=digest)
    assert report.passed
    assert report.differing == 0
    assert report.tensors == report.tensors_in_file == len(load(small.path("beta7")))
    assert report.elements == sum(values.numel() for values in load(path).values())
    assert describe_report(report)[-1].startswith("passed")
    json.dumps(report_document(report))


def test_a_sample_covers_every_block(sdxl: Family, tmp_path: Path) -> None:
    path = make(sdxl.library, tmp_path / "m.safetensors", CARD)
    report = verify_file(path, sdxl.library)
    assert report.passed
    assert (report.tensors, report.tensors_in_file) == (100, 2515)

    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        for key, values in tensors.items():
            if key.startswith(f"{UNET}label_emb."):
                values.add_(1)

    rewrite(spoil)(path)
    assert not verify_file(path, sdxl.library).passed, "four tensors of 2,515, but a block of their own"


@pytest.mark.parametrize(
    ("formula", "settings"),
    [
        ("average([one, two])", {}),
        ("weighted_sum(one, two, mbw('GRAD_V'))", {"profile": "mecha"}),
        ("one + 0.3*(two - one)", {"components": {"vae": "merge", "te1": "from:two"}}),
        ("0.12345678*one + 0.87654322*two", {"dtypes": {"default": "fp16"}}),
        ("$k = 0.1 in [0, 1]\nweighted_sum(one, two, $k)", {"parameters": {"k": 0.7}, "base": "two"}),
        ("w = blocks('*attn*'=0.5, default=0.1)*0.5\n(1 - w)*one + w*two", {}),
    ],
)
def test_all_kinds_of_recipes_pass(sd1: Family, tmp_path: Path, formula: str, settings: dict[str, Any]) -> None:
    path = make(sd1.library, tmp_path / "m.safetensors", formula, **settings)
    report = verify_file(path, sd1.library, check_all=True, hash_of=digest)
    assert report.passed, describe_report(report)


def test_values_that_are_not_finite_pass(tmp_path: Path) -> None:
    inf, nan = float("inf"), float("nan")
    a = {"w": torch.tensor([inf, -inf, nan, 65504.0, 1.0]).half(), "d": torch.tensor([1e300, inf, 0.1]).double()}
    b = {"w": torch.tensor([1.0, 1.0, 1.0, -65504.0, nan]).half(), "d": torch.tensor([1e300, 1.0, 0.3]).double()}
    library = write_models(tmp_path, {"a": a, "b": b})
    path = make(library, tmp_path / "m.safetensors", "1.5*a - 0.5*b")
    assert load(path)["w"][:4].tolist()[:2] == [inf, -inf]
    report = verify_file(path, library, check_all=True)
    assert report.passed, describe_report(report)


def test_float64_passes(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    models = {role: {"w": torch.randn(3000, generator=generator, dtype=torch.float64)} for role in "abc"}
    library = write_models(tmp_path, models)
    path = make(library, tmp_path / "m.safetensors", "a + 0.3*(b - c) - 0.1*(c - a)")
    report = verify_file(path, library, check_all=True)
    assert report.passed, describe_report(report)


def test_inpainting_passes(tmp_path: Path) -> None:
    key = f"{UNET}input_blocks.0.0.weight"
    models = {"a": {key: torch.randn(5, 9, 3, 3).half()}, "b": {key: torch.randn(5, 4, 3, 3).half()}}
    library = write_models(tmp_path, models)
    path = make(library, tmp_path / "m.safetensors", "0.7*a + 0.3*b")
    assert verify_file(path, library, check_all=True).passed


# -- what must be found -------------------------------------------------------------------------------------------


def flip(name: str, byte: int, bit: int) -> Callable[[Path], None]:
    """Flip one bit of a tensor in a file."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        info = read_header(path).tensors[name]
        content[info.start + byte % info.nbytes] ^= 1 << bit
        path.write_bytes(content)

    return change


def rewrite(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    """Write the file again with changed tensors and the same metadata."""

    def write(path: Path) -> None:
        tensors, metadata = load(path), metadata_of(path)
        change(tensors)
        save(path, tensors, metadata)

    return write


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip(MERGED, 1, 7), MERGED),
        (flip(MERGED, 0, 1), MERGED),
        (flip(MERGED, -1, 6), MERGED),
        (flip(COPIED, 0, 0), COPIED),
        (flip(IDS, 8, 0), IDS),
        (rewrite(lambda tensors: tensors.pop(MERGED)), f"{MERGED} is missing"),
        (rewrite(lambda tensors: tensors.update(stranger=torch.ones(1))), "stranger should not be there"),
        (
            rewrite(lambda tensors: tensors.update({MERGED: tensors[MERGED].float()})),
            f"{MERGED} is F32 [4, 4], not F16",
        ),
        (rewrite(lambda tensors: tensors.update({MERGED: tensors[MERGED].reshape(2, 8)})), "[2, 8], not F16 [4, 4]"),
        (rewrite(lambda tensors: tensors.update({MERGED: tensors[MERGED].flip(0)})), MERGED),
    ],
    ids=range(10),
)
def test_damage_is_found(small: Family, tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    path = make(small.library, tmp_path / "m.safetensors", CARD)
    damage(path)
    report = verify_file(path, small.library, check_all=True)
    assert not report.passed
    lines = describe_report(report)
    assert lines[-1].startswith("FAILED")
    assert words in "\n".join(lines)


def test_a_wrong_coefficient_is_found(small: Family, tmp_path: Path) -> None:
    """The file of another formula under this one's recipe."""
    path = make(small.library, tmp_path / "m.safetensors", CARD)
    other = make(small.library, tmp_path / "other.safetensors", CARD.replace("0.25", "0.26"))
    save(path, load(other), metadata_of(path))
    report = verify_file(path, small.library)
    assert not report.passed
    assert report.differing > report.elements / 20


def test_many_small_errors_are_found(small: Family, tmp_path: Path) -> None:
    """One unit in the last place is a near-tie; one in a hundred elements is a bug."""
    path = make(small.library, tmp_path / "m.safetensors", CARD)

    def nudge(tensors: dict[str, torch.Tensor]) -> None:
        for key, values in tensors.items():
            if key.startswith(f"{UNET}output_blocks.3"):
                values.view(torch.int16).add_(1)

    rewrite(nudge)(path)
    report = verify_file(path, small.library, check_all=True)
    assert report.worst_ulps == 1
    assert not report.passed


def test_wrong_parents(small: Family, tmp_path: Path) -> None:
    path = make(small.library, tmp_path / "m.safetensors", CARD)
    with pytest.raises(PlanError, match=r"anxl3: base7\.safetensors is not the file that the merge was made from"):
        verify_file(path, small.library, {"anxl3": "base7"}, hash_of=digest)
    report = verify_file(path, small.library, {"anxl3": "base7"})
    assert not report.passed


def test_missing_parents(tmp_path: Path, small: Family) -> None:
    path = make(small.library, tmp_path / "m.safetensors", CARD)
    with pytest.raises(PlanError, match="no checkpoint 'beta7'"):
        verify_file(path, None)


def test_files_without_a_recipe(small: Family, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"beta7\.safetensors holds no recipe that can be run again\."):
        verify_file(small.path("beta7"), small.library)
    other = save(tmp_path / "x.safetensors", {"w": torch.ones(1)}, {"sd_merge_recipe": '{"type": "webui"}'})
    with pytest.raises(PlanError, match="merged by stable-diffusion-webui"):
        verify_file(other, small.library)


def test_recipe_that_names_no_files(tmp_path: Path) -> None:
    """Written by hand, or by a version that did not hash."""
    library = write_models(tmp_path, {"a": {"w": torch.ones(2)}})
    recipe = {"type": "sd-webui-kohaku", "recipe": {"kohaku_recipe": 1, "formula": "a"}}
    path = save(tmp_path / "m.safetensors", {"w": torch.ones(2)}, {"sd_merge_recipe": json.dumps(recipe)})
    assert verify_file(path, library, hash_of=digest).passed


def test_cancellation(small: Family, tmp_path: Path) -> None:
    class Stop(SilentProgress):
        def cancelled(self) -> bool:
            return True

    path = make(small.library, tmp_path / "m.safetensors", CARD)
    with pytest.raises(CancelledError):
        verify_file(path, small.library, progress=Stop())


@pytest.mark.parametrize(
    ("differing", "worst", "problems", "passed"),
    [(0, 0, (), True), (2, 1, (), True), (3, 1, (), False), (1, 2, (), False), (0, 0, ("x",), False)],
)
def test_the_bar(differing: int, worst: int, problems: tuple[str, ...], passed: bool) -> None:
    """At most 0.02 % of the elements, by one unit."""
    report = VerifyReport(Recipe("a"), 1, 1, 10_000, differing, worst, (), problems)
    assert report.passed is passed
