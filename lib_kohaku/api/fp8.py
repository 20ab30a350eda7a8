"""Routes of the fp8 switch, and of the same image made twice."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from lib_kohaku.api.answers import KohakuRoute, NotFoundError
from lib_kohaku.api.guard import Guard
from lib_kohaku.api.job_answers import job_answer
from lib_kohaku.api.messages import JobAnswer
from lib_kohaku.app.image_pair import ImagePair
from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.errors import BusyError
from lib_kohaku.fp8.choice import OFF, Fp8Choice, Parts, all_choices, parse_choice
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.host.fp8_control import Fp8Control, Fp8State, ImageRequest
from lib_kohaku.progress import SilentProgress


class Fp8Request(BaseModel):
    """What is wanted."""

    choice: str = Field(..., description="'Off', 'UNet', 'UNet+TE'; optionally e4m3fn or e5m2, scaled or plain")


class Fp8Answer(BaseModel):
    """How things stand."""

    model: str
    wanted: str
    held: str
    weights: int
    problem: str
    host_fp8: bool
    choices: list[str]
    memory: dict[str, Any] | None = None


class ComparisonRequest(BaseModel):
    """An image to make twice."""

    prompt: str = Field("", description="What it shows; LoRAs as in txt2img")
    negative_prompt: str = Field("", description="What it does not")
    seed: int = Field(-1, description="Seed of both images; -1 draws one")
    steps: int = Field(20, description="1 to 150")
    width: int = Field(512, description="Pixels, a multiple of 8")
    height: int = Field(512, description="Likewise")
    first: str = Field(OFF.text, description="How the model is held for the first image, as 'choice' of /fp8")
    second: str = Field(Fp8Choice(Parts.UNET).text, description="Likewise for the second")


class ComparisonAnswer(BaseModel):
    """Both images and how alike they are."""

    first: str
    second: str
    seed: int
    equal: bool
    psnr_db: float | None = None
    ssim: float
    largest_difference: int
    images: dict[str, str]


def register_fp8_api(
    app: Any, base: str, workbench: PrecisionWorkbench, control: Fp8Control, users: Mapping[str, str] | None = None
) -> None:
    """Add the routes to an app.

    Args:
        app: gradio's FastAPI app.
        base: What the routes begin with.
        workbench: Runs what takes long.
        control: The switch.
        users: Names and passwords that open the API beside a login of the page.
    """
    router = APIRouter(route_class=KohakuRoute, dependencies=[Depends(Guard(app, users or {}).check)], tags=["Kohaku"])
    switch, comparing = SwitchRoutes(control), ComparingRoutes(workbench)
    for method, path, handler, answer in (
        ("GET", "/fp8", switch.state, Fp8Answer),
        ("POST", "/fp8", switch.choose, Fp8Answer),
        ("GET", "/fp8/predict", switch.predict, None),
        ("POST", "/fp8/take-over", switch.take_over, Fp8Answer),
        ("POST", "/fp8/compare-images", comparing.start, JobAnswer),
        ("GET", "/fp8/compare-images/{job_id}", comparing.result, ComparisonAnswer),
    ):
        router.add_api_route(path, handler, methods=[method], response_model=answer)
    app.include_router(router, prefix=base)


class SwitchRoutes:
    """Handlers block while the host's queue is busy, so none is a coroutine: they run in threads."""

    def __init__(self, control: Fp8Control) -> None:
        """Serve a switch."""
        self._control = control

    def state(self) -> Fp8Answer:
        """How the loaded model is held, and its bytes."""
        return self._answer(self._control.state())

    def choose(self, request: Fp8Request) -> Fp8Answer:
        """Move the switch; answers when the loaded model is as wanted."""
        return self._answer(self._control.choose(parse_choice(request.choice), SilentProgress()))

    def predict(self, choice: str) -> dict[str, Any]:
        """Bytes of the loaded model before and after."""
        return _document(self._control.predicted(parse_choice(choice))) or {}

    def take_over(self) -> Fp8Answer:
        """Switch the host's own fp8 off and use this one."""
        return self._answer(self._control.take_over(SilentProgress()))

    def _answer(self, state: Fp8State) -> Fp8Answer:
        choices = [choice.text for choice in all_choices()]
        return Fp8Answer(**asdict(state), choices=choices, memory=_document(self._control.memory()))


class ComparingRoutes:
    """The same image with the model held in two ways, as a task."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def start(self, request: ComparisonRequest) -> JobAnswer:
        """Start making both images. How far they are: /jobs/{id}."""
        image = ImageRequest(
            request.prompt, request.negative_prompt, request.seed, request.steps, request.width, request.height
        )
        first, second = parse_choice(request.first), parse_choice(request.second)
        return job_answer(self._workbench.start_pair(image, first, second))

    def result(self, job_id: str) -> ComparisonAnswer:
        """The images, as PNG files in base64, and the figures; ``psnr_db`` of equal images is null."""
        job = self._workbench.jobs.find(job_id)
        if job is None:
            raise NotFoundError(f"There is no job {job_id!r}.")
        if not job.ended:
            raise BusyError(f"{job.title} is still running.")
        pair = job.result
        if not isinstance(pair, ImagePair):
            raise NotFoundError(f"Job {job_id!r} has made no images. {job.message}")
        pictures = {"first": pair.first, "second": pair.second, "difference": pair.difference}
        return ComparisonAnswer(
            first=pair.names[0],
            second=pair.names[1],
            seed=pair.seed,
            equal=pair.largest == 0,
            psnr_db=pair.psnr_db if math.isfinite(pair.psnr_db) else None,
            ssim=pair.ssim,
            largest_difference=pair.largest,
            images={name: base64.b64encode(picture).decode() for name, picture in pictures.items()},
        )


def _document(table: MemoryTable | None) -> dict[str, Any] | None:
    return None if table is None else table.to_json()
