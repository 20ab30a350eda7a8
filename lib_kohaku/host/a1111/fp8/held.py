"""Holding one of the webui's models in fp8, and making it ordinary again. Both need the webui's queue to be held."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.errors import KohakuError
from lib_kohaku.fp8.attach import Attachment, attach
from lib_kohaku.fp8.attach.targets import live_tensors
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.host.a1111.fp8.files import StoredCodes
from lib_kohaku.host.a1111.fp8.loras import PromptLoras
from lib_kohaku.host.a1111.fp8.originals import OriginalReader, Originals, file_name
from lib_kohaku.host.a1111.live_weights import undo_baked_loras
from lib_kohaku.progress import Progress

_log = logging.getLogger(__name__)
_HELD = "_kohaku_fp8_held"
_FILE = "_kohaku_fp8_file"
_UNET = "model.diffusion_model."
_SAMPLES = 8


@dataclass(frozen=True)
class Held:
    """That a model is held in fp8. The model itself carries it: there can be several models.

    Attributes:
        choice: What was asked for.
        originals: The file that the weights come from.
        attachment: The codes.
        loras: What applies prompt LoRAs to them.
        count: How many weights were converted.
    """

    choice: Fp8Choice
    originals: Originals
    attachment: Attachment
    loras: PromptLoras
    count: int

    def is_whole(self, model: Any) -> bool:
        """Whether it is still true: nothing was loaded into the model since."""
        return self.is_same_file(model) and len(self.attachment.weights) == self.count

    def is_same_file(self, model: Any) -> bool:
        """Whether the model is still that of the file."""
        return str(self.originals.path) == _path_of(model)


def held_of(model: Any) -> Held | None:
    """How a model is held in fp8, None if it is not."""
    found = None if model is None else model.__dict__.get(_HELD)
    return found if isinstance(found, Held) else None


def note_file(model: Any) -> None:
    """Remember the state of the file that a model was just loaded from: it may be replaced later."""
    model.__dict__.pop(_FILE, None)
    try:
        model.__dict__[_FILE] = Originals.of(Path(_path_of(model)))
    except Fp8Error as error:
        _log.debug("fp8 will not be possible: %s", error)


def hold(model: Any, choice: Fp8Choice, progress: Progress) -> Held:
    """Convert a model's weights.

    Raises:
        Fp8Error: If they cannot be; the model is as it was.
        KohakuError: If its file cannot be read; likewise.
        CancelledError: If the user stopped it; likewise.
    """
    undo_baked_loras(model)
    originals = model.__dict__.get(_FILE) or Originals.of(Path(_path_of(model)))
    with originals.open() as source:
        infos = {file_name(info.name): info for info in live_tensors(model, "").values()}
        architecture = detect_architecture(infos)
        policy = choice.policy(_without_original(model, source))
        _require_same(model, source)

        def component_of(name: str) -> str:
            return architecture.component_of(file_name(name))

        stored = StoredCodes(source, choice.fmt)
        attachment = attach(model, policy, component_of=component_of, source=source, stored=stored, progress=progress)
    if not attachment.weights:
        attachment.detach()
        raise Fp8Error("nothing in this model is of a kind that is held in fp8")
    loras = PromptLoras(attachment)
    loras.watch()
    held = Held(choice, originals, attachment, loras, len(attachment.weights))
    model.__dict__[_HELD] = held
    return held


def let_go(model: Any, *, exact: bool = True) -> str:
    """Make a model ordinary again.

    Args:
        model: One that is held.
        exact: Read the weights from the file, bit for bit; else take what the codes say, for weights that are about
            to be overwritten.

    Returns:
        Empty, or why the weights are only what the codes say.
    """
    held = held_of(model)
    if held is None:
        return ""
    held.loras.remove()
    problem = ""
    if exact and held.attachment.weights:
        try:
            with held.originals.open() as source:
                held.attachment.detach(source)
        except (KohakuError, OSError) as error:
            problem = f"{error}: the weights are now what fp8 left of them; load the checkpoint again to have all"
    held.attachment.detach()
    del model.__dict__[_HELD]
    return problem


def _path_of(model: Any) -> str:
    return str(getattr(getattr(model, "sd_checkpoint_info", None), "filename", ""))


def _weights(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [
        (name, parameter)
        for name, parameter in model.named_parameters()
        if parameter.dim() in (2, 4) and parameter.is_floating_point() and not parameter.is_meta
    ]


def _without_original(model: torch.nn.Module, source: OriginalReader) -> tuple[str, ...]:
    """Weights that are not in the file (a model without text encoders keeps those of its predecessor)."""
    return tuple(name for name, _ in _weights(model) if not source.has(name))


def _require_same(model: torch.nn.Module, source: OriginalReader) -> None:
    """Refuse a model whose weights are not its file's: switching fp8 off would bring the file's instead.

    A sample of the UNet is looked at: whatever merges in memory changes nearly all of it.
    """
    candidates = [(name, live) for name, live in _weights(model) if name.startswith(_UNET) and source.has(name)]
    for name, live in candidates[:: max(1, len(candidates) // _SAMPLES)]:
        original = source(name)
        if original.shape != live.shape or not torch.equal(original.to(live.dtype), live.detach().cpu()):
            raise Fp8Error(
                f"the weights in memory are not those of the file ('{name}' differs): something has changed them. "
                "Load the checkpoint again first"
            )
