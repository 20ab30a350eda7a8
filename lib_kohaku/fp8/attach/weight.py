"""One parameter of a live model that holds codes instead of numbers."""

from __future__ import annotations

import torch

from lib_kohaku.fp8.codecs import Fp8Format, Quantised, Scaling, decode
from lib_kohaku.fp8.errors import Fp8Error

_BUFFER_PREFIX = "_kohaku_"


def is_bookkeeping(name: str) -> bool:
    """Whether a buffer of that name is one of those that managed weights keep beside their codes."""
    return name.rpartition(".")[2].startswith(_BUFFER_PREFIX)


class ManagedWeight:
    """A parameter whose values are fp8 codes, for as long as it is managed.

    The codes are a ``uint8`` parameter of the same name and shape. Hosts convert whole models with ``.half()``,
    ``.float()`` and ``.to(dtype)``, which leave integers alone, and move them with ``.to(device)``, which takes
    integers along. For the same reason scales per channel are kept as the bits of float32 in an int32 buffer, and the
    type that the weight would have by now is read off an empty floating-point buffer that those calls convert.

    Attributes:
        name: The parameter's whole name, as in a checkpoint.
        owner: The module that has the parameter.
        attribute: The parameter's name in it.
    """

    def __init__(self, name: str, owner: torch.nn.Module, attribute: str) -> None:
        self.name = name
        self.owner = owner
        self.attribute = attribute
        self._scale_buffer = f"{_BUFFER_PREFIX}{attribute}_scale"
        self._dtype_buffer = f"{_BUFFER_PREFIX}{attribute}_dtype"

    @property
    def parameter(self) -> torch.nn.Parameter:
        """What is in the module now."""
        parameter = self.owner._parameters[self.attribute]
        assert parameter is not None
        return parameter

    def install(self, quantised: Quantised) -> None:
        """Put codes in the place of the parameter."""
        original = self.parameter
        self._fmt = quantised.fmt
        self._scaling = Scaling.CHANNEL if isinstance(quantised.scale, torch.Tensor) else Scaling.TENSOR
        self._requires_grad = original.requires_grad
        self._scale = 1.0 if isinstance(quantised.scale, torch.Tensor) else quantised.scale
        if isinstance(quantised.scale, torch.Tensor):
            self.owner.register_buffer(self._scale_buffer, quantised.scale.view(torch.int32), persistent=False)
        marker = torch.empty(0, dtype=original.dtype, device=quantised.codes.device)
        self.owner.register_buffer(self._dtype_buffer, marker, persistent=False)
        self.owner.register_parameter(self.attribute, torch.nn.Parameter(quantised.codes, requires_grad=False))

    def restored(self, values: torch.Tensor | None) -> torch.nn.Parameter:
        """The ordinary parameter that :meth:`uninstall` wants; the module is not touched.

        Args:
            values: The weight; None for what the codes say. Copied, cast to the type and moved to the device that the
                parameter would have had without fp8.

        Raises:
            Fp8Error: If ``values`` has another shape.
        """
        codes = self.codes
        if values is None:
            return torch.nn.Parameter(self.decode(self.dtype), requires_grad=self._requires_grad)
        if values.shape != codes.shape:
            raise Fp8Error(f"'{self.name}' has shape {tuple(codes.shape)}, its source gives {tuple(values.shape)}")
        # Memory of its own (the source's may be a mapped file), in the layout that the codes have by now.
        restored = torch.empty_like(codes, dtype=self.dtype).copy_(values)
        return torch.nn.Parameter(restored, requires_grad=self._requires_grad)

    def without_data(self) -> torch.nn.Parameter:
        """An ordinary parameter of the shape and type that it would have by now, on the meta device."""
        empty = torch.empty(self.codes.shape, dtype=self.dtype, device="meta")
        return torch.nn.Parameter(empty, requires_grad=self._requires_grad)

    def uninstall(self, parameter: torch.nn.Parameter) -> None:
        """Put an ordinary parameter in the place of the codes."""
        self.owner.register_parameter(self.attribute, parameter)
        for name in (self._scale_buffer, self._dtype_buffer):
            self.owner._buffers.pop(name, None)
            self.owner._non_persistent_buffers_set.discard(name)

    def decode(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight in a floating-point type, freshly made."""
        if dtype == torch.float64:
            return decode(self.codes, self._fmt, self.scale, torch.float32).to(torch.float64)
        return decode(self.codes, self._fmt, self.scale, dtype)

    @property
    def codes(self) -> torch.Tensor:
        """uint8, the weight's shape.

        Raises:
            Fp8Error: If something turned the codes into another type.
        """
        codes = self.parameter.detach()
        if codes.dtype != torch.uint8:
            raise Fp8Error(f"something turned the fp8 codes of '{self.name}' into {codes.dtype}; load the model again")
        return codes

    @property
    def scale(self) -> float | torch.Tensor:
        """One number, or float32 of shape (channels,) on the codes' device."""
        bits = self.owner._buffers.get(self._scale_buffer)
        return self._scale if bits is None else bits.view(torch.float32)

    @property
    def quantised(self) -> Quantised:
        """Codes, format and scale together."""
        return Quantised(self.codes, self._fmt, self.scale)

    @property
    def dtype(self) -> torch.dtype:
        """The type that the weight would have if it were an ordinary parameter."""
        marker = self.owner._buffers[self._dtype_buffer]
        assert marker is not None
        return marker.dtype

    @property
    def kind(self) -> tuple[Fp8Format, Scaling, torch.dtype] | None:
        """Format, scaling and :attr:`dtype`, for those who count while others convert; None if it is ordinary."""
        marker = self.owner._buffers.get(self._dtype_buffer)
        return None if marker is None else (self._fmt, self._scaling, marker.dtype)

    @property
    def scaling(self) -> Scaling:
        """How many scales it has."""
        return self._scaling
