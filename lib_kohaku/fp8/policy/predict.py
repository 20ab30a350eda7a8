"""Bytes by component before and after, from shapes alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lib_kohaku.checkpoint.dtypes import DType
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.fp8.codecs import FORMATS, Scaling
from lib_kohaku.fp8.policy.policy import Policy

SCALE_BYTES = 4


@dataclass(frozen=True)
class Held:
    """A tensor as it counts for memory.

    Attributes:
        name: Its whole name; scales are counted under their weight's.
        dtype: Its element type, as in safetensors headers.
        nbytes: Its bytes.
    """

    name: str
    dtype: str
    nbytes: int


@dataclass(frozen=True)
class ComponentBytes:
    """One row of a memory table.

    Attributes:
        component: ``unet``, ``te1``, ... or ``other``.
        before: Bytes of its tensors now.
        after: Bytes after conversion, scales included.
        converted: How many of its tensors are fp8 after conversion.
        tensors: How many tensors it has before.
        by_dtype: (element type, bytes after), the largest first.
        before_by_dtype: (element type, bytes now), likewise.
    """

    component: str
    before: int
    after: int
    converted: int
    tensors: int
    by_dtype: tuple[tuple[str, int], ...]
    before_by_dtype: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class MemoryTable:
    """Bytes of a whole model, a row per component in the order of first appearance."""

    rows: tuple[ComponentBytes, ...]

    @property
    def before(self) -> int:
        """All bytes now."""
        return sum(row.before for row in self.rows)

    @property
    def after(self) -> int:
        """All bytes after conversion."""
        return sum(row.after for row in self.rows)

    def row(self, component: str) -> ComponentBytes:
        """The row of one component, zeros if the model has none of it."""
        return next((row for row in self.rows if row.component == component), ComponentBytes(component, 0, 0, 0, 0, ()))

    def to_json(self) -> dict[str, Any]:
        """For JSON."""
        components = [
            {**asdict(row), "by_dtype": dict(row.by_dtype), "before_by_dtype": dict(row.before_by_dtype)}
            for row in self.rows
        ]
        return {"before": self.before, "after": self.after, "components": components}


def predict(
    tensors: Iterable[TensorInfo],
    component_of: Callable[[str], str],
    policy: Policy,
    *,
    wide: DType | None = None,
) -> MemoryTable:
    """What a policy would save, without reading a weight.

    Args:
        tensors: Names, types and shapes.
        component_of: Component of a name, as :meth:`Architecture.component_of`.
        policy: What is converted.
        wide: The type in which floating-point tensors that stay are held afterwards (a webui halves them); None for
            the type that they have.

    Returns:
        The table; ``before`` counts the types as they are.
    """
    infos = list(tensors)
    after = [held for info in infos for held in _predicted(info, component_of(info.name), policy, wide)]
    return tabulate((Held(info.name, info.dtype.name, info.nbytes) for info in infos), after, component_of)


def tabulate(before: Iterable[Held], after: Iterable[Held], component_of: Callable[[str], str]) -> MemoryTable:
    """Compare two states of a model.

    Args:
        before: Its tensors without fp8.
        after: Its tensors and their scales with it.
        component_of: Component of a name.
    """
    fp8 = {fmt.tag for fmt in FORMATS}
    rows: dict[str, _Row] = {}
    names = set()
    for held in before:
        names.add(held.name)
        row = rows.setdefault(component_of(held.name), _Row())
        row.before[held.dtype] += held.nbytes
        row.tensors += 1
    for held in after:
        row = rows.setdefault(component_of(held.name), _Row())
        row.after[held.dtype] += held.nbytes
        row.converted += held.dtype in fp8 and held.name in names  # a file's mark of fp8 is of that type too
    return MemoryTable(tuple(row.freeze(component) for component, row in rows.items()))


def scale_bytes(shape: tuple[int, ...], scaling: Scaling) -> int:
    """Bytes of the scales of one converted weight."""
    if scaling is Scaling.NONE:
        return 0
    return SCALE_BYTES * (shape[0] if scaling is Scaling.CHANNEL and len(shape) > 1 else 1)


def _predicted(info: TensorInfo, component: str, policy: Policy, wide: DType | None) -> Iterator[Held]:
    decision = policy.decide(info.name, component, info.shape, floating=info.dtype.floating)
    if decision.convert:
        yield Held(info.name, policy.fmt.tag, info.count)
        yield Held(info.name, "F32", scale_bytes(info.shape, decision.scaling))
    elif wide is not None and info.dtype.floating:
        yield Held(info.name, wide.name, wide.nbytes(info.count))
    else:
        yield Held(info.name, info.dtype.name, info.nbytes)


class _Row:
    """A row being counted."""

    def __init__(self) -> None:
        self.tensors = self.converted = 0
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()

    def freeze(self, component: str) -> ComponentBytes:
        before, after = self.before.total(), self.after.total()
        largest_first = (tuple((+counts).most_common()) for counts in (self.after, self.before))
        return ComponentBytes(component, before, after, self.converted, self.tensors, *largest_first)
