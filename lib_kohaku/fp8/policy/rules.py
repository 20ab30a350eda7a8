"""The rules of ``data/default.json``, loaded and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from lib_kohaku.fp8.errors import Fp8Error

SCHEMA = 1


class Kind(str, Enum):
    """What a weight does."""

    LINEAR = "linear"
    CONV2D = "conv2d"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Keep:
    """Layers that stay in 16 bit.

    Attributes:
        pattern: Shell pattern over the weight's whole name.
        reason: Why, in a few words.
    """

    pattern: str
    reason: str


@dataclass(frozen=True)
class Rules:
    """Which tensors are weights of which kind, and which of them stay.

    Attributes:
        switches: Name of a switch to the components that it covers.
        kinds: (kind, ending of the name, number of dimensions), tried in order.
        keep: Exceptions.
    """

    switches: Mapping[str, tuple[str, ...]]
    kinds: tuple[tuple[Kind, str, int], ...]
    keep: tuple[Keep, ...]

    def kind_of(self, name: str, shape: tuple[int, ...]) -> Kind | None:
        """The kind of a tensor, None for biases, norms and buffers."""
        for kind, ending, dimensions in self.kinds:
            if name.endswith(ending) and len(shape) == dimensions:
                return kind
        return None

    def kept_because(self, name: str) -> str | None:
        """Why a weight stays, None if it does not."""
        return next((rule.reason for rule in self.keep if fnmatchcase(name, rule.pattern)), None)


def parse_rules(text: str) -> Rules:
    """Read rules from JSON.

    Raises:
        Fp8Error: If the document is not of the schema.
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise Fp8Error(f"fp8 policy of schema {document['schema']!r}; this version reads {SCHEMA}")
        return Rules(
            {str(name): tuple(map(str, components)) for name, components in document["switches"].items()},
            tuple((Kind(row["kind"]), str(row["ending"]), int(row["dimensions"])) for row in document["kinds"]),
            tuple(Keep(str(row["pattern"]), str(row["reason"])) for row in document["keep"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Fp8Error(f"fp8 policy cannot be read: {type(error).__name__}: {error}") from error


@cache
def default_rules() -> Rules:
    """The rules that ship with the package."""
    return parse_rules((files("lib_kohaku.fp8.policy") / "data" / "default.json").read_text("utf-8"))
