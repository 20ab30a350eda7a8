"""Holding one of the webui's models in fp8, and making it ordinary again. Both need the webui's queue to be held."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.errors import KohakuError, RefusedError
from lib_kohaku.fp8.attach import Attachment, attach
from lib_kohaku.fp8.attach.targets import live_tensors
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.host.a1111.fp8.files import DecodingState, StateCodes, StoredCodes
from lib_kohaku.host.a1111.fp8.freed import FreeingProgress, give_back_freed_memory
from lib_kohaku.host.a1111.fp8.loras import PromptLoras
from lib_kohaku.host.a1111.fp8.originals import OriginalReader, Originals, file_name
from lib_kohaku.host.a1111.live_weights import undo_baked_loras
from lib_kohaku.progress import Progress, SilentProgress

_log = logging.getLogger(__name__)

_HELD = "_kohaku_fp8_held"
_FILE = "_kohaku_fp8_file"
_UNET = "model.diffusion_model."
_SAMPLES = 8
_NOT_THE_FILES = "the weights in memory are not those of the file: something has changed them"


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


def note_file(model: Any, originals: Originals | None) -> None:
    """Remember the state of the file that a model was just loaded from: it may be replaced later."""
    model.__dict__[_FILE] = originals


def was_replaced(model: Any) -> bool:
    """Whether the file that a model was loaded from is another one by now; False if it is gone."""
    originals = model.__dict__.get(_FILE)
    try:
        return isinstance(originals, Originals) and Originals.of(originals.path) != originals
    except Fp8Error:
        return False


def hold(model: Any, choice: Fp8Choice, progress: Progress) -> Held:
    """Convert the weights of a model that is loaded.

    Raises:
        Fp8Error: If they cannot be; the model is as it was.
        KohakuError: If its file cannot be read; likewise.
        CancelledError: If the user stopped it; likewise.
    """
    undo_baked_loras(model)
    originals = model.__dict__.get(_FILE) or Originals.of(Path(_path_of(model)))
    with originals.open() as source:
        _require_same(model, source)
        policy = choice.policy(_without(model, source.has))
        stored = StoredCodes(source, choice.fmt)
        attachment = attach(
            model,
            policy,
            component_of=_component_finder(model),
            source=source,
            stored=stored,
            progress=FreeingProgress(progress),
        )
    return _held(model, choice, originals, attachment)


def hold_from_state(model: Any, choice: Fp8Choice, state: Mapping[str, Any], originals: Originals) -> Held:
    """Give codes to a model whose weights the webui is about to load, weight by weight out of the state dict.

    What the model has for them is given up, weight by weight, and may be without data (meta device): so it is never
    there in 16 bit. The state dict stays as it is.

    Args:
        model: The model, without the webui's wrappers.
        choice: How it is to be held.
        state: What is to be loaded.
        originals: The file that ``state`` should be the content of.

    Raises:
        Fp8Error: If the weights cannot be converted, or are not those of the file. Weights that had no data have none
            again, the others are those of the state dict.
        KohakuError: If the file cannot be read; likewise.
    """
    _require_content(state, originals)
    codes = StateCodes(state, choice)
    policy = choice.policy(_without(model, codes.has))
    attachment = attach(
        model,
        policy,
        component_of=_component_finder(model),
        source=codes.values_of,
        stored=codes,
        progress=FreeingProgress(SilentProgress()),
    )
    return _held(model, choice, originals, attachment)


def _held(model: Any, choice: Fp8Choice, originals: Originals, attachment: Attachment) -> Held:
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

    Raises:
        RefusedError: If there is no memory for them. The model is held as before then.
    """
    held = held_of(model)
    if held is None:
        return ""
    held.loras.remove()
    try:
        problem = _restore(held, exact)
    except (RuntimeError, MemoryError) as error:  # torch's kinds of "out of memory" are of the former
        _hold_again(model, held)
        reason = (str(error).splitlines() or ["no memory"])[0][:200]
        raise RefusedError(f"The model stays held in fp8, as its own weights found no room: {reason}") from error
    del model.__dict__[_HELD]
    return problem


def _restore(held: Held, exact: bool) -> str:
    problem = ""
    if exact and held.attachment.weights:
        try:
            with held.originals.open() as source:
                held.attachment.detach(source)
        except (KohakuError, OSError) as error:
            problem = f"{error}: the weights are now what fp8 left of them; load the checkpoint again to have all"
    held.attachment.detach()
    return problem


def _hold_again(model: Any, held: Held) -> None:
    """Convert again what was ordinary already when memory ended; a mixture would take more than either."""
    try:
        with held.originals.open() as source:
            attachment = attach(
                model,
                held.attachment.policy,
                source=source,
                stored=StoredCodes(source, held.choice.fmt),
                progress=FreeingProgress(SilentProgress()),
            )
    except (KohakuError, OSError, RuntimeError, MemoryError) as error:
        _log.warning("Kohaku: a part of the model's weights is no longer held in fp8: %s", error)
        held.loras.watch()  # the others still are
        return
    _held(model, held.choice, held.originals, attachment)


def forget(model: Any) -> None:
    """Drop the codes of a model whose weights are about to be loaded; nothing takes their place (meta device)."""
    held = held_of(model)
    if held is not None:
        held.loras.remove()
        held.attachment.drop()
        del model.__dict__[_HELD]
        give_back_freed_memory()


def _path_of(model: Any) -> str:
    return str(getattr(getattr(model, "sd_checkpoint_info", None), "filename", ""))


def _component_finder(model: torch.nn.Module) -> Callable[[str], str]:
    infos = {file_name(info.name): info for info in live_tensors(model, "").values()}
    architecture = detect_architecture(infos)
    return lambda name: architecture.component_of(file_name(name))


def _weights(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [
        (name, parameter)
        for name, parameter in model.named_parameters()
        if parameter.dim() in (2, 4) and parameter.is_floating_point()
    ]


def _without(model: torch.nn.Module, has: Callable[[str], bool]) -> tuple[str, ...]:
    """Weights that are not in the file (a model without text encoders keeps those of its predecessor)."""
    return tuple(name for name, _ in _weights(model) if not has(name))


def _require_same(model: torch.nn.Module, source: OriginalReader) -> None:
    """Refuse a model whose weights are not its file's: switching fp8 off would bring the file's instead.

    A sample of the UNet is looked at: whatever merges in memory changes nearly all of it.
    """
    weights = {name: live for name, live in _weights(model) if not live.is_meta}
    for name in _sample(name for name in weights if source.has(name)):
        live, original = weights[name], source(name)
        if not _same_bits(original, live.detach()):
            raise Fp8Error(f"{_NOT_THE_FILES}: '{name}' differs. Load the checkpoint again first")


def _require_content(state: Mapping[str, Any], originals: Originals) -> None:
    """Refuse a state dict that is not the content of a file: other extensions load what they have merged in memory."""
    if isinstance(state, DecodingState):
        return
    with originals.open() as source:
        for name in _sample(name for name in state if source.has(name)):
            value, original = state[name], source(name)
            if not _same_bits(original, value):
                raise Fp8Error(f"{_NOT_THE_FILES}: '{name}' differs. They are in no file that could give them back")


def _same_bits(original: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether a tensor is another one in its own type; NaN equals NaN."""
    if original.shape != value.shape:
        return False
    bits = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (original.to(value.dtype), value.cpu())]
    return torch.equal(*bits)


def _sample(names: Iterable[str]) -> list[str]:
    candidates = [name for name in names if name.startswith(_UNET)]
    return candidates[:: max(1, len(candidates) // _SAMPLES)]
