"""Lists of block weights: reading what people paste, finding and replacing them in a formula."""

from __future__ import annotations

import re
from fractions import Fraction

from lib_kohaku.checkpoint.blocks import BlockMap, block_map
from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.formula.printer import print_number
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.presets import block_preset, block_presets

MAX_LENGTH = 2000
_SEPARATORS = re.compile(r"[\s,;]+")
# Other tools keep presets as lines of a name and a list; in formulas and programs a list has brackets.
_NAME_IN_FRONT = re.compile(r"""^\s*[^\W\d]\w*\s*[:=]?(?=[\s\[({'"]*[-+.\d])""")
_BRACKETS = " \t\r\n[](){}'\""
_MBW = re.compile(r"(?<![\w.$])mbw\(([^()]*)\)")
_KEYWORD = re.compile(r",?\s*([A-Z0-9]{2,5}\s*=\s*[^,]+)")


def parse_weights(text: str, blocks: BlockMap) -> list[Fraction]:
    """Read a list as people paste it: commas, spaces or lines between the numbers; 26 values fit SDXL too.

    Raises:
        RefusedError: If it is not a list of that many numbers.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedError(f"A list of block weights has at most {MAX_LENGTH} characters.")
    words = weight_words(text)
    try:
        values = [Fraction(word) for word in words if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", word)]
    except ValueError:  # pragma: no cover - the pattern leaves nothing that Fraction refuses
        values = []
    if len(values) != len(words):
        bad = next(word for word in words if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", word))
        raise RefusedError(f"{bad[:30]!r} is not a number. Block weights are numbers with commas between them.")
    return [values[index] for index in blocks.fit(values)]


def weight_words(text: str) -> list[str]:
    """The numbers of a list as people paste it, not read yet."""
    bare = _NAME_IN_FRONT.sub("", text).strip(_BRACKETS)
    return [word for word in _SEPARATORS.split(bare) if word]


def write_weights(values: list[Fraction]) -> str:
    """A list as formulas and other tools write it."""
    return ",".join(print_number(value) for value in values)


def preset_weights(name: str, blocks: BlockMap) -> str:
    """A preset's list for a network; empty if it does not fit.

    Raises:
        RefusedError: If there is no such preset.
    """
    values = block_preset(name).values
    return write_weights([values[index] for index in blocks.fit(values)])


def presets_for(blocks: BlockMap) -> list[str]:
    """Names of the presets that fit a network."""
    fitting = []
    for preset in block_presets().values():
        try:
            blocks.fit(preset.values)
        except RefusedError:
            continue
        fitting.append(preset.name)
    return fitting


def find_weights(formula: str, network: str = "") -> tuple[str, str] | None:
    """The first list of block weights in a formula.

    Args:
        formula: Its text.
        network: The network of its models (``sdxl`` or ``sd1``), empty if it is not known.

    Returns:
        The network and the list; None if there is none that the page can show.
    """
    for match in _MBW.finditer(formula):
        inner = _KEYWORD.sub("", match.group(1)).strip()
        if inner[:1] in ("'", '"'):
            inner = inner.strip("'\"")
            if inner.lower() in (name.lower() for name in block_presets()):
                # A preset of 26 values shows as 20 for SDXL, which most models are.
                inner = write_weights(list(block_preset(inner).values))
                network = network or "sdxl"
        for candidate in (network,) if network else ("sdxl", "sd1"):
            blocks = block_map(candidate)
            count = len([word for word in _SEPARATORS.split(inner) if word])
            if not network and count != len(blocks.names):
                continue
            try:
                return candidate, write_weights(parse_weights(inner, blocks))
            except RefusedError:
                continue
    return None


def put_weights(formula: str, weights: str) -> str:
    """A formula with block weights in it.

    They take the place of the first ``mbw(...)``; without one, of the first setting that a method is called with as a
    plain number, such as ``alpha=0.5``.

    Raises:
        RefusedError: If there is neither.
    """
    match = _MBW.search(formula)
    if match:
        slots = "".join(f", {item.strip()}" for item in _KEYWORD.findall(match.group(1)))
        return f"{formula[: match.start()]}mbw({weights}{slots}){formula[match.end() :]}"
    firsts = {method.settings[0].name for method in METHODS.values() if method.settings and not method.settings[0].many}
    setting = re.search(rf"\b({'|'.join(sorted(firsts))})\s*=\s*[-+]?[\d.]+(?=\s*[,)])", formula)
    if setting:
        return f"{formula[: setting.start()]}{setting.group(1)}=mbw({weights}){formula[setting.end() :]}"
    raise RefusedError(
        "Write mbw() where the weights belong and press the button again, "
        "for example: weighted_sum(modelA, modelB, mbw())"
    )
