"""In place of one model's ``load_state_dict`` while the webui loads a checkpoint into it.

Weights that are to be held in fp8 become codes straight out of the state dict, the others are loaded one at a time, so
that there never is a second copy of the model, nor a first one in 16 bit beside the codes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from lib_kohaku.errors import KohakuError
from lib_kohaku.fp8.attach import attachment_of
from lib_kohaku.fp8.choice import Fp8Choice, Parts
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.host.a1111.fp8.files import DecodingState
from lib_kohaku.host.a1111.fp8.held import forget, held_of, hold_from_state, let_go
from lib_kohaku.host.a1111.fp8.originals import Originals, file_name
from lib_kohaku.host.a1111.fp8.switch import Fp8Switch

_log = logging.getLogger(__name__)
_NAME = "load_state_dict"
# Where the webui's own replacement of torch's ``load_state_dict`` comes from, while it fills a model that it has just
# made without data.
_WEBUIS_LOADER = "modules.sd_disable_initialization"


class StateLoader:
    """Loads one state dict.

    Attributes:
        originals: The checkpoint file as it was before it was read; None if there is none.
        refused: Whether the weights were to be converted but could not be.
        with_text: Whether text encoders were held before or are now.
    """

    def __init__(self, model: Any, switch: Fp8Switch, path: Path) -> None:
        """Prepare for a model and the file that the webui is about to load into it."""
        self._model = model
        self._switch = switch
        self._stack = ExitStack()
        self.refused = self.with_text = False
        try:
            self.originals: Originals | None = Originals.of(path)
        except Fp8Error as error:
            _log.debug("fp8 will not be possible: %s", error)
            self.originals = None

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """While this lasts, the model's ``load_state_dict`` is ours."""
        self._model.__dict__[_NAME] = self._load
        try:
            with self._stack:
                yield
        finally:
            self._model.__dict__.pop(_NAME, None)

    def _load(self, state_dict: Any, strict: bool = True) -> Any:
        with torch.no_grad():
            self._let_go(state_dict)
            choice = self._switch.wanted_of_loaded(self._model)
            if choice is not None and self.originals is not None:
                self._hold(choice, state_dict, self.originals)
            return load_rest(self._model, state_dict, strict)

    def _let_go(self, state_dict: Any) -> None:
        held, attachment = held_of(self._model), attachment_of(self._model)
        if held is None or attachment is None:
            return
        self._note_text(held.choice)
        if all(file_name(name) in state_dict for name in attachment.weights):
            forget(self._model)
        else:
            # A checkpoint without text encoders leaves the model those that it has.
            let_go(self._model)

    def _hold(self, choice: Fp8Choice, state_dict: Any, originals: Originals) -> None:
        self._note_text(choice)
        try:
            held = hold_from_state(self._model, choice, state_dict, originals)
        except KohakuError as error:
            self.refused = True
            self._switch.note_refusal(self._model, error)
            _log.warning("Kohaku: the model stays as it is. %s", error)
            return
        except Exception:
            # The webui would take it for a failure of its own and load the previous model again.
            self.refused = True
            _log.exception("Kohaku: converting to fp8 failed; the model stays as it is")
            return
        for name in held.attachment.weights:
            _discard(state_dict, file_name(name))
        # The webui asks for the state dict of the whole UNet to look at one shape.
        self._stack.enter_context(held.attachment.without_values())

    def _note_text(self, choice: Fp8Choice) -> None:
        self.with_text = self.with_text or choice.parts is Parts.UNET_AND_TEXT


def load_rest(model: Any, state_dict: Any, strict: bool) -> Any:
    """Load a state dict with no more than one tensor in memory twice.

    Args:
        model: The model; may have parameters without data.
        state_dict: Names and tensors. Emptied.
        strict: As for torch's ``load_state_dict``.

    Raises:
        RuntimeError: If a tensor has another shape than its parameter.
    """
    load = type(model).load_state_dict
    decodes = isinstance(state_dict, DecodingState)
    if getattr(load, "__module__", "") == _WEBUIS_LOADER:
        # It takes every tensor out of the state dict that it was made for when it needs it, and wants to be given
        # names and shapes only.
        return load(model, state_dict.described() if decodes else state_dict, strict=strict)
    if decodes or any(parameter.is_meta for parameter in model.parameters()):
        return _load_one_by_one(model, state_dict)
    return load(model, state_dict, strict=strict)


def _discard(state_dict: Any, name: str) -> None:
    if isinstance(state_dict, DecodingState):
        state_dict.discard(name)
    else:
        state_dict.pop(name, None)


def _load_one_by_one(model: torch.nn.Module, state_dict: Any) -> None:
    """What torch does, but with no second dict, and with memory for parameters that have none."""
    errors: list[str] = []
    for path, module in model.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        part = {}
        for name in [*module._parameters, *module._buffers]:
            if prefix + name in state_dict:
                part[prefix + name] = state_dict[prefix + name]
                _give_memory(module, name)
        module._load_from_state_dict(part, prefix, {}, True, [], [], errors)
    if errors:
        raise RuntimeError(f"Error(s) in loading state_dict for {type(model).__name__}:\n\t" + "\n\t".join(errors))


def _give_memory(module: torch.nn.Module, name: str) -> None:
    parameter = module._parameters.get(name)
    if parameter is not None and parameter.is_meta:
        memory = torch.empty_like(parameter, device="cpu")
        module._parameters[name] = torch.nn.Parameter(memory, requires_grad=parameter.requires_grad)
