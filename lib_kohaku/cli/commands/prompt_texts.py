"""Where ``kohaku prompt`` gets its prompts from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from lib_kohaku.errors import RefusedError

# Longer than any prompt, short enough to be no accident.
_LONGEST_INPUT = 4 << 20


def one_text(argument: str | None) -> str:
    """The prompt of the command line, or all of standard input without its last line end.

    Raises:
        RefusedError: If standard input is no UTF-8, or endless.
    """
    if argument is not None:
        return argument
    # Bytes, because text mode would turn \r\n into \n.
    text = _decoded(sys.stdin.buffer.read(_LONGEST_INPUT + 1), "standard input")
    return text.removesuffix("\n").removesuffix("\r")


def prompts_of_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line number, from 1, and prompt of each line that is not empty.

    Raises:
        RefusedError: If the file cannot be read, or a line is no JSON object with a ``prompt``.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise RefusedError(f"{path.name}: {error.strerror or error}") from error
    with file:
        number = 0
        while line := _line(file.readline(_LONGEST_INPUT + 1), path, number + 1):
            number += 1
            if line.strip():
                yield number, _prompt(line, path, number)


def _line(data: bytes, path: Path, number: int) -> str:
    return _decoded(data, f"{path.name}, line {number}")


def _decoded(data: bytes, where: str) -> str:
    if len(data) > _LONGEST_INPUT:
        raise RefusedError(f"{where}: longer than {_LONGEST_INPUT >> 20} MiB, which is no prompt")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{where}: no UTF-8 text (byte {error.start})") from error


def _prompt(line: str, path: Path, number: int) -> str:
    where = f"{path.name}, line {number}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{where}: no JSON ({error})") from error
    prompt = row.get("prompt") if isinstance(row, dict) else None
    if not isinstance(prompt, str):
        raise RefusedError(f"{where}: a JSON object with a text 'prompt' is needed")
    return prompt
