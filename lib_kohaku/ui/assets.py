"""Our style sheet and scripts, which lie where the webui looks for an extension's."""

from __future__ import annotations

import site
import sysconfig
from functools import cache
from pathlib import Path

from lib_kohaku.errors import FailedError

# In the extension's folder, or where pip puts what pyproject.toml calls data files.
_INSTALLED = Path("share") / "sd-webui-kohaku"


@cache
def asset_root() -> Path:
    """The folder that holds ``style.css`` and ``javascript``.

    Raises:
        FailedError: If there is none.
    """
    source = Path(__file__).resolve().parents[2]
    for folder in (source, Path(sysconfig.get_path("data")) / _INSTALLED, Path(site.getuserbase()) / _INSTALLED):
        if (folder / "style.css").is_file():
            return folder
    raise FailedError("The page's scripts are missing. Install again, or start it in the extension's folder.")


def asset_files() -> dict[str, Path]:
    """Name to path: ``style.css`` and every script, in the order in which they load."""
    root = asset_root()
    return {path.name: path for path in (root / "style.css", *sorted((root / "javascript").glob("*.js")))}


def head_markup(base: str) -> str:
    """Elements for a page's head that load them.

    Args:
        base: The address under which they are served.
    """
    elements = []
    for name, path in asset_files().items():
        address = f"{base}/{name}?{path.stat().st_mtime_ns}"
        if path.suffix == ".css":
            elements.append(f'<link rel="stylesheet" href="{address}">')
        else:
            elements.append(f'<script src="{address}"></script>')
    return "\n".join(elements)
