"""Objects that are imported and made when they are first needed.

The webui builds all pages at its start. What answers their events takes ten times as long to import as the fields take
to build, and on most days most of it is never used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """A function without arguments whose result is kept; two threads at once get the same one.

    Attributes:
        is_made: Whether there is a result.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        """Ask ``make`` at the first call. If that fails, the next call asks again."""
        self._ask = make
        self._lock = threading.RLock()
        self._made: list[Made] = []

    @property
    def is_made(self) -> bool:
        """See :class:`Once`."""
        return bool(self._made)

    def __call__(self) -> Made:
        """The result."""
        with self._lock:
            if not self._made:
                self._made.append(self._ask())
            return self._made[0]


class Later:
    """Stands for an object that does not exist yet; looking anything up in it makes it.

    Attributes that are known before are given by name and do not.
    """

    def __init__(self, make: Callable[[], Any], **known: Any) -> None:
        """Make the object with ``make``, once."""
        self.__dict__.update(known)
        self._make = Once(make)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what copying, pickling and gradio's look at functions ask for
            raise AttributeError(name)
        return getattr(self._make(), name)


class LaterHandlers:
    """Stands for an object with handlers: every attribute is a handler, which makes the object when it is called.

    ``handlers.files.lists`` is the handler ``lists`` of the object's ``files``.
    """

    def __init__(self, make: Callable[[], Any], path: tuple[str, ...] = ()) -> None:
        """Make the object with ``make``, once."""
        self._make = make if isinstance(make, Once) else Once(make)
        self._path = path
        self.__name__ = ".".join(path) or "later"  # gradio asks functions for it

    def __getattr__(self, name: str) -> LaterHandlers:
        if name.startswith("_"):
            raise AttributeError(name)
        handler = LaterHandlers(self._make, (*self._path, name))
        self.__dict__[name] = handler  # the same one every time
        return handler

    def __call__(self, *values: Any) -> Any:
        """Call the handler with the values of an event."""
        handler = self._make()
        for name in self._path:
            handler = getattr(handler, name)
        return handler(*values)
