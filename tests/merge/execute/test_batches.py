"""How the work is cut does not show in the result."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.writer import CheckpointWriter
from lib_kohaku.merge.embed import output_metadata
from lib_kohaku.merge.execute import batches, compute, run
from lib_kohaku.merge.execute.batches import Read, batch_limit, make_batches
from lib_kohaku.merge.execute.run import execute_plan
from lib_kohaku.merge.execute.sinks import DictSink
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.progress import SilentProgress
from tests.support.files import digest, load, same_bits
from tests.support.merging import plan, write_models
from tests.support.samples import Family

MBW = "weighted_sum(beta7 + 0.8*(anxl3 - anxl2), base7, mbw('GRAD_A'))"


@pytest.fixture(scope="module")
def card(small: Family) -> MergePlan:
    return plan(MBW, small.library, dtypes={"unet": "fp8_e4m3fn", "te1": "fp32"})


@pytest.fixture(scope="module")
def usual(card: MergePlan, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("usual") / "m.safetensors"
    merge_to_file(card, path)
    return digest(path)


@pytest.mark.parametrize(
    ("limit", "gap", "parts", "block"),
    [(4096, 0, 1, 7), (10_000, 0, 512, 1), (50_000, 1 << 20, 3, 4096), (1 << 30, 64, 1 << 20, 1 << 17)],
)
def test_sizes_do_not_show(
    card: MergePlan, usual: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    limit: int, gap: int, parts: int, block: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(run, "batch_limit", lambda models: limit)
    monkeypatch.setattr(batches, "MAX_GAP", gap)
    monkeypatch.setattr(batches, "_MAX_PARTS", parts)
    monkeypatch.setattr(run, "Computer", lambda sink, seed, **more: compute.Computer(sink, seed, block, **more))
    merge_to_file(card, tmp_path / "m.safetensors")
    assert digest(tmp_path / "m.safetensors") == usual


def test_buffered_and_direct(card: MergePlan, usual: str, tmp_path: Path) -> None:
    for mode in IOMode:
        path = tmp_path / mode.value / "m.safetensors"
        path.parent.mkdir()
        try:
            merge_to_file(card, path, mode=mode)
        except Exception:
            if mode is IOMode.DIRECT:
                pytest.skip("this file system has no direct I/O")
            raise
        assert digest(path) == usual


def test_dict_and_file_sinks_agree(card: MergePlan, tmp_path: Path) -> None:
    sink = DictSink([tensor.spec for tensor in card.tensors])
    execute_plan(card, sink, SilentProgress())
    merge_to_file(card, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors")
    assert sink.tensors.keys() == read.keys()
    assert all(same_bits(sink.tensors[name], read[name]) for name in read)


def test_large_tensors_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor of many times the limit, with odd sizes around it."""
    monkeypatch.setattr(run, "batch_limit", lambda models: 20_000)
    generator = torch.Generator().manual_seed(0)
    models = {
        role: {
            "first": torch.randn(3, generator=generator).half(),
            "large": torch.randn(333, 777, generator=generator).to(dtype),
            "last": torch.randn(5, generator=generator).half(),
        }
        for role, dtype in (("a", torch.float16), ("b", torch.float32))
    }
    made = plan("0.5*a + 0.5*b", write_models(tmp_path, models))
    cut = list(make_batches(made.tensors, 20_000))
    assert sum(part.tensor.spec.name == "large" for batch in cut for part in batch.parts) > 40
    merge_to_file(made, tmp_path / "m.safetensors")
    result = load(tmp_path / "m.safetensors")
    for name, values in result.items():
        wide = (models["a"][name].double() + models["b"][name].double()) / 2
        assert torch.equal(values.double(), torch.from_numpy(wide.numpy().astype("float16")).double()), name


def test_every_element_is_in_one_part(card: MergePlan) -> None:
    for limit in (5_000, 1 << 20):
        done: dict[str, int] = {}
        for batch in make_batches(card.tensors, limit):
            for part in batch.parts:
                assert part.start == done.get(part.tensor.spec.name, 0)
                done[part.tensor.spec.name] = part.start + part.count
                for role in part.tensor.inputs:
                    first, end = part.byte_range(role)
                    if first != end:
                        reads = batch.reads[role]
                        assert any(read.offset <= first and end <= read.offset + read.length for read in reads)
        assert done == {tensor.spec.name: tensor.spec.count for tensor in card.tensors}


