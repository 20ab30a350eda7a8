"""The webui's list of checkpoints."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modules import sd_models, sd_vae, shared

from lib_kohaku.errors import FailedError, RefusedError

_HASH = re.compile(r"\s*\[[^]]+]\s*$")  # behind the name in the title of a checkpoint


def checkpoint_roots() -> list[Path]:
    """Folders with checkpoints; new ones go into the first, as with the webui's own merger."""
    chosen = getattr(shared.cmd_opts, "ckpt_dirs", None) or getattr(shared.cmd_opts, "ckpt_dir", None) or []
    folders = [chosen] if isinstance(chosen, str) else list(chosen)
    roots = [Path(folder).absolute() for folder in (*folders, sd_models.model_path)]
    return list(dict.fromkeys(root for root in roots if root.is_dir()))


def vae_files() -> list[Path]:
    """The files of the webui's own list of VAEs; a copy, for it clears and refills that without a lock."""
    return [Path(path).absolute() for path in list(getattr(sd_vae, "vae_dict", {}).values())]


def all_infos() -> Iterable[Any]:
    """The webui's entries; a copy, for it clears and refills its list without a lock."""
    return list(sd_models.checkpoints_list.values())


def info_of(path: Path) -> Any | None:
    """The webui's entry of a file, None if it does not know it."""
    wanted = path.absolute()
    for info in all_infos():  # as a rule; live plans ask for hundreds
        if info.filename == str(wanted):
            return info
    for info in all_infos():
        if Path(info.filename).absolute() == wanted:
            return info
    resolved = path.resolve()
    return next((info for info in all_infos() if Path(info.filename).resolve() == resolved), None)


def refresh() -> None:
    """List the files again.

    With no checkpoint on disk the webui would begin a download of 4 GB instead: then nothing is done.
    """
    has_one = any(
        file.suffix.lower() in (".safetensors", ".ckpt") for root in checkpoint_roots() for file in root.rglob("*")
    )
    if has_one:
        sd_models.list_models()
        _keep_the_choice()
    if hasattr(sd_vae, "refresh_vae_list"):
        sd_vae.refresh_vae_list()


def _keep_the_choice() -> None:
    """Let the choice in the settings mean its file still, if that was replaced.

    The webui knows it by name and hash. A new file of the name has another hash, or none yet: the next image would be
    made with the first checkpoint of the list.
    """
    chosen = shared.opts.data.get("sd_model_checkpoint")
    if not isinstance(chosen, str) or chosen in sd_models.checkpoint_aliases:
        return
    info = sd_models.checkpoint_aliases.get(_HASH.sub("", chosen))
    if info is not None:
        shared.opts.data["sd_model_checkpoint"] = info.title


def select(info: Any) -> None:
    """Choose a checkpoint as the user would in the settings: callbacks run, the choice is saved. Takes the queue.

    Raises:
        RefusedError: If the administrator froze the setting.
    """
    if getattr(shared.cmd_opts, "freeze_settings", False):
        raise RefusedError("The administrator has frozen the settings: checkpoints cannot be changed.")
    try:
        shared.opts.set("sd_model_checkpoint", info.title)
        shared.opts.save(shared.config_filename)
    except AssertionError as error:
        raise RefusedError(f"The webui refuses: {error}") from error


def select_in_fork(info: Any) -> bool:
    """Choose a checkpoint in a fork that has its own function for it; False if this is not one."""
    try:
        main_entry = importlib.import_module("modules_forge.main_entry")
    except ImportError:
        return False
    if not hasattr(main_entry, "checkpoint_change"):
        return False
    main_entry.checkpoint_change(info.name, save=True, refresh=True)
    return True


def reload_weights(info: Any, *, forced: bool) -> None:
    """Load a checkpoint's weights. The caller holds the queue.

    Raises:
        FailedError: If the webui could not load it.
    """
    try:
        sd_models.reload_model_weights(info=info, forced_reload=forced)
    except Exception as error:
        raise FailedError(f"{info.name} could not be loaded ({type(error).__name__}: {error}).") from error


def selected() -> Any:
    """The entry that is chosen in the settings.

    Raises:
        RefusedError: If there is no checkpoint at all.
    """
    try:
        return sd_models.select_checkpoint()
    except FileNotFoundError as error:
        raise RefusedError("The webui has no checkpoint.") from error
