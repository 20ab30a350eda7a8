"""One measured run in a process of its own: ``python -m benchmarks.merge_child KIND ...`` prints one JSON line.

Kinds: ``floor`` (the same reads and writes, no arithmetic), ``kohaku``, ``loop`` (a plain loop over ``safe_open``),
``mecha`` (sd-mecha). Peak anonymous memory is sampled every 10 ms from ``/proc/self/status``.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()


class MemorySampler(threading.Thread):
    """Keeps the largest anonymous resident set seen, in MB (10^6 bytes)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0

    def run(self) -> None:
        """Sample until the process ends."""
        while True:
            found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
            if found:
                self.peak = max(self.peak, int(found.group(1)) * 1024 / 1e6)
            time.sleep(0.01)


def run_kohaku(folder: Path, formula: str, output: Path, io: str, *, arithmetic: bool = True) -> dict[str, Any]:
    """Our pipeline; without arithmetic it is the floor."""
    from lib_kohaku.checkpoint.io.modes import IOMode
    from lib_kohaku.checkpoint.library import ModelLibrary
    from lib_kohaku.merge.execute import run
    from lib_kohaku.merge.plan.build import make_plan
    from lib_kohaku.merge.recipe import Recipe
    from lib_kohaku.merge.to_file import merge_to_file

    if not arithmetic:
        run.Computer = _NoArithmetic  # type: ignore[misc,assignment]
    plan = make_plan(Recipe(formula), ModelLibrary([folder]))
    report = merge_to_file(plan, output, overwrite=True, mode=IOMode(io))
    return {"read": report.bytes_read, "written": report.bytes_written, "pipeline": report.seconds}


class _NoArithmetic:
    """Takes the place of the computer: accepts the input and commits whatever the sink's memory holds."""

    def __init__(self, sink: Any, seed: int) -> None:
        self._sink = sink
        self.not_finite: dict[str, None] = {}

    def compute(self, part: Any, data: Any) -> None:
        left = part.tensor.spec.dtype.nbytes(part.count)
        while left:
            memory = self._sink.reserve(left)
            self._sink.commit(len(memory))
            left -= len(memory)


def run_loop(folder: Path, formula: str, output: Path) -> dict[str, Any]:
    """What one would write in ten lines: whole tensors, float32, save_file."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    roles = ("beta7", "anxl2", "anxl3", "base7")
    files = {role: safe_open(folder / f"{role}.safetensors", "pt") for role in roles}
    result = {}
    for key in files["beta7"].keys():  # noqa: SIM118
        beta7, anxl2, anxl3, base7 = (files[role].get_tensor(key) for role in roles)
        if beta7.dtype == torch.float16:
            wide = beta7.float() + 0.8 * (anxl3.float() - anxl2.float()) + 0.5 * (base7.float() - beta7.float())
            beta7 = wide.half()
        result[key] = beta7
    save_file(result, output)
    return {}


def run_mecha(folder: Path, formula: str, output: Path) -> dict[str, Any]:
    """The same formula with sd-mecha."""
    import sd_mecha
    import torch

    beta7, anxl2, anxl3, base7 = (
        sd_mecha.model(folder / f"{role}.safetensors") for role in ("beta7", "anxl2", "anxl3", "base7")
    )
    recipe = beta7 + (anxl3 - anxl2) * 0.8 + (base7 - beta7) * 0.5
    sd_mecha.merge(recipe, output=output, output_dtype=torch.float16, merge_device="cpu", output_device="cpu")
    return {}


def main() -> None:
    """Run what the command line says and print the figures."""
    kind, folder, formula, output, io = sys.argv[1:6]
    sampler = MemorySampler()
    sampler.start()
    runs = {
        "floor": lambda: run_kohaku(Path(folder), formula, Path(output), io, arithmetic=False),
        "kohaku": lambda: run_kohaku(Path(folder), formula, Path(output), io),
        "loop": lambda: run_loop(Path(folder), formula, Path(output)),
        "mecha": lambda: run_mecha(Path(folder), formula, Path(output)),
    }
    result = runs[kind]()
    times = time.process_time()
    result |= {"wall": time.perf_counter() - BEGAN, "cpu": times, "anon": sampler.peak}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
