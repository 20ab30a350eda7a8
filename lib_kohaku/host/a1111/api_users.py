"""Who may use the HTTP API, as the webui was started."""

from __future__ import annotations

from modules import shared


def api_users() -> dict[str, str]:
    """Names and passwords of ``--api-auth name:password,...``; empty if it was not given."""
    given = getattr(shared.cmd_opts, "api_auth", None)
    parts = (pair.partition(":") for pair in str(given or "").split(","))
    return {name: password for name, colon, password in parts if colon}
