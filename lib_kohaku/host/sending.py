"""What can be sent to a host's own txt2img and img2img."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from lib_kohaku.host.base import Host
    from lib_kohaku.prompt.sizes.hires import Hires


class SendTarget(str, Enum):
    """Where to."""

    TXT2IMG = "txt2img"
    IMG2IMG = "img2img"


@dataclass(frozen=True)
class SentValues:
    """What is sent. None and empty names mean: leave what is set there.

    Attributes:
        prompt: The prompt; an empty one empties the field.
        negative: The same of the negative prompt.
        width: In pixels.
        height: In pixels.
        cfg: Guidance scale.
        steps: Sampling steps.
        sampler: Name in the host's list.
        scheduler: Name of the schedule type in the host's list.
        clip_skip: As the host counts it; 1 is no skipping.
        hires: The hires fix; only txt2img has one.
    """

    prompt: str | None = None
    negative: str | None = None
    width: int | None = None
    height: int | None = None
    cfg: float | None = None
    steps: int | None = None
    sampler: str = ""
    scheduler: str = ""
    clip_skip: int | None = None
    hires: Hires | None = None


@dataclass(frozen=True)
class SendResult:
    """What becomes of the fields.

    Attributes:
        updates: One for every component of :attr:`SendForm.outputs`; those of other fields change nothing.
        problems: What could not be set, a sentence each.
        notes: What stands in another place than one would look.
    """

    updates: tuple[Any, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class SendForm(Protocol):
    """The host's own fields, as components of its page."""

    @property
    def inputs(self) -> Sequence[Any]:
        """Components whose values :meth:`fill` wants to know."""

    @property
    def outputs(self) -> Sequence[Any]:
        """Components that :meth:`fill` may change."""

    def fill(self, values: SentValues, present: Sequence[Any]) -> SendResult:
        """Set fields.

        Args:
            values: What to set.
            present: The values of :attr:`inputs`.
        """


@runtime_checkable
class OffersSending(Protocol):
    """A host with such fields."""

    def send_form(self, target: SendTarget) -> SendForm | None:
        """The fields of a page, None if it has none that we know; only while the host's page is being built."""


def send_form_of(host: Host, target: SendTarget) -> SendForm | None:
    """The fields of any host."""
    return host.send_form(target) if isinstance(host, OffersSending) else None
