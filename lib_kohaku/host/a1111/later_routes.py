"""Routes that are added to an app when somebody first asks for one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

# Pages that list all routes of an app; FastAPI makes the list once.
_LISTS = ("/openapi.json", "/docs", "/redoc")


class LaterRoutes(Route):
    """Stands before all other routes: an app looks through them in order, and sees those that were added meanwhile.

    Adding ours takes as long as a third of what the extension may add to the webui's start, and few use them.
    """

    def __init__(self, base: str, add: Callable[[], None]) -> None:
        """Call ``add``, once, at the first request for a path below ``base`` or for a list of all routes."""
        # A route like others to those who look through an app's routes.
        super().__init__(f"{base}/{{rest:path}}", _not_found, include_in_schema=False)
        self._beginnings = (f"{base}/", *_LISTS)
        self._add: Callable[[], None] | None = add

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Never itself."""
        if self._add is not None and scope.get("path", "").startswith(self._beginnings):
            self._add()  # asked again should it fail
            self._add = None
        return Match.NONE, {}


async def _not_found(request: Any) -> None:
    raise HTTPException(404)
