"""The precision page's handlers with a switch that only pretends."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.fp8.choice import OFF, Fp8Choice
from lib_kohaku.fp8.quality import WeightQuality, summarise
from lib_kohaku.host.fp8_control import Fp8State
from lib_kohaku.ui.precision.handlers import PrecisionHandlers
from lib_kohaku.ui.precision.quality_html import quality_html


class Control:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.held = OFF

    def state(self) -> Fp8State:
        return Fp8State("<b>model</b>", self.held.text, self.held.text, 0, "", False)

    def predicted(self, choice: Fp8Choice) -> None:
        return None

    memory = take_over = None

    def choose(self, choice: Fp8Choice, progress: Any, *, task: str = "") -> Fp8State:
        assert task.startswith("task(")
        self.held = choice
        return self.state()

    def pair(self, request: Any, choices: Any, progress: Any, *, task: str = "") -> Any:
        shape = (request.height, request.width, 3)
        return np.zeros(shape, np.uint8), np.full(shape, 10, np.uint8)


@pytest.fixture
def handlers(workbench: Any, monkeypatch: pytest.MonkeyPatch) -> PrecisionHandlers:
    control = Control()
    monkeypatch.setattr(type(workbench.host), "fp8", control, raising=False)
    made = PrecisionHandlers(PrecisionWorkbench(workbench))
    made.control = control  # type: ignore[attr-defined]
    return made


def finish(handlers: PrecisionHandlers) -> str:
    for _ in range(500):
        shown = str(handlers.job())
        if 'data-kohaku-state="running"' not in shown and 'data-kohaku-state="queued"' not in shown:
            return shown
        time.sleep(0.01)
    raise AssertionError(shown)


def test_the_switch_is_moved_as_a_task(handlers):
    note, _ = handlers.switch("UNet e5m2 scaled")
    assert note == ""
    assert "UNet e5m2 scaled" in finish(handlers)
    assert handlers.control.held.text == "UNet e5m2 scaled"


def test_names_from_outside_are_escaped(handlers, monkeypatch):
    monkeypatch.setattr(Control, "memory", lambda self: None)
    assert "&lt;b&gt;model" in handlers.state()[0]


def test_both_images_are_shown_with_their_figures(handlers):
    note, _ = handlers.pair("1girl", "", 1, 4, 64, 64.0, "Off", "UNet")
    assert note == ""
    shown = finish(handlers)
    assert "PSNR 28.1 dB" in shown  # 10 log10(255^2 / 100)
    assert shown.count("data:image/png;base64,") == 3


@pytest.mark.parametrize(
    "values",
    [
        ("x", "", None, 4, 64, 64, "Off", "Off"),
        ("x", "", 1, 0, 64, 64, "Off", "Off"),
        ("x", "", 1, 4, 65, 64, "Off", "Off"),
        ("x", "", 1, 4, 64, 4096, "Off", "Off"),
        ("x", "", 1, 4, 64, 64, "Off", "nonsense"),
        ("x", "", 1e300, 4, 64, 64, "Off", "Off"),
        ("x", "", float("nan"), 4, 64, 64, "Off", "Off"),
    ],
)
def test_wrong_wishes_are_refused(handlers, values):
    note, _ = handlers.pair(*values)
    assert "kohaku-error" in note
    assert "Unexpected" not in note


def test_the_plot_orders_blocks_by_number_and_names_the_worst():
    names = [f"model.diffusion_model.input_blocks.{index}.1.weight" for index in (10, 2, 1)]
    qualities = [WeightQuality(name, "tensor", 10, 30.0, 20.0 + index, 3, 0.0, 0.1) for index, name in enumerate(names)]
    shown = quality_html(qualities, summarise(qualities))
    plot, table = shown.split("<table")
    order = [plot.index(f"{name}: 30.0 dB") for name in sorted(names, key=lambda name: int(name.split(".")[3]))]
    assert order == sorted(order)
    assert table.index(names[0]) < table.index(names[1]) < table.index(names[2])
