"""Recipes out of pasted infotexts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lib_kohaku.checkpoint.hashes import auto_v2
from lib_kohaku.errors import KohakuError
from lib_kohaku.host.a1111.desk import RecipeDesk
from lib_kohaku.host.base import Host
from lib_kohaku.merge.infotext import INFOTEXT_KEY, recipe_from_infotext
from lib_kohaku.merge.recipe import ModelReference

_log = logging.getLogger(__name__)


def take_pasted(host: Host, desk: RecipeDesk, parameters: Mapping[str, Any]) -> None:
    """Lay the recipe of an infotext, if it has one, where the tab finds it."""
    text = parameters.get(INFOTEXT_KEY)
    if not isinstance(text, str):
        return
    try:
        desk.pending = recipe_from_infotext(text, _known_files(host))
    except KohakuError as error:
        _log.warning("The infotext's merge recipe cannot be used: %s", error)


def _known_files(host: Host) -> dict[str, ModelReference]:
    files = {}
    for path in host.library().files.values():
        sha256 = host.known_sha256(path)
        if sha256:
            files[auto_v2(sha256).lower()] = ModelReference(path.name, sha256)
    return files
