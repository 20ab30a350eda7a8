"""Who may call the API: whoever may use the page or the webui's own API. Neither protects the routes of extensions."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request

_COOKIES = ("access-token", "access-token-unsecure")
_UNSAFE_METHODS = ("POST", "PUT", "DELETE", "PATCH")


class Guard:
    """A dependency of all routes.

    Open if neither a login of the page (``--gradio-auth``) nor users of the API (``--api-auth``) are set. Else either
    opens: the cookie of a logged-in page, or HTTP basic credentials of an API user.
    """

    def __init__(self, app: Any, users: Mapping[str, str]) -> None:
        """Protect the routes of one app.

        Args:
            app: gradio's FastAPI app, which knows who is logged in.
            users: Names and passwords of ``--api-auth``.
        """
        self._app = app
        self._users = dict(users)

    def check(self, request: Request) -> None:
        """Let a request pass or not.

        Raises:
            HTTPException: 401 without credentials that open, 415 for a change whose body is not JSON.
        """
        if self._is_protected() and not (self._has_login(request) or self._has_credentials(request)):
            raise HTTPException(401, "Log in, or send the credentials of --api-auth.", {"WWW-Authenticate": "Basic"})
        # Any web page can make a browser send a form here; for JSON the browser asks us first, and we never agree.
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if request.method in _UNSAFE_METHODS and kind != "application/json":
            raise HTTPException(415, "Send the content type application/json.")

    def _is_protected(self) -> bool:
        return getattr(self._app, "auth", None) is not None or bool(self._users)

    def _has_login(self, request: Request) -> bool:
        if getattr(self._app, "auth", None) is None:
            return False
        tokens = getattr(self._app, "tokens", None) or {}
        # gradio 4 appends an id to the names.
        suffix = f"-{getattr(self._app, 'cookie_id', '')}"
        names = (*_COOKIES, *(name + suffix for name in _COOKIES))
        return any(request.cookies.get(name) in tokens for name in names if request.cookies.get(name))

    def _has_credentials(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        expected = self._users.get(name)
        # Compared even for an unknown name, so that the time tells nothing.
        same = secrets.compare_digest(password.encode(), (expected or "").encode())
        return same and expected is not None
