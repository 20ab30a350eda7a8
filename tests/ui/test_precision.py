"""The precision page's handlers with a switch that only pretends."""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

from lib_kohaku.app.jobs import Job
from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.fp8.choice import OFF, Fp8Choice, parse_choice
from lib_kohaku.fp8.files.plan import METADATA_SOURCE
from lib_kohaku.fp8.policy import ComponentBytes, MemoryTable
from lib_kohaku.fp8.quality import WeightQuality, summarise
from lib_kohaku.host.fp8_control import Fp8State
from lib_kohaku.ui.assets import asset_root
from lib_kohaku.ui.merge.run_handlers import RunHandlers
from lib_kohaku.ui.precision import choices, texts
from lib_kohaku.ui.precision.handlers import PrecisionHandlers
from lib_kohaku.ui.precision.layers import layer_of
from lib_kohaku.ui.precision.quality_html import quality_html
from lib_kohaku.ui.tab import build_tab

TABLE = MemoryTable(
    (
        ComponentBytes("vae", 200, 200, 0, 2, (("F16", 200),), (("F16", 200),)),
        ComponentBytes("unet", 4000, 2100, 9, 10, (("F8_E4M3", 1900), ("F16", 200)), (("F16", 4000),)),
    )
)
OFF_FIELDS = ("Off: as in the file", "e4m3fn: more exact", "scaled: small weights survive")
FIELDS = ("UNet: saves most", "e5m2: wider range, less exact", "scaled: small weights survive")


class Control:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.held = OFF

    def state(self) -> Fp8State:
        return Fp8State("<b>model</b>", self.held.text, self.held.text, 0, "", False)

    def predicted(self, choice: Fp8Choice) -> MemoryTable:
        return TABLE if choice.on else self.memory()

    def memory(self) -> MemoryTable:
        rows = (replace(row, after=row.before, by_dtype=row.before_by_dtype) for row in TABLE.rows)
        return MemoryTable(tuple(rows))

    take_over = None

    def setting_field(self) -> None:
        return None

    def choose(self, choice: Fp8Choice, progress: Any, *, task: str = "") -> Fp8State:
        assert task.startswith("task(")
        self.held = choice
        return self.state()

    def pair(self, request: Any, choices: Any, progress: Any, *, task: str = "") -> Any:
        self.request = request
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
    note, _ = handlers.switch(*FIELDS)
    assert note == ""
    assert "UNet e5m2 scaled" in finish(handlers)
    assert handlers.control.held.text == "UNet e5m2 scaled"
    shown = handlers.live.state("Off", *OFF_FIELDS)
    assert shown[3] == "UNet e5m2 scaled"
    assert [update["value"] for update in shown[4:]] == list(FIELDS)


def test_what_the_user_is_about_to_choose_is_not_taken_back(handlers):
    """The page looks at the switch whenever it is seen; only a setting that somebody changed moves the fields."""
    pending = ("UNet and text encoders: saves a little more", *FIELDS[1:])
    shown = handlers.live.state("Off", *pending)
    assert shown[3] == "Off"
    assert not any("value" in update for update in shown[4:])
    assert "fp8 e4m3fn" in shown[1]  # the table is that of what is about to be chosen
    handlers.control.held = parse_choice("UNet")
    shown = handlers.live.state("Off", *pending)
    assert shown[4]["value"] == FIELDS[0]
    handlers.control.held = OFF
    shown = handlers.live.state("UNet e4m3fn scaled", *FIELDS)
    assert shown[4]["value"] == OFF_FIELDS[0]
    assert not any("value" in update for update in shown[5:])


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("wrong", [None, "", "UNet", 3, ["UNet: saves most"], "<b>"])
def test_fields_hold_nothing_but_their_labels(handlers, place, wrong):
    fields = [*FIELDS]
    fields[place] = wrong
    note, _ = handlers.switch(*fields)
    assert "not among the choices" in note
    assert "<b>" not in note
    assert handlers.control.held == OFF


def test_names_from_outside_are_escaped(handlers):
    assert "&lt;b&gt;model" in handlers.live.state("Off", *OFF_FIELDS)[0]


def test_bytes_are_a_table_before_now_and_predicted(handlers):
    shown = re.sub(r"<[^>]+>", "|", handlers.live.memory(*FIELDS))
    cells = [cell for cell in shown.split("|") if cell.strip()]
    first = cells.index("Without fp8")
    assert cells[first : first + 3] == ["Without fp8", "Now", "With this choice"]
    unet, vae, total = (cells.index(name) for name in ("UNet", "VAE", "All"))
    assert cells[unet + 1 : vae] == [*["4 kB", "fp16 4 kB"] * 2, "2.1 kB", "fp8 e4m3fn 1.9 kB", "fp16 200 B"]
    assert cells[total + 1 :][:4] == ["4.2 kB", "4.2 kB", "2.3 kB", "\u221245 %"]  # 1 - 2300 / 4200
    widths = re.findall(r"kohaku-memory-(fp8|half)\" style=\"width:([\d.]+)%", handlers.live.memory(*FIELDS))
    assert ("fp8", "47.50") in widths and ("half", "100.00") in widths  # 1900 and 4000 of 4000


