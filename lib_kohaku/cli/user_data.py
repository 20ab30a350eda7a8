"""Where the command line keeps the user's own files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib_kohaku.merge.recipe_store import RecipeStore


def data_folder() -> Path:
    """The user's folder for recipes and presets, after the habits of each system; ``KOHAKU_DATA_DIR`` overrides it."""
    override = os.environ.get("KOHAKU_DATA_DIR")
    if override:
        return Path(override)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / "sd-webui-kohaku"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "sd-webui-kohaku"


def recipe_store() -> RecipeStore:
    """The shipped recipes and the user's."""
    from lib_kohaku.merge.recipe_store import RecipeStore

    return RecipeStore(data_folder() / "recipes")
