"""The live plan: how long the page waits for it after a key was pressed.

Usage: ``python -m benchmarks.live_plan [--others N]``. Makes five SDXL checkpoints of full size whose headers are true
and whose data are holes, so that they take next to no room, and N further files beside them. Prints medians, once the
headers are cached: the plan itself, the page's whole answer (form to HTML), and that of the HTTP API over a socket.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import uvicorn

from devtools.key_tables import key_table
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.checkpoint.writer import encode_header, storage_order
from lib_kohaku.host.standalone import StandaloneHost
from lib_kohaku.merge.recipe import ModelReference, Recipe
from lib_kohaku.ui.merge.form import MergeForm
from lib_kohaku.ui.merge.run_handlers import RunHandlers
from lib_kohaku.ui.standalone import LOCAL, build_app, open_socket

MODELS = ("beta7", "anxl2", "anxl3", "base7", "base8")
FORMULA = """\
rev2 = beta7 + 1.0*(anxl3 - anxl2) + 0.25*(base8 - beta7) + 0.1*(base7 - beta7)
weighted_sum(rev2, anxl3, mbw(0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05))"""
ROUNDS = 30


def make_files(folder: Path, others: int) -> None:
    """Checkpoints that are holes behind their headers, and files that are only listed."""
    specs = storage_order(key_table("sdxl"))
    header = encode_header(specs, {"format": "pt"})
    size = len(header) + sum(spec.nbytes for spec in specs)
    for name in MODELS:
        with (folder / f"{name}.safetensors").open("wb") as file:
            file.write(header)
            file.truncate(size)
    for number in range(others):
        (folder / f"some-other-model-{number:03}-v{number % 7}.safetensors").touch()


def median_ms(action: Callable[[], object]) -> float:
    """Milliseconds, after one call to fill the caches."""
    action()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", type=int, default=200, help="further checkpoints in the folder")
    others = parser.parse_args().others
    with tempfile.TemporaryDirectory() as place:
        models = Path(place) / "models"
        models.mkdir()
        make_files(models, others)
        workbench = MergeWorkbench(StandaloneHost([models], Path(place) / "data", Path(place) / "hashes.json"))
        for number in range(100):  # a history to learn the speed from, and to remember files of roles from
            references = {name: ModelReference(f"{name}.safetensors", f"{number:064x}") for name in MODELS}
            workbench.history.add(Recipe(FORMULA, models=references), "", 60)
        form = astuple(MergeForm(formula=FORMULA))
        answer = RunHandlers(workbench).plan(*form)[0]
        assert "kohaku-coefficients" in answer, answer
        print(f"{len(MODELS)} full-size SDXL checkpoints, {others} others in the folder; medians of {ROUNDS}, ms")
        print(f"  plan             {median_ms(lambda: workbench.plan(Recipe(FORMULA))):6.1f}")
        print(f"  page's answer    {median_ms(lambda: RunHandlers(workbench).plan(*form)):6.1f}")
        print(f"  HTTP API         {median_ms(asking(workbench)):6.1f}")


def asking(workbench: MergeWorkbench) -> Callable[[], object]:
    """Asks a server of our own for the plan."""
    listening = open_socket(LOCAL, 0)
    server = uvicorn.Server(uvicorn.Config(build_app(workbench), log_level="warning"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    address = f"http://{LOCAL}:{listening.getsockname()[1]}/kohaku/v1/plan"
    body = json.dumps({"formula": FORMULA}).encode()

    def ask() -> object:
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    return ask


if __name__ == "__main__":
    main()
