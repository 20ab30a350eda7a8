"""``mbw(...)`` and ``blocks(...)``: a number that depends on the tensor."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from lib_kohaku.checkpoint.blocks import BlockMap
from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.formula.decimals import read_decimal
from lib_kohaku.merge.formula.nodes import Argument, Call, Node, Number, Text
from lib_kohaku.merge.formula.source import SourceText
from lib_kohaku.merge.presets import block_preset

MAX_PATTERN_LENGTH = 500


@dataclass(frozen=True)
class BlockWeights:
    """Weights over the blocks of one architecture, with exceptions by key pattern.

    Attributes:
        by_block: Weight of each block, and of extra slots that were named.
        patterns: Key patterns and their weights; of several that match, the last counts.
        default: For tensors of no block.
    """

    by_block: dict[str, Node]
    patterns: tuple[tuple[re.Pattern[str], Node], ...]
    default: Node

    def matching(self, key: str) -> int:
        """Index of the pattern that decides for ``key``, -1 if none does."""
        for index in range(len(self.patterns) - 1, -1, -1):
            if self.patterns[index][0].match(key):
                return index
        return -1

    def weight(self, slot: str | None, followed: str | None, pattern: int) -> Node:
        """The weight as an expression.

        Args:
            slot: The tensor's slot.
            followed: The block that the slot follows under the recipe's profile.
            pattern: What :meth:`matching` said.
        """
        if pattern >= 0:
            return self.patterns[pattern][1]
        for name in (slot, followed):
            if name is not None and name in self.by_block:
                return self.by_block[name]
        return self.default


def read_block_weights(call: Call, blocks: BlockMap, source: SourceText) -> BlockWeights:
    """Read a call of ``mbw`` or ``blocks`` for one architecture.

    ``mbw`` takes the usual list (20 numbers for SDXL, 26 for SD1 and SD2), one quoted list, or a preset's name; tensors
    of no block keep weight 0. ``blocks`` takes ``NAME=number``, ``"key pattern"=number`` (with ``*`` and ``?``) and
    ``default=number``. Both take the slots outside the list by name, as in ``mbw(..., VAE=0.5)``.

    Raises:
        FormulaError: On a wrong count, an unknown block or preset, or a pattern that is too long.
    """
    read = _read_mbw if call.function == "mbw" else _read_blocks
    try:
        _refuse_repeated(call, source)
        return read(call, blocks, lambda message, argument: source.error(message, argument.span))
    except RefusedError as error:
        if type(error) is RefusedError:
            raise source.error(str(error), call.span) from error
        raise


def _refuse_repeated(call: Call, source: SourceText) -> None:
    seen = set()
    for argument in call.arguments:
        if argument.keyword is not None:
            if (argument.keyword, argument.quoted) in seen:
                raise source.error(f"{call.function}: {argument.keyword} is given twice", argument.span)
            seen.add((argument.keyword, argument.quoted))


_Fail = Callable[[str, Argument], RefusedError]
_ZERO = Number(Fraction(0))


def _read_mbw(call: Call, blocks: BlockMap, fail: _Fail) -> BlockWeights:
    plain = [argument for argument in call.arguments if argument.keyword is None]
    if len(plain) == 1 and isinstance(plain[0].value, Text):
        values: list[Node] = _from_text(plain[0].value)
    else:
        values = [_number(argument, fail) for argument in plain]
    kept = blocks.fit(values)
    by_block = {name: values[index] for name, index in zip(blocks.names, kept, strict=True)}
    for argument in call.arguments:
        if argument.keyword is not None:
            _check_name(argument, blocks, fail)
            by_block[argument.keyword] = _number(argument, fail)
    return BlockWeights(by_block, (), _ZERO)


def _read_blocks(call: Call, blocks: BlockMap, fail: _Fail) -> BlockWeights:
    by_block: dict[str, Node] = {}
    patterns: list[tuple[re.Pattern[str], Node]] = []
    default: Node = _ZERO
    for argument in call.arguments:
        if argument.keyword is None:
            raise fail("blocks takes NAME=number, such as blocks(IN07=0.1, default=0)", argument)
        value = _number(argument, fail)
        if argument.quoted:
            if len(argument.keyword) > MAX_PATTERN_LENGTH:
                raise fail(f"a key pattern is longer than {MAX_PATTERN_LENGTH} characters", argument)
            patterns.append((re.compile(_glob(argument.keyword)), value))
        elif argument.keyword == "default":
            default = value
        else:
            _check_name(argument, blocks, fail)
            by_block[argument.keyword] = value
    return BlockWeights(by_block, tuple(patterns), default)


def _glob(pattern: str) -> str:
    # A run of stars means the same as one but would make the match exponentially slow.
    return fnmatch.translate(re.sub(r"\*+", "*", pattern))


def _from_text(text: Text) -> list[Node]:
    if re.fullmatch(r"[\s\d.,+\-eE]+", text.value):
        parts = [part for part in re.split(r"[\s,]+", text.value) if part]
        try:
            return [Number(read_decimal(part), text.span) for part in parts]
        except ValueError as error:
            raise RefusedError(f"{text.value[:60]!r} is not a list of sensible numbers") from error
    return [Number(value, text.span) for value in block_preset(text.value).values]


def _number(argument: Argument, fail: _Fail) -> Node:
    if isinstance(argument.value, Text):
        raise fail("a number belongs here", argument)
    return argument.value


def _check_name(argument: Argument, blocks: BlockMap, fail: _Fail) -> None:
    known = (*blocks.names, *blocks.extra)
    if argument.keyword in known:
        return
    close = difflib.get_close_matches(argument.keyword or "", known, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
    raise fail(f"there is no block {argument.keyword!r}{hint}", argument)
