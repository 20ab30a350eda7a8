"""Between the webui's loading of weights and their way to the device: there models are converted.

The webui has no callback at that place, nor where it takes a model that is in memory already. Four of its functions are
wrapped; it looks them up at every call, so wrapping them is effective, and taking the wrappers off again leaves nothing
behind. They are put on at the webui's start, which should not pay for what they do: that is imported when a model is
loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modules import devices, sd_hijack, sd_models, shared

from lib_kohaku.errors import KohakuError
from lib_kohaku.host.a1111.page_notes import tell_in_page
from lib_kohaku.progress import SilentProgress

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.fp8.switch import Fp8Switch

_log = logging.getLogger(__name__)
_LOAD, _TARGET, _READ = "load_model_weights", "model_target_device", "get_checkpoint_state_dict"
_REUSE = "reuse_model_from_already_loaded"
# Where the webui reads weights to; None, the device.
_PLACE = "weight_load_location"


Function = Callable[..., Any]


class _Wrapped(NamedTuple):
    """A function of the webui and what stands in its place."""

    original: Function
    wrapper: Function


class LoadHooks:
    """Wrappers around the webui's loading. Can be put on and taken off any number of times."""

    def __init__(self, switch: Callable[[], Fp8Switch]) -> None:
        """Convert by a switch, which is asked for when a model is loaded."""
        self._switch = switch
        self._wrapped: dict[str, _Wrapped] = {}

    def install(self) -> None:
        """Put the wrappers on, unless they are."""
        for name, make in (
            (_LOAD, self._around_load),
            (_TARGET, self._around_target),
            (_READ, self._around_read),
            (_REUSE, self._around_reuse),
        ):
            if name not in self._wrapped and hasattr(sd_models, name):
                original = getattr(sd_models, name)
                self._wrapped[name] = _Wrapped(original, make(original))
                setattr(sd_models, name, self._wrapped[name].wrapper)

    def remove(self) -> None:
        """Take them off.

        A wrapper that somebody else has wrapped meanwhile stays where it is, for taking it off would take theirs off
        too; from now on it only passes calls on.
        """
        for name, wrapped in self._wrapped.items():
            if getattr(sd_models, name) is wrapped.wrapper:
                setattr(sd_models, name, wrapped.original)
        self._wrapped.clear()

    def _is_on(self, name: str, wrapper: Function) -> bool:
        wrapped = self._wrapped.get(name)
        return wrapped is not None and wrapped.wrapper is wrapper

    def _around_load(self, original: Function) -> Function:
        def load_model_weights(model: Any, checkpoint_info: Any, state_dict: Any, timer: Any) -> Any:
            if not self._is_on(_LOAD, load_model_weights):
                return original(model, checkpoint_info, state_dict, timer)
            from lib_kohaku.host.a1111.fp8.held import note_file
            from lib_kohaku.host.a1111.fp8.state_loader import StateLoader
            from lib_kohaku.host.a1111.fp8.switch import forget_encoded_prompts

            loader = StateLoader(model, self._switch(), Path(checkpoint_info.filename))
            try:
                with loader.standing_in():
                    result = original(model, checkpoint_info, state_dict, timer)
            except KohakuError as error:  # damage that shows only in the weights
                tell_in_page(str(error))
                raise
            note_file(model, loader.originals)
            if loader.with_text:
                forget_encoded_prompts(None)
            self._convert(model, again=not loader.refused, in_use=False)
            timer.record("kohaku fp8")
            return result

        return load_model_weights

    def _around_target(self, original: Function) -> Function:
        def model_target_device(model: Any) -> Any:
            # Built on the CPU and moved when it is converted, a model never takes 16 bit's room on the device.
            is_on = self._is_on(_TARGET, model_target_device) and self._switch().converts_on_load()
            return devices.cpu if is_on else original(model)

        return model_target_device

    def _around_read(self, original: Function) -> Function:
        def get_checkpoint_state_dict(checkpoint_info: Any, timer: Any) -> Any:
            from lib_kohaku.host.a1111.fp8.files import decoding_state, is_quantised

            path = Path(checkpoint_info.filename)
            try:
                if not self._is_on(_READ, get_checkpoint_state_dict):
                    return original(checkpoint_info, timer)
                if not is_quantised(path):
                    with _read_to_memory(on=self._switch().converts_on_load()):
                        return original(checkpoint_info, timer)
                checkpoint_info.calculate_shorthash()
                timer.record("calculate hash")
                _log.info("Kohaku: %s holds fp8 weights, which are decoded", path.name)
                return decoding_state(path)
            except BaseException as error:
                _put_back_model()
                if isinstance(error, KohakuError):
                    tell_in_page(str(error))
                raise

        return get_checkpoint_state_dict

    def _around_reuse(self, original: Function) -> Function:
        def reuse_model_from_already_loaded(sd_model: Any, checkpoint_info: Any, timer: Any) -> Any:
            found = original(sd_model, checkpoint_info, timer)
            # Models that lie in memory do not follow the switch; a refiner is put in place in the middle of an image.
            # What is only to be overwritten is still another file's.
            is_taken = found is not None and found is not sd_model and _file_of(found) == checkpoint_info.filename
            if is_taken and self._is_on(_REUSE, reuse_model_from_already_loaded):
                self._convert(found, again=False, in_use=True)
                timer.record("kohaku fp8")
            return found

        return reuse_model_from_already_loaded

    def _convert(self, model: Any, *, again: bool, in_use: bool) -> None:
        from lib_kohaku.host.a1111.fp8.freed import give_back_freed_memory

        try:
            held = self._switch().bring_about(model, SilentProgress(), again=again, in_use=in_use)
        except KohakuError as error:
            _log.warning("Kohaku: the model stays as it is. %s", error)
            return
        except Exception:
            # The webui would take it for a failure of its own and load the previous model again.
            _log.exception("Kohaku: converting to fp8 failed; the model stays as it is")
            return
        give_back_freed_memory()
        if held is not None:
            _log.info("Kohaku: %d weights are held as %s", held.count, held.choice.text)


def _file_of(model: Any) -> str:
    return str(getattr(getattr(model, "sd_checkpoint_info", None), "filename", ""))


@contextmanager
def _read_to_memory(*, on: bool) -> Iterator[None]:
    """Keep ``--lowram`` from reading 16-bit weights straight to the device.

    On the CPU the file is mapped and takes no memory of its own; what reaches the device are the codes.
    """
    if not on or not hasattr(shared, _PLACE) or getattr(shared, _PLACE) is not None:
        yield
        return
    setattr(shared, _PLACE, "cpu")
    try:
        yield
    finally:
        setattr(shared, _PLACE, None)


def _put_back_model() -> None:
    """Make the model usable again that a file was to be loaded into which cannot be read.

    The webui has taken its wrappers off the model by then, put it away and forgotten it, and would make images with
    that.
    """
    model, hijack = sd_models.model_data.sd_model, sd_hijack.model_hijack
    if model is None or hijack.layers is not None:
        return
    hijack.hijack(model)
    if not model.lowvram:
        model.to(devices.device)
    if model not in sd_models.model_data.loaded_sd_models:
        sd_models.model_data.loaded_sd_models.insert(0, model)
