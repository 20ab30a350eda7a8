"""Which block of the network a tensor belongs to, for block-weighted merging (MBW).

The names and their order are those of supermerger's lists (``BASE, IN00 ... M00 ... OUT08``), which recipes in the
wild use. Peers disagree about the tensors outside the list (time and label embedding, output layer, VAE): a *profile*
settles it, and recipes name the profile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from lib_kohaku.checkpoint.datafiles import load_data
from lib_kohaku.errors import RefusedError

_NUMBER = re.compile("[0-9]{1,3}")

DEFAULT_PROFILE = "supermerger"


@dataclass(frozen=True)
class BlockMap:
    """The blocks of one architecture.

    Attributes:
        id: ``sdxl`` or ``sd1``.
        names: The blocks in list order: 20 or 26.
        extra: Slots outside the list (``TE1``, ``TE2``, ``VAE``, ``TIME``, ``LABEL``, ``OUT``).
        profiles: Profile name to the block that each extra slot follows, None for "keep the base model's value".
    """

    id: str
    names: tuple[str, ...]
    extra: tuple[str, ...]
    profiles: dict[str, dict[str, str | None]]
    _prefixes: tuple[tuple[str, str], ...]
    _numbered: tuple[tuple[str, str], ...]
    _reduced_from: tuple[int, frozenset[int]] | None

    def slot_of(self, key: str) -> str | None:
        """The finest slot of a tensor: a block name or one of :attr:`extra`; None for keys of no slot."""
        for slot, prefix in self._prefixes:
            if key.startswith(prefix):
                return slot
        for kind, prefix in self._numbered:
            if key.startswith(prefix):
                number = key[len(prefix) :].split(".", 1)[0]
                slot = f"{kind}{int(number):02d}" if _NUMBER.fullmatch(number) else ""
                return slot if slot in self.names else None
        return None

    def follow(self, slot: str, profile: str) -> str | None:
        """The block whose weight a slot takes under a profile; None for the base model's value.

        Raises:
            RefusedError: If there is no such profile.
        """
        if profile not in self.profiles:
            raise RefusedError(f"There is no block profile {profile!r}; there are {', '.join(self.profiles)}.")
        return self.profiles[profile].get(slot, slot)

    def fit(self, values: Sequence[object]) -> tuple[int, ...]:
        """Which of the given list's values belong to :attr:`names`, as indexes.

        Args:
            values: The list as written.

        Returns:
            One index per name. A 26-value list for a 20-block map loses IN09-IN11 and OUT09-OUT11, as in supermerger.

        Raises:
            RefusedError: If the count fits neither.
        """
        if len(values) == len(self.names):
            return tuple(range(len(values)))
        if self._reduced_from is not None and len(values) == self._reduced_from[0]:
            return tuple(index for index in range(len(values)) if index not in self._reduced_from[1])
        also = f" (or {self._reduced_from[0]})" if self._reduced_from else ""
        raise RefusedError(f"{len(values)} block weights given; this architecture has {len(self.names)}{also}.")


@cache
def block_map(identifier: str) -> BlockMap:
    """The block map ``sdxl`` or ``sd1``."""
    document = load_data(f"blocks_{identifier}")
    names = tuple(document["names"])
    reduced = document["reduced_from"]
    reduced_from = None
    if reduced is not None:
        full_names = block_map("sd1").names
        reduced_from = (reduced["count"], frozenset(full_names.index(name) for name in reduced["dropped"]))
    return BlockMap(
        id=document["id"],
        names=names,
        extra=tuple(slot for slot in document["slots"] if slot not in names),
        profiles=document["profiles"],
        _prefixes=tuple((slot, prefix) for slot, prefixes in document["slots"].items() for prefix in prefixes),
        _numbered=tuple(document["numbered"].items()),
        _reduced_from=reduced_from,
    )
