"""Writing to the terminal. The only place of the package that writes to standard output and standard error."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(text: str = "") -> None:
    """Write one line of results to standard output."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """Write one line for the person (progress, warnings, errors) to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_json(document: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
