"""Our style sheet and scripts, which lie where the webui looks for an extension's."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def asset_files() -> dict[str, Path]:
    """Name to path: ``style.css`` and every script, in the order in which they load."""
    scripts = sorted((ROOT / "javascript").glob("*.js"))
    return {path.name: path for path in (ROOT / "style.css", *scripts) if path.is_file()}


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
