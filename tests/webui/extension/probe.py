"""What tests want to know of the running webui and cannot ask from outside. Copied into the test's own extension."""

from __future__ import annotations

import gc
import hashlib
from typing import Any

import torch
from modules import call_queue, script_callbacks, scripts, sd_models

_last_comments: list[str] = []


def _digest(tensor: torch.Tensor) -> str:
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return f"{tensor.dtype} {tuple(tensor.shape)} {hashlib.sha256(data).hexdigest()}"


def _weights() -> dict[str, str]:
    """Every tensor of the loaded model, and every trace on its modules that is not there in an untouched one."""
    with call_queue.queue_lock:
        model = sd_models.model_data.sd_model
        found = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            found[f"parameter {name}"] = f"{_digest(parameter)} {parameter.requires_grad} {parameter.stride()}"
        for name, buffer in model.named_buffers(remove_duplicate=False):
            found[f"buffer {name}"] = _digest(buffer)
        for name, tensor in model.state_dict().items():
            found[f"state {name}"] = _digest(tensor)
        for name, module in model.named_modules():
            hooks = [len(getattr(module, kind)) for kind in ("_forward_pre_hooks", "_load_state_dict_pre_hooks")]
            found[f"module {name}"] = f"{type(module).__name__} {'forward' in module.__dict__} {hooks}"
        return found


def _tensors() -> dict[str, Any]:
    """How many tensors the process has, and their bytes; shared memory counts once."""
    with call_queue.queue_lock:
        gc.collect()
        found = [thing for thing in gc.get_objects() if isinstance(thing, torch.Tensor)]
        storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in found}
        return {"tensors": len(found), "bytes": sum(storages.values())}


def _comments() -> list[str]:
    """What the webui said under the last image; its API does not tell."""
    return _last_comments


class KohakuProbe(scripts.Script):
    """Looks at every image when it is done."""

    def title(self) -> str:
        """For the webui."""
        return "Kohaku probe"

    def show(self, is_img2img: bool) -> Any:
        """In both tabs."""
        return scripts.AlwaysVisible

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """After the last batch."""
        _last_comments[:] = list(p.comments)


def _break_decoder() -> dict[str, Any]:
    """The next image fails when its latent is decoded, and only that one."""
    autoencoder = sd_models.model_data.sd_model.first_stage_model
    original = autoencoder.decode

    def decode(*values: Any, **options: Any) -> Any:
        autoencoder.decode = original
        raise RuntimeError("the decoder is broken")

    autoencoder.decode = decode
    return {}


def _add_routes(_demo: Any, app: Any) -> None:
    app.add_api_route("/test/weights", _weights)
    app.add_api_route("/test/tensors", _tensors)
    app.add_api_route("/test/comments", _comments)
    app.add_api_route("/test/break-decoder", _break_decoder, methods=["POST"])


script_callbacks.on_app_started(_add_routes)
