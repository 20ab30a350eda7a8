"""Routes that are added to an app when somebody first asks for one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Match, NoMatchFound


class LaterRoutes(BaseRoute):
    """Stands before the routes that it adds: an app looks through its routes in order, and sees those added meanwhile.

    Adding ours takes as long as a third of what the extension may add to the webui's start, and few use them.
    """

    def __init__(self, base: str, add: Callable[[], None]) -> None:
        """Call ``add``, once, at the first request whose path begins with ``base``."""
        self._base = base
        self._add: Callable[[], None] | None = add

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Never itself."""
        if self._add is not None and scope.get("path", "").startswith(self._base):
            self._add()  # asked again should it fail
            self._add = None
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """It has no name."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Nothing is ever handed to it."""
        raise NotImplementedError
