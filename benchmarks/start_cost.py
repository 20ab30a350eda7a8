"""What this extension adds to the start of a real webui, and to an image that does not use it.

Usage: ``KOHAKU_WEBUI_DIR=... [KOHAKU_WEBUI_PYTHON=...] python -m benchmarks.start_cost [--rounds N]``. Starts the webui
with and without the extension, turn and turn about, without a model, in data folders of its own; prints medians of the
CPU time of the whole process until "Startup time", the difference, and what the webui itself books on our files (wall
time, so of use on an idle machine only).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.webui.server import Install, Webui, find_install

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "sd-webui-kohaku"
WARM_UP = 1


def cpu_seconds(process: int) -> float:
    """CPU time of a process and of its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def start(install: Install, folder: Path, *, with_us: bool) -> tuple[float, dict[str, float], dict[str, float]]:
    """CPU seconds of one start, the webui's own records of our files, and what the probe found."""
    data = folder / ("with" if with_us else "without")
    shutil.rmtree(data, ignore_errors=True)
    (data / "models" / "Stable-diffusion").mkdir(parents=True)
    (data / "extensions").mkdir()
    if with_us:
        (data / "extensions" / NAME).symlink_to(REPOSITORY)
    probe = data / "extensions" / "zz-probe" / "scripts"  # in both, for it costs something itself
    probe.mkdir(parents=True)
    shutil.copy(REPOSITORY / "benchmarks" / "start_probe.py", probe)
    os.environ["KOHAKU_PROBE"] = str(data / "probe.json")
    webui = Webui(install, data, data / "log.txt", "--skip-load-model-at-start")
    try:
        webui.wait_started()
        used = cpu_seconds(webui.process_id)
        records = webui.call("GET", "/internal/profile-startup")[1]["records"]
    finally:
        webui.stop()
    ours = {name: seconds for name, seconds in records.items() if re.search(r"kohaku(\.py)?$", name)}
    probed = json.loads((data / "probe.json").read_text())
    return used - probed["seconds"], ours, probed


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    install = find_install()
    if install is None:
        sys.exit("set KOHAKU_WEBUI_DIR to a stable-diffusion-webui v1.10.1")
    used: dict[bool, list[float]] = {True: [], False: []}
    books: dict[str, list[float]] = {}
    hooks = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(WARM_UP + rounds):
            for with_us in (number % 2 == 0, number % 2 == 1):
                seconds, records, probed = start(install, Path(folder), with_us=with_us)
                if number < WARM_UP:
                    continue
                used[with_us].append(seconds)
                for name, value in records.items():
                    books.setdefault(name, []).append(value)
                if with_us:
                    hooks.append(probed["microseconds"])
                print(f"{'with' if with_us else 'without':8} {seconds:.2f} s of CPU", flush=True)
    medians = {with_us: statistics.median(values) for with_us, values in used.items()}
    print(f"medians: without {medians[False]:.2f} s, with {medians[True]:.2f} s of CPU")
    added = [one - other for one, other in zip(used[True], used[False], strict=True)]
    print(f"adds {statistics.median(added):.2f} s (rounds: {' '.join(f'{seconds:.2f}' for seconds in sorted(added))})")
    for name, values in sorted(books.items()):
        print(f"  {statistics.median(values):.3f} s  {name}")
    print(f"hooks of an image that does not use it: {statistics.median(hooks):.1f} microseconds")


if __name__ == "__main__":
    main()