def test_reads_do_not_share_buffer_space(card: MergePlan) -> None:
    for batch in make_batches(card.tensors, 30_000):
        for role, reads in batch.reads.items():
            position = 0
            for read in reads:
                assert isinstance(read, Read)
                assert read.position >= position
                assert read.position % 4096 == 0
                position = read.position + read.length + 4096
            assert batch.buffer_bytes[role] >= position


@pytest.mark.parametrize("models", [1, 2, 4, 8, 30])
def test_memory_budget_does_not_grow_with_models(models: int) -> None:
    assert models * batches.READ_AHEAD * batch_limit(models) <= batches.READ_BUDGET
    assert batch_limit(models) >= 1 << 20


def test_progress_adds_up(card: MergePlan) -> None:
    told = SimpleNamespace(total=0, done=0, labels=[])

    class Progress(SilentProgress):
        def start(self, label: str, total: int, unit: str) -> None:
            told.labels.append((label, unit))
            told.total += total

        def advance(self, amount: int) -> None:
            told.done += amount

    sink = DictSink([tensor.spec for tensor in card.tensors])
    execute_plan(card, sink, Progress())
    assert told.labels == [("Merging", "bytes")]
    assert told.done == told.total == card.bytes_read + card.bytes_written


def test_the_number_of_threads_is_left_alone(card: MergePlan) -> None:
    before = torch.get_num_threads()
    execute_plan(card, DictSink([tensor.spec for tensor in card.tensors]), SilentProgress())
    assert torch.get_num_threads() == before


# -- the same bytes on every machine and version -----------------------------------------------------------------

# Computed once, with torch 2.13 and with torch 2.1.2; every formula is checked for exactness elsewhere.
GOLDEN = {
    "beta7+0.8*(anxl3-anxl2)+0.5*(base7-beta7)": "351ca51fdcdd5eb3bd7a863be033b046500a527ceb2f72342f4906a28e2a6c0d",
    "0.12345678*beta7 + 0.87654322*anxl3": "b2a73cb780a837139ee53c8304177f9149de0fb8b82bdb4f1afa9cba308edad8",
    "weighted_sum(beta7, anxl3, mbw('gamma'))": "42d7b8bc20dad9095f95856b8ff23619186a58c4995674e72d487c8d02025a00",
}


def integers(seed: int, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Values that owe nothing to a random generator: multiples of 2^-19."""
    count = torch.Size(shape).numel()
    numbers = (torch.arange(count, dtype=torch.int64) * 7919 + seed * 104_729) * 48_271 % 65_521 - 32_760
    return (numbers.double() / (1 << 19)).to(dtype).reshape(shape)


@pytest.mark.parametrize("formula", GOLDEN)
def test_the_same_bytes_everywhere(tmp_path: Path, formula: str) -> None:
    unet = "model.diffusion_model."
    shapes = {
        f"{unet}label_emb.0.0.weight": (33, 65),
        f"{unet}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight": (129, 77),
        f"{unet}input_blocks.7.1.norm.weight": (129,),
        "conditioner.embedders.0.w": (50, 50),
        "first_stage_model.w": (10, 10),
    }
    kinds = {"beta7": torch.float16, "anxl2": torch.bfloat16, "anxl3": torch.float32, "base7": torch.float16}
    models = {
        role: {name: integers(seed * 10 + i, dtype, shape) for i, (name, shape) in enumerate(shapes.items())}
        for seed, (role, dtype) in enumerate(kinds.items())
    }
    library = write_models(tmp_path, models)
    summary = hashlib.sha256()
    for dtypes in ({}, {"default": "fp32"}, {"default": "bf16"}, {"unet": "fp8_e4m3fn"}, {"unet": "fp8_e5m2"}):
        made = plan(formula, library, dtypes=dtypes)
        sink = DictSink([tensor.spec for tensor in made.tensors])
        execute_plan(made, sink, SilentProgress())
        for name in sorted(sink.tensors):
            summary.update(sink.tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes())
    assert summary.hexdigest() == GOLDEN[formula]


def test_the_same_recipe_twice(card: MergePlan, tmp_path: Path) -> None:
    """Also the metadata: nothing in it depends on the time, the folder, or the order of dictionaries."""
    digests = set()
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        merge_to_file(card, folder / "m.safetensors")
        digests.add(digest(folder / "m.safetensors"))
    assert len(digests) == 1


def test_metadata_and_specs_decide_the_header(card: MergePlan, tmp_path: Path) -> None:
    specs = [tensor.spec for tensor in card.tensors]
    assert sum(spec.nbytes for spec in specs) == card.bytes_written
    with CheckpointWriter(tmp_path / "x.safetensors", specs, output_metadata(card, "x")) as writer:
        assert writer.swept == []