def test_both_images_are_shown_with_their_figures(handlers):
    note, _ = handlers.pair("1girl", "", 1, 4, 64, 64.0, "Off", "UNet")
    assert note == ""
    shown = finish(handlers)
    text = re.sub(r"<[^>]+>", " ", shown)
    assert re.search(r"PSNR +28\.1 dB", text)  # 10 log10(255^2 / 100)
    assert re.search(r"Largest difference +10 / 255", text)
    assert shown.count("data:image/png;base64,") == 3
    assert 'type="range"' in shown


def test_equal_images_are_said_to_be_equal(handlers, monkeypatch):
    picture = np.full((64, 64, 3), 7, np.uint8)
    monkeypatch.setattr(Control, "pair", lambda *_, **__: (picture, picture.copy()))
    handlers.pair("x", "", 1, 4, 64, 64, "Off", "UNet")
    shown = finish(handlers)
    assert texts.EXACT in shown
    assert "inf" not in re.sub(r'"data:[^"]+"', "", shown)


def test_any_seed_is_one_seed_for_both_images(handlers):
    seeds = set()
    for _ in range(3):
        handlers.pair("x", "", -1, 4, 64, 64, "Off", "UNet")
        shown = re.sub(r"<[^>]+>", " ", finish(handlers))
        seeds.add(handlers.control.request.seed)
        assert re.search(rf"Seed +{handlers.control.request.seed}\b", shown)
    assert all(0 <= seed < 2**32 for seed in seeds) and len(seeds) > 1


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
        ("x", "", 2**32, 4, 64, 64, "Off", "Off"),
        ("x" * 20_001, "", 1, 4, 64, 64, "Off", "Off"),
    ],
)
def test_wrong_wishes_are_refused(handlers, values):
    note, _ = handlers.pair(*values)
    assert "kohaku-error" in note
    assert "Unexpected" not in note


def quality(name, db, worst, flushed=0.0):
    return WeightQuality(name, "tensor", 10, db, worst, 3, flushed, 0.1)


def test_the_plot_orders_blocks_by_number_and_names_the_worst():
    names = [f"model.diffusion_model.input_blocks.{index}.1.weight" for index in (10, 2, 1)]
    qualities = [quality(name, 30.0, 20.0 + index) for index, name in enumerate(names)]
    shown = quality_html(qualities, summarise(qualities))
    plot, table = shown.split("<table")
    order = [plot.index(f"{block} 1: 30.0 dB") for block in ("IN01", "IN02", "IN10")]
    assert order == sorted(order)
    left = [float(re.search(rf'cx="([\d.]+)"[^>]*><title>{block} ', plot)[1]) for block in ("IN01", "IN02", "IN10")]
    assert left == sorted(left)
    assert table.index(names[0]) < table.index(names[1]) < table.index(names[2])


def test_the_plot_draws_worst_channels_and_flushed_shares():
    qualities = [
        quality("model.diffusion_model.middle_block.1.weight", 24.0, 12.0, 0.5),
        quality("conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc.weight", math.inf, math.inf),
    ]
    plot = quality_html(qualities, summarise(qualities))
    heights = re.search(r'd="([^"]*)" class="kohaku-plot-channel"', plot)[1]
    # 200 units for 48 dB, from the top: 24 dB is half way, 12 dB three quarters, no error at all on top.
    assert re.findall(r" ([\d.]+)V([\d.]+)", heights) == [("100.0", "150.0"), ("0.0", "0.0")]
    flushed = re.search(r'd="([^"]*)" class="kohaku-plot-flushed"', plot)[1]
    assert flushed.count("M") == 1  # the other one lost nothing
    assert "exact" in plot and "50.00 %" in plot


def test_numbers_of_the_worst_do_not_lie_on_each_other():
    name = "model.diffusion_model.middle_block.1.transformer_blocks.{}.weight"
    qualities = [quality(name.format(index), 30.0, 20.0) for index in range(60)]
    plot = quality_html(qualities, summarise(qualities))
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="kohaku-plot-text kohaku-plot-number">(\d)<', plot)
    places = [(float(x), float(y)) for x, y, _ in found]
    assert [number for _, _, number in found] == [str(number) for number in range(1, 9)]
    pairs = [(a, b) for index, a in enumerate(places) for b in places[:index]]
    assert all(abs(a[0] - b[0]) >= 9 or abs(a[1] - b[1]) >= 9 for a, b in pairs)


