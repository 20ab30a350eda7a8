"""Writing to the terminal. The only place of the package that writes to standard output and standard error."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from lib_kohaku.errors import FailedError

# Names and metadata come from strangers' files; a terminal would obey these characters.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def say(text: str = "") -> None:
    """Write one line of results to standard output."""
    _write(sys.stdout, _harmless(text))


def tell(text: str) -> None:
    """Write one line for the person (progress, warnings, errors) to standard error."""
    _write(sys.stderr, _harmless(text))
    sys.stderr.flush()


def say_json(document: Any) -> None:
    """Write one JSON document to standard output."""
    _write(sys.stdout, json.dumps(document, ensure_ascii=False, indent=2))


def _harmless(text: str) -> str:
    return _CONTROLS.sub(lambda found: repr(found.group())[1:-1], text)


def _write(stream: TextIO, text: str) -> None:
    # A console or a pipe may know fewer characters than file names have.
    encoding = stream.encoding or "utf-8"
    with failing_clearly():
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def flush() -> None:
    """Make sure that everything said so far has left the process.

    Raises:
        FailedError: If it cannot be written.
        BrokenPipeError: If nobody reads it any more.
    """
    with failing_clearly():
        sys.stdout.flush()


@contextlib.contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn errors of writing to the terminal into messages; a closed pipe stays a BrokenPipeError.

    Raises:
        FailedError: If something cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FailedError(f"The output cannot be written ({error.strerror or error}).") from error
