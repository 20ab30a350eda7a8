"""A progress bar on standard error, and stopping with Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from lib_kohaku.cli.output import tell
from lib_kohaku.units import format_bytes, format_seconds

_REDRAW_SECONDS = 0.1
_WIDTH = 28


class ProgressBar:
    """Draws ``label [####    ] 42 %  2.9 GB of 6.9 GB  1.6 GB/s  3 s left``; on a file or a pipe it stays silent."""

    def __init__(self, *, quiet: bool = False) -> None:
        """``quiet`` draws nothing anywhere."""
        self._draws = not quiet and sys.stderr.isatty()
        self._cancelled = False
        self._total = self._done = 0
        self._label = self._unit = ""
        self._began = self._drawn = 0.0

    def start(self, label: str, total: int, unit: str) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self.end_line()
        self._label, self._total, self._unit, self._done = label, total, unit, 0
        self._began, self._drawn = time.monotonic(), 0.0
        self._draw()

    def advance(self, amount: int) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self._done += amount
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS or self._done >= self._total:
            self._draw()

    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._cancelled

    def end_line(self) -> None:
        """Leave the bar as it is; what is written next begins on a line of its own."""
        if self._draws and self._label:
            tell("")
        self._label = ""

    @contextlib.contextmanager
    def stops_on_interrupt(self) -> Iterator[None]:
        """While this is active, Ctrl-C (or a polite kill) asks the work to stop; a second one insists."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self._cancelled:
                raise KeyboardInterrupt
            self._cancelled = True

        previous: dict[int, Any] = {}
        for name in ("SIGINT", "SIGTERM"):
            with contextlib.suppress(ValueError, AttributeError):  # not in the main thread, or not on this system
                number = getattr(signal, name)
                previous[number] = signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            self.end_line()

    def _draw(self) -> None:
        if not self._draws:
            return
        self._drawn = time.monotonic()
        share = min(1.0, self._done / self._total) if self._total else 1.0
        filled = round(share * _WIDTH)
        line = f"{self._label} [{'#' * filled}{' ' * (_WIDTH - filled)}] {share:4.0%}  {self._amounts()}"
        sys.stderr.write(f"\r{line[:118]:<118}")
        sys.stderr.flush()

    def _amounts(self) -> str:
        elapsed = self._drawn - self._began
        rate = self._done / elapsed if elapsed > 0.2 else 0.0
        left = (
            f"  {format_seconds((self._total - self._done) / rate)} left" if rate and self._done < self._total else ""
        )
        if self._unit != "bytes":
            return f"{self._done} of {self._total} {self._unit}{left}"
        speed = f"  {format_bytes(rate)}/s" if rate else ""
        return f"{format_bytes(self._done)} of {format_bytes(self._total)}{speed}{left}"