def test_the_verdict_says_how_many_weights_lost_a_channel():
    name = "model.diffusion_model.output_blocks.{}.1.weight"
    sound, weak, lost = (
        quality(name.format(1), 31.0, 29.0),
        quality(name.format(2), 30.0, 20.0),
        quality("x", 29.0, 0.5),
    )
    assert texts.SOUND in quality_html([sound], summarise([sound]))
    assert "In 1 of 2 weights a channel is off" in quality_html([sound, weak], summarise([sound, weak]))
    assert "In 1 of 3 weights a channel is all but lost" in quality_html([sound, weak, lost], summarise([sound]))


@pytest.mark.parametrize(
    ("name", "block", "rest"),
    [
        ("model.diffusion_model.input_blocks.4.1.proj_in.weight", "IN04", "1.proj_in"),
        ("model.diffusion_model.middle_block.1.proj_out.weight", "M00", "1.proj_out"),
        ("model.diffusion_model.output_blocks.11.0.skip_connection.weight", "OUT11", "0.skip_connection"),
        ("model.diffusion_model.joint_blocks.3.x.weight", "UNet", "joint_blocks.3.x"),
        ("conditioner.embedders.0.transformer.text_model.encoder.layers.1.fc1.weight", "TE1", "encoder.layers.1.fc1"),
        (
            "conditioner.embedders.1.model.transformer.resblocks.3.in_proj_weight",
            "TE2",
            "transformer.resblocks.3.in_proj_weight",
        ),
        ("cond_stage_model.transformer.text_model.x.weight", "TE", "transformer.text_model.x"),
    ],
)
def test_names_of_weights_as_people_read_them(name, block, rest):
    assert (layer_of(name).block, layer_of(name).name) == (block, rest)


def test_everything_on_the_page_is_translated(workbench, monkeypatch):
    """With a loaded model there are tasks that the standalone page does not have."""
    monkeypatch.setattr(type(workbench.host), "fp8", Control(), raising=False)
    shown = {*texts.ALL, *choices.PARTS, *choices.FORMATS, *choices.SCALES, *choices.PROFILES, *choices.EXPANSIONS}
    for block in build_tab(workbench).blocks.values():
        if str(getattr(block, "elem_id", "")).startswith("kohaku_precision_"):
            is_button = type(block).__name__ == "Button" and block.visible
            shown |= {getattr(block, "label", None), block.value if is_button else None}
    hidden = {None, "HTML", "precision_open", "precision_poll", "precision_ended"}
    for path in (asset_root() / "localizations").glob("*.json"):
        assert shown - hidden - json.loads(Path(path).read_text("utf-8")).keys() == set()


CONVERSION = ("This extension: smallest and most exact", "UNet: saves most", "e4m3fn: more exact")


def test_an_existing_file_is_refused_before_the_source_is_read(handlers, workbench, models, monkeypatch):
    """A checkpoint takes minutes to hash and to measure."""
    (models / "mine.safetensors").write_bytes(b"mine")
    monkeypatch.setattr(type(workbench.host), "sha256", None)
    for target, protect in ((CONVERSION[0], True), (CONVERSION[0], False), ("Back to 16 bit (fp16)", False)):
        handlers.convert("base8", target, *CONVERSION[1:], "mine", False, protect)
        assert "mine.safetensors exists already" in finish(handlers)
    assert (models / "mine.safetensors").read_bytes() == b"mine"


def test_a_file_that_was_made_wide_again_names_its_source(handlers, workbench, models):
    handlers.convert("base8", *CONVERSION, "narrow", False, False)
    assert "narrow.safetensors is written" in finish(handlers)
    handlers.convert("narrow", "Back to 16 bit (fp16)", *CONVERSION[1:], "wide", False, False)
    assert "wide.safetensors is written" in finish(handlers)
    named = load_header(models / "wide.safetensors").metadata[METADATA_SOURCE]
    assert named == hashlib.sha256((models / "narrow.safetensors").read_bytes()).hexdigest()


def test_pages_tell_what_came_of_their_own_tasks_only(handlers, workbench):
    """While a task runs nothing else starts, so both pages show it; the end is told where it was asked for."""
    merging = RunHandlers(workbench)
    handlers.switch(*FIELDS)
    assert "UNet e5m2 scaled" in finish(handlers)
    assert "UNet e5m2 scaled" not in merging.job()
    assert 'data-kohaku-state="done"' in merging.job(), "our JavaScript must hear of the end"

    started, release = threading.Event(), threading.Event()

    def work(job: Job) -> tuple[str, None]:
        started.set()
        release.wait(60)
        return "Wrote it.", None

    job = workbench.jobs.start("merge", "Merging it", work)
    assert started.wait(60)
    assert "Merging it" in merging.job() and "Merging it" in handlers.job()
    release.set()
    while not job.ended:
        time.sleep(0.01)
    assert "Wrote it." in merging.job()
    assert "Wrote it." not in handlers.job() and 'data-kohaku-state="done"' in handlers.job()
