"""Writing a safetensors file tensor by tensor, in a fixed order, without ever holding it in memory."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from lib_kohaku.checkpoint.dtypes import DType
from lib_kohaku.checkpoint.header import MAX_HEADER_BYTES
from lib_kohaku.checkpoint.io.atomic import create_temporary, publish, sweep_temporaries
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.io.raw_writer import RawWriter
from lib_kohaku.errors import OutputExistsError, RefusedError


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor that will be written: its key, element type and shape."""

    name: str
    dtype: DType
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of elements."""
        product = 1
        for size in self.shape:
            product *= size
        return product

    @property
    def nbytes(self) -> int:
        """Bytes of data."""
        return self.dtype.nbytes(self.count)


def storage_order(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """The order in which tensors are stored: widest element type first, else as given.

    With it every tensor starts at a multiple of its element size, as readers that map the file need.
    """
    return sorted(specs, key=lambda spec: -spec.dtype.bits)


def encode_header(specs: Sequence[TensorSpec], metadata: Mapping[str, str]) -> bytes:
    """The bytes before the data: length, JSON, padding to a multiple of 8.

    Args:
        specs: The tensors in the order of their data.
        metadata: Text for ``__metadata__``; left out when empty.

    Raises:
        RefusedError: If the header would be larger than readers accept, or holds what is not valid Unicode.
    """
    document: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for spec in specs:
        end = position + spec.nbytes
        document[spec.name] = {"dtype": spec.dtype.name, "shape": list(spec.shape), "data_offsets": [position, end]}
        position = end
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        part = error.object[max(0, error.start - 40) : error.end + 40]
        raise RefusedError(f"This is not valid Unicode and cannot be written: {part!r}") from error
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER_BYTES:
        raise RefusedError(f"The header would be {len(text)} bytes; the format allows {MAX_HEADER_BYTES}.")
    return struct.pack("<Q", len(text)) + text


class CheckpointWriter:
    """A safetensors file under construction. A context manager: leaving it without :meth:`finish` leaves no file.

    The data of the tensors are appended in the order of ``specs`` through :meth:`reserve` and :meth:`commit`, or
    :meth:`write`; where one tensor ends and the next begins is for the caller to know.
    """

    def __init__(
        self,
        path: Path,
        specs: Sequence[TensorSpec],
        metadata: Mapping[str, str],
        *,
        overwrite: bool = False,
        mode: IOMode = IOMode.AUTO,
    ) -> None:
        """Sweep leftovers, create the temporary file, write the header.

        Args:
            path: The final path.
            specs: All tensors in the order of their data (see :func:`storage_order`).
            metadata: Text for the header.
            overwrite: Whether a file at ``path`` may be replaced, at the very end.
            mode: How to write.

        Raises:
            RefusedError: See :func:`encode_header`.
            OutputExistsError: If ``path`` exists and may not be replaced.
            FailedError: If the temporary file cannot be made or the disk is full.
        """
        if path.exists() and not overwrite:
            raise OutputExistsError(f"{path.name} exists already.")
        self.path = path
        self._overwrite = overwrite
        header = encode_header(specs, metadata)
        self._total = len(header) + sum(spec.nbytes for spec in specs)
        self._written = 0
        self.swept = sweep_temporaries(path.parent)
        self._temporary, self._raw = create_temporary(path, lambda made: RawWriter(made, self._total, mode))
        try:
            self.write(header)
        except BaseException:
            self.close()
            raise

    def reserve(self, nbytes: int) -> memoryview:
        """Memory for the next bytes: at least one, at most ``nbytes``.

        Raises:
            FailedError: If the disk is full or failed.
        """
        return self._raw.reserve(nbytes)

    def commit(self, nbytes: int) -> None:
        """Take the first ``nbytes`` of what was reserved as written."""
        self._raw.commit(nbytes)
        self._written += nbytes

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            FailedError: If the disk is full or failed.
        """
        self._raw.write(data)
        self._written += len(data)

    def finish(self) -> None:
        """Sync the file and give it its name.

        Raises:
            ValueError: If fewer or more bytes were written than the header promises.
            OutputExistsError: If somebody else made a file of that name meanwhile.
            FailedError: If the disk is full or failed.
        """
        if self._written != self._total:
            raise ValueError(f"{self._written} bytes written, {self._total} announced")
        self._raw.finish()
        publish(self._temporary, self.path, overwrite=self._overwrite, held=self._raw)
        self._raw.close()

    def close(self) -> None:
        """Stop and remove the temporary file if it is still there."""
        try:
            self._raw.close()
        finally:  # also when an impatient user interrupts the waiting
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> CheckpointWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
