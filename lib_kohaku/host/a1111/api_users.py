"""Who may use the HTTP API, as the webui was started."""

from __future__ import annotations

from modules import shared


def api_users() -> dict[str, str]:
    """Names and passwords of ``--api-auth name:password,...``; empty if it was not given."""
    given = getattr(shared.cmd_opts, "api_auth", None)
    pairs = (tuple(pair.split(":", 1)) for pair in str(given).split(",") if ":" in pair) if given else ()
    return dict(pairs)
