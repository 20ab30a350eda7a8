"""The element types of safetensors files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib_kohaku.errors import RefusedError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class DType:
    """One element type.

    Attributes:
        name: As written in safetensors headers, such as ``"F16"``.
        bits: Bits per element; 4 and 6 for the sub-byte types, which we can copy but not compute with.
        floating: Whether values of it can be merged.
        torch_name: Its name in ``torch``, empty where the oldest supported torch has none. Such tensors are copied
            byte for byte.
    """

    name: str
    bits: int
    floating: bool
    torch_name: str

    @property
    def torch(self) -> torch.dtype:
        """The torch dtype.

        Raises:
            RefusedError: If torch has no such dtype.
        """
        import torch

        found = getattr(torch, self.torch_name, None) if self.torch_name else None
        if not isinstance(found, torch.dtype):
            raise RefusedError(f"Tensors of type {self.name} can be copied but not computed with.")
        return found

    def nbytes(self, count: int) -> int:
        """Bytes that ``count`` elements take (rounded up for the sub-byte types)."""
        return (count * self.bits + 7) // 8


_ALL = (
    DType("F64", 64, True, "float64"),
    DType("F32", 32, True, "float32"),
    DType("F16", 16, True, "float16"),
    DType("BF16", 16, True, "bfloat16"),
    DType("F8_E4M3", 8, True, "float8_e4m3fn"),
    DType("F8_E5M2", 8, True, "float8_e5m2"),
    DType("I64", 64, False, "int64"),
    DType("I32", 32, False, "int32"),
    DType("I16", 16, False, "int16"),
    DType("I8", 8, False, "int8"),
    DType("U8", 8, False, "uint8"),
    DType("BOOL", 8, False, "bool"),
    DType("U64", 64, False, ""),
    DType("U32", 32, False, ""),
    DType("U16", 16, False, ""),
    DType("C64", 64, False, ""),
    DType("F8_E8M0", 8, False, ""),
    DType("F6_E2M3", 6, False, ""),
    DType("F6_E3M2", 6, False, ""),
    DType("F4", 4, False, ""),
)

DTYPES: dict[str, DType] = {dtype.name: dtype for dtype in _ALL}

# How people write the types that can be asked for as output.
OUTPUT_DTYPES: dict[str, DType] = {
    "fp32": DTYPES["F32"],
    "fp16": DTYPES["F16"],
    "bf16": DTYPES["BF16"],
    "fp8_e4m3fn": DTYPES["F8_E4M3"],
    "fp8_e5m2": DTYPES["F8_E5M2"],
}


def from_torch(dtype: torch.dtype) -> DType:
    """The :class:`DType` of a torch dtype.

    Raises:
        RefusedError: If safetensors files cannot hold it.
    """
    name = str(dtype).removeprefix("torch.")
    for candidate in _ALL:
        if candidate.torch_name == name:
            return candidate
    raise RefusedError(f"Tensors of type {name} cannot be stored in a safetensors file.")
