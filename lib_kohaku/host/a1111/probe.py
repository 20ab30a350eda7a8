"""What this webui can do, found out by looking, never by version strings."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from modules import sd_hijack, sd_models, sd_vae, shared

from lib_kohaku.host.base import HostInfo

# Everything that loading without saving calls. Forks replace some by stubs, which is why they are told apart first.
_NEEDED = (
    (sd_models, ("model_data", "reload_model_weights", "select_checkpoint", "SkipWritingToConfig", "check_fp8")),
    (sd_vae, ("delete_base_vae", "clear_loaded_vae", "resolve_vae", "load_vae")),
    (sd_hijack, ("model_hijack",)),
)


def host_info() -> HostInfo:
    """What the host is and can do."""
    return HostInfo(
        name=f"stable-diffusion-webui {_version()}".strip(),
        can_load=True,
        can_load_unsaved=can_load_unsaved(),
        can_generate=True,
        has_progress_bar=True,
        choose_paths=not getattr(shared.cmd_opts, "hide_ui_dir_config", False),
    )


def is_forge_like() -> bool:
    """Whether a fork manages the model's memory itself; functions of the original are stubs there."""
    return hasattr(sd_models, "forge_model_reload") or _is_importable("modules_forge")


def can_load_unsaved() -> bool:
    """Whether the loaded model is plain torch modules that weights can be copied into."""
    return not is_forge_like() and all(hasattr(module, name) for module, names in _NEEDED for name in names)


def _is_importable(name: str) -> bool:
    return name in sys.modules or find_spec(name) is not None


def _version() -> str:
    tag: Any = getattr(sys.modules.get("modules.launch_utils"), "git_tag", None)
    return str(tag()) if callable(tag) else ""
