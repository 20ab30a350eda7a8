"""Bytes by component before and after, from shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lib_kohaku.checkpoint.dtypes import DType
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.policy.policy import Decision, Policy

SCALE_BYTES = 4


@dataclass(frozen=True)
class ComponentBytes:
    """One row of a memory table.

    Attributes:
        component: ``unet``, ``te1``, ... or ``other``.
        before: Bytes of its tensors now.
        after: Bytes after conversion, scales included.
        converted: How many of its tensors are converted.
        tensors: How many tensors it has.
        by_dtype: (element type, bytes after), the largest first.
    """

    component: str
    before: int
    after: int
    converted: int
    tensors: int
    by_dtype: tuple[tuple[str, int], ...]


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

    def decide(info: TensorInfo) -> Decision:
        return policy.decide(info.name, component_of(info.name), info.shape, floating=info.dtype.floating)

    return tabulate(tensors, component_of, decide, policy.fmt.tag, wide=wide)


def tabulate(
    tensors: Iterable[TensorInfo],
    component_of: Callable[[str], str],
    decide: Callable[[TensorInfo], Decision],
    tag: str,
    *,
    wide: DType | None = None,
) -> MemoryTable:
    """The table for any rule of what is converted; see :func:`predict`.

    Args:
        tensors: Names, types before conversion and shapes.
        component_of: Component of a name.
        decide: Whether and how a tensor is converted.
        tag: Element type of what is converted.
        wide: As in :func:`predict`.
    """
    rows: dict[str, _Row] = {}
    for info in tensors:
        component = component_of(info.name)
        rows.setdefault(component, _Row()).add(info, decide(info), tag, wide)
    return MemoryTable(tuple(row.freeze(component) for component, row in rows.items()))


class _Row:
    """A row being counted."""

    def __init__(self) -> None:
        self.before = self.converted = self.tensors = 0
        self.by_dtype: dict[str, int] = {}

    def add(self, info: TensorInfo, decision: Decision, tag: str, wide: DType | None) -> None:
        self.before += info.nbytes
        self.tensors += 1
        if decision.convert:
            self.converted += 1
            self._count(tag, info.count)
            self._count("F32", scale_bytes(info.shape, decision.scaling))
        elif wide is not None and info.dtype.floating:
            self._count(wide.name, wide.nbytes(info.count))
        else:
            self._count(info.dtype.name, info.nbytes)

    def _count(self, dtype: str, nbytes: int) -> None:
        self.by_dtype[dtype] = self.by_dtype.get(dtype, 0) + nbytes

    def freeze(self, component: str) -> ComponentBytes:
        by_dtype = tuple(sorted(((dtype, n) for dtype, n in self.by_dtype.items() if n), key=lambda pair: -pair[1]))
        after = sum(nbytes for _, nbytes in by_dtype)
        return ComponentBytes(component, self.before, after, self.converted, self.tensors, by_dtype)


def scale_bytes(shape: tuple[int, ...], scaling: Scaling) -> int:
    """Bytes of the scales of one converted weight."""
    if scaling is Scaling.NONE:
        return 0
    return SCALE_BYTES * (shape[0] if scaling is Scaling.CHANNEL and len(shape) > 1 else 1)
