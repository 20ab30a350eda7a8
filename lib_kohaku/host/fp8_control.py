"""How pages and the API move a host's fp8 switch, whatever the host is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lib_kohaku.fp8.choice import Fp8Choice
    from lib_kohaku.fp8.policy import MemoryTable
    from lib_kohaku.fp8.quality.images import Picture
    from lib_kohaku.progress import Progress


@dataclass(frozen=True)
class Fp8State:
    """How things stand.

    Attributes:
        model: Title of the loaded model, empty if there is none.
        wanted: The setting, as text of an :class:`~lib_kohaku.fp8.choice.Fp8Choice`.
        held: How the loaded model is held, likewise.
        weights: How many of its weights are held in fp8.
        problem: Why it is not as wanted; empty if it is.
        host_fp8: Whether the host's own fp8 is on, which has to go first.
    """

    model: str
    wanted: str
    held: str
    weights: int
    problem: str
    host_fp8: bool


@dataclass(frozen=True)
class ImageRequest:
    """An image to make twice.

    Attributes:
        prompt: What it shows; LoRAs and all.
        negative: What it does not.
        seed: Its seed.
        steps: Sampling steps.
        width: Pixels, a multiple of 8.
        height: Likewise.
    """

    prompt: str
    negative: str = ""
    seed: int = 1
    steps: int = 20
    width: int = 512
    height: int = 512


class Fp8Control(Protocol):
    """The switch of a host that has a loaded model. Not for those who hold the host's queue."""

    def state(self) -> Fp8State:
        """How things stand. Loads nothing and waits for nothing."""

    def setting_field(self) -> Any:
        """The host's own field for the setting, a component of its page; None without.

        It should show what is chosen elsewhere: hosts send all fields when one setting is changed, and would take the
        choice back.
        """

    def predicted(self, choice: Fp8Choice) -> MemoryTable | None:
        """Bytes of the loaded model without fp8 and as a choice would have it; None without a model."""

    def memory(self) -> MemoryTable | None:
        """Bytes of the loaded model without fp8 and as it is; None without a model."""

    def choose(self, choice: Fp8Choice, progress: Progress, *, task: str = "") -> Fp8State:
        """Keep a choice as the setting, and make the loaded model so; without a model, the next one will be.

        Args:
            choice: What is wanted.
            progress: Told of layers; may cancel.
            task: Id of the task for the host's progress bar.

        Raises:
            RefusedError: If it cannot be done; the text says what to do.
            CancelledError: If the user stopped it.
        """

    def take_over(self, progress: Progress, *, task: str = "") -> Fp8State:
        """Switch the host's own fp8 off, which loads the model again, and use ours.

        Raises:
            RefusedError: If the host refuses.
        """

    def pair(
        self, request: ImageRequest, choices: tuple[Fp8Choice, Fp8Choice], progress: Progress, *, task: str = ""
    ) -> tuple[Picture, Picture]:
        """The same image with the loaded model held in two ways; afterwards it is held as before.

        Raises:
            RefusedError: If there is no model or it cannot be held so.
            CancelledError: If the user stopped it.
            FailedError: If no image was made.
        """
