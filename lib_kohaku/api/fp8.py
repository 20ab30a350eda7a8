"""Routes of the fp8 switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from lib_kohaku.api.answers import KohakuRoute
from lib_kohaku.api.guard import Guard
from lib_kohaku.fp8.choice import all_choices, parse_choice
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.host.fp8_control import Fp8Control, Fp8State
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


def register_fp8_api(app: Any, base: str, control: Fp8Control, users: Mapping[str, str] | None = None) -> None:
    """Add the routes to an app.

    Args:
        app: gradio's FastAPI app.
        base: What the routes begin with.
        control: The switch.
        users: Names and passwords that open the API beside a login of the page.
    """
    router = APIRouter(route_class=KohakuRoute, dependencies=[Depends(Guard(app, users or {}).check)], tags=["Kohaku"])
    routes = Fp8Routes(control)
    router.add_api_route("/fp8", routes.state, methods=["GET"], response_model=Fp8Answer)
    router.add_api_route("/fp8", routes.choose, methods=["POST"], response_model=Fp8Answer)
    router.add_api_route("/fp8/predict", routes.predict, methods=["GET"])
    router.add_api_route("/fp8/take-over", routes.take_over, methods=["POST"], response_model=Fp8Answer)
    app.include_router(router, prefix=base)


class Fp8Routes:
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


def _document(table: MemoryTable | None) -> dict[str, Any] | None:
    return None if table is None else table.to_json()
