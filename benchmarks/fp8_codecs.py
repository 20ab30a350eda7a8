"""fp8 conversion on this CPU against torch's own casts and a plain copy: ``python -m benchmarks.fp8_codecs``.

Ratios of one run can be compared; the absolute figures depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from lib_kohaku.fp8.codecs import FORMATS, Fp8Format, Scaling, decode, encode, quantise
from lib_kohaku.fp8.codecs.scales import choose_exponents


def best_rate(work: Callable[[], object], count: int, rounds: int) -> float:
    """Millions of weights per second in the fastest of ``rounds`` runs, after one that fills the caches."""
    work()
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - start)
    return count / fastest / 1e6


def row(label: str, ours: float, native: float | None = None) -> None:
    """One line: rate, and the ratio to torch's own cast."""
    against = "" if native is None else f"  torch {native:8.0f} M/s  ratio {ours / native:6.2f}"
    print(f"  {label:<34}{ours:8.0f} M/s{against}")


def decoding(fmt: Fp8Format, count: int, rounds: int) -> None:
    """Codes to each compute type: one scale, per-channel scales, torch's cast (which knows no scale)."""
    codes = torch.randint(0, 256, (count,), dtype=torch.int32).to(torch.uint8).view(-1, 1024) & 0xBF
    channel_scales = 2.0 ** -torch.randint(2, 12, (len(codes),)).float()
    native_dtype: torch.dtype = getattr(torch, fmt.torch_name)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        native = best_rate(lambda to=dtype: codes.view(native_dtype).to(to), count, rounds)
        ours = best_rate(lambda to=dtype: decode(codes, fmt, 2.0**-9, to), count, rounds)
        row(f"{fmt.name} -> {str(dtype).removeprefix('torch.')}, scaled", ours, native)
    ours = best_rate(lambda: decode(codes, fmt, channel_scales, torch.float16), count, rounds)
    row(f"{fmt.name} -> float16, per channel", ours)


def encoding(fmt: Fp8Format, count: int, rounds: int) -> None:
    """Weights of each type to codes; torch's cast neither scales nor clamps nor looks for NaN."""
    native_dtype: torch.dtype = getattr(torch, fmt.torch_name)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        weights = (torch.randn(count) * 0.02).to(dtype).view(-1, 1024)
        native = best_rate(lambda w=weights: w.to(native_dtype), count, rounds)
        name = str(dtype).removeprefix("torch.")
        row(
            f"{name} -> {fmt.name}, encode alone",
            best_rate(lambda w=weights: encode(w, fmt, -9), count, rounds),
            native,
        )
        whole = best_rate(lambda w=weights: quantise(w, fmt, Scaling.TENSOR, "w"), count, rounds)
        row(f"{name} -> {fmt.name}, find scale + encode", whole, native)
    weights = (torch.randn(count) * 0.02).half().view(-1, 1024)
    row(
        "find the scale, look for NaN", best_rate(lambda: choose_exponents(weights, fmt, Scaling.TENSOR, "w"), count, 3)
    )
    per_channel = best_rate(lambda: quantise(weights, fmt, Scaling.CHANNEL, "w"), count, rounds)
    row(f"float16 -> {fmt.name}, per channel", per_channel)


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=4, help="weights per run, in units of 1048576 (default 4)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    count = arguments.millions << 20
    source = torch.zeros(count, dtype=torch.float16)
    target = torch.empty_like(source)
    copy = best_rate(lambda: target.copy_(source), count, arguments.rounds)
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), {count / 1e6:.1f} M weights a run")
    row("fp16 copy", copy)
    for fmt in FORMATS:
        print(f"{fmt.name}:")
        decoding(fmt, count, arguments.rounds)
        encoding(fmt, count, arguments.rounds)


if __name__ == "__main__":
    main()
