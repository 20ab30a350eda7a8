"""Merging at full SDXL size: time against the input/output floor of the same run, memory, exactness.

Usage: ``make bench`` or ``python -m benchmarks.merge_full [--dir DIR] [--rounds N] [--peers]``. Makes four float16
files of 6.94 GB each with a seed (and keeps them): it needs about 45 GB of disk. Run as root it empties the page cache
before every run; the files are larger than most memories anyway.

Every run is a process of its own (``merge_child``). The *floor* is our own pipeline with the arithmetic taken out: the
same reads, the same writes. Runs are interleaved, because disks drift: compare within a round.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.exactness import exactness
from devtools.key_tables import key_table
from devtools.sample_checkpoints import SampleWeights, write_sample
from lib_kohaku.checkpoint.hashes import sha256_of

FAMILY = {
    "beta7": SampleWeights(1),
    "anxl2": SampleWeights(2, parent_seed=1, noise=0.05),
    "anxl3": SampleWeights(3, parent_seed=1, noise=0.06),
    "base7": SampleWeights(4, parent_seed=1, noise=0.03),
}
SUM = "weighted_sum(beta7, anxl3, 0.5)"
GAMMA = "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)"
MBW = "weighted_sum(beta7, anxl3, mbw('gamma'))"
FULL_MBW = f"rev1 = {GAMMA}; weighted_sum(rev1, anxl3, mbw('gamma'))"
# Eight inputs are four files under two names each: the engine neither knows nor cares.
EIGHT = "average([beta7, anxl2, anxl3, base7, beta7_b, anxl2_b, anxl3_b, base7_b])"


def make_files(folder: Path) -> None:
    """Write the inputs that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = key_table("sdxl")
    for name, weights in FAMILY.items():
        path = folder / f"{name}.safetensors"
        if not path.exists():
            print(f"making {path.name}", flush=True)
            write_sample(path, specs, weights)
        with contextlib.suppress(FileExistsError):
            (folder / f"{name}_b.safetensors").symlink_to(path.name)


def drop_caches() -> None:
    """Empty the page cache where that is allowed."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")


def run(kind: str, folder: Path, formula: str, output: Path, io: str = "auto") -> dict[str, Any]:
    """One measured run."""
    drop_caches()
    words = [sys.executable, "-m", "benchmarks.merge_child", kind, str(folder), formula, str(output), io]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{kind} failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(label: str, formula: str, folder: Path, rounds: int, io: str = "auto") -> None:
    """Interleaved rounds of floor and merge, and their row of the table."""
    output = folder / "out" / "merged.safetensors"
    output.parent.mkdir(exist_ok=True)
    floors, merges = [], []
    for _ in range(rounds):
        floors.append(run("floor", folder, formula, output, io))
        merges.append(run("kohaku", folder, formula, output, io))
    ratios = [merge["wall"] / floor["wall"] for floor, merge in zip(floors, merges, strict=True)]
    walls = [merge["wall"] for merge in merges]
    moved = (merges[0]["read"] + merges[0]["written"]) / 1e9
    print(
        f"{label:<34}{statistics.median(floor['wall'] for floor in floors):>8.1f}{statistics.median(walls):>9.1f}"
        f" ({min(walls):.1f}-{max(walls):.1f}){statistics.median(ratios):>9.2f}"
        f"{moved / statistics.median(walls):>8.2f}{statistics.median(merge['cpu'] for merge in merges):>8.1f}"
        f"{max(merge['anon'] for merge in merges):>9.0f}",
        flush=True,
    )


def measure_peer(kind: str, label: str, folder: Path) -> None:
    """One run of something else with the same work."""
    result = run(kind, folder, GAMMA, folder / "out" / "peer.safetensors")
    print(f"{label:<34}{'':>8}{result['wall']:>9.1f}{'':>30}{result['cpu']:>8.1f}{result['anon']:>9.0f}", flush=True)
    (folder / "out" / "peer.safetensors").unlink(missing_ok=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(os.environ.get("BENCH_DIR", "bench-models")))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="also a plain loop over safe_open, and sd-mecha")
    arguments = parser.parse_args()
    folder: Path = arguments.dir
    make_files(folder)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; wall seconds of whole processes, memory in MB")
    print(f"{'':<34}{'floor':>8}{'merge (range)':>21}{'ratio':>8}{'GB/s':>8}{'cpu s':>8}{'anon MB':>9}")
    rounds = arguments.rounds
    measure("2 inputs, weighted sum", SUM, folder, rounds)
    measure("2 inputs, block weights", MBW, folder, rounds)
    measure("4 inputs, gamma rev1", GAMMA, folder, rounds)
    measure("4 inputs, gamma rev1 + blocks", FULL_MBW, folder, rounds)
    measure("4 inputs, gamma rev1, buffered", GAMMA, folder, 1, "buffered")
    measure("8 inputs, average", EIGHT, folder, 1)
    output = folder / "out" / "merged.safetensors"
    run("kohaku", folder, GAMMA, output)
    first = sha256_of(output)
    print(exactness(folder, output))
    run("kohaku", folder, GAMMA, output)
    print(f"the same recipe twice gives the same bytes: {sha256_of(output) == first}")
    if arguments.peers:
        measure_peer("loop", "4 inputs, plain safe_open loop", folder)
        if importlib.util.find_spec("sd_mecha"):
            measure_peer("mecha", "4 inputs, sd-mecha", folder)


if __name__ == "__main__":
    main()
