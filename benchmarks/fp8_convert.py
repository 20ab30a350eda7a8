"""Converting a full-size checkpoint against the disk alone: ``python -m benchmarks.fp8_convert FILE FOLDER``.

The floor of the same run reads and writes as many bytes through the same reader and writer and computes nothing.
Seconds of processor time are printed beside: the floor needs next to none, so on a machine that is busy with other work
ratios say little and they say more. Memory is the peak of anonymous pages over what the process had before (Linux
only).
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.checkpoint.writer import CheckpointWriter, TensorSpec
from lib_kohaku.fp8.files.convert import ConversionReport, convert_file
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.fp8.policy import Policy

_CHUNK = 8 << 20


def floor(source: Path, output: Path, nbytes: int) -> float:
    """Seconds to read ``source`` and write ``nbytes``, overlapped."""
    began = time.monotonic()
    local = threading.local()
    with Checkpoint(source) as checkpoint, ThreadPoolExecutor(4) as pool:
        size = checkpoint.header.file_size

        def read(offset: int) -> int:
            if not hasattr(local, "buffer"):
                local.buffer = aligned_buffer(checkpoint.reader.buffer_bytes(_CHUNK))
            return len(checkpoint.reader.read(offset, min(_CHUNK, size - offset), local.buffer))

        with CheckpointWriter(output, [TensorSpec("x", DTYPES["U8"], (nbytes,))], {}, overwrite=True) as writer:
            written = done = 0
            for length in pool.map(read, range(0, size, _CHUNK)):
                done += length
                while written < nbytes * done // size:
                    memory = writer.reserve(nbytes * done // size - written)
                    writer.commit(len(memory))
                    written += len(memory)
            writer.finish()
    output.unlink()
    return time.monotonic() - began


@contextmanager
def anonymous_peak() -> Iterator[list[int]]:
    """Watch this process's anonymous memory; the list gets the bytes before and at the peak."""
    figures = [_anonymous(), 0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            figures[1] = max(figures[1], _anonymous())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield figures
    stop.set()
    thread.join()


def _anonymous() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def convert(source: Path, output: Path, *, with_quality: bool) -> ConversionReport:
    """Convert with the default policy, and remove the result."""
    report = convert_file(source, output, Profile.WEBUI, Policy(), with_quality=with_quality, overwrite=True)
    output.unlink()
    return report


def main() -> None:
    """Alternate floor and conversions, print seconds, ratios and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a checkpoint of full size")
    parser.add_argument("folder", type=Path, help="where to write, on the disk to measure")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    output = arguments.folder / "benchmark-fp8.safetensors"
    nbytes = convert(arguments.file, output, with_quality=False).bytes_written
    for number in range(arguments.rounds):
        began = time.process_time()
        seconds = floor(arguments.file, output, nbytes)
        print(f"round {number + 1}: floor {seconds:.1f} s, {time.process_time() - began:.1f} s of processor time")
        for with_quality in (False, True):
            began = time.process_time()
            with anonymous_peak() as memory:
                report = convert(arguments.file, output, with_quality=with_quality)
            busy = time.process_time() - began
            label = "converted and measured" if with_quality else "converted"
            print(
                f"  {label:<24}{report.seconds:6.1f} s   ratio {report.seconds / seconds:.2f}   processor {busy:.1f} s"
                f"   memory +{(memory[1] - memory[0]) / 1e6:.0f} MB"
            )


if __name__ == "__main__":
    main()
