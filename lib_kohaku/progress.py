"""How long work tells of its progress and hears that it should stop.

The core never prints and never looks at a global "interrupted" flag: whoever starts the work passes a
:class:`Progress`. The command line draws a bar with it, the webui its own progress bar.
"""

from __future__ import annotations

from typing import Protocol

from lib_kohaku.errors import CancelledError


class Progress(Protocol):
    """What work reports to. All methods are called from the thread that does the work."""

    def start(self, label: str, total: int, unit: str) -> None:
        """A stage begins: ``total`` units (``"bytes"``, ``"tensors"``, ...) of ``label`` are ahead."""

    def advance(self, amount: int) -> None:
        """``amount`` more units are done."""

    def cancelled(self) -> bool:
        """Whether the work should stop; asked at least once per tensor."""


class SilentProgress:
    """Reports to nobody and never cancels."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Ignore."""

    def advance(self, amount: int) -> None:
        """Ignore."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def raise_if_cancelled(progress: Progress) -> None:
    """Turn a cancellation into :class:`~lib_kohaku.errors.CancelledError`.

    Raises:
        CancelledError: If ``progress`` says that the user stopped the work.
    """
    if progress.cancelled():
        raise CancelledError("Stopped. Nothing was written under the final name.")
