"""``forward`` of the three kinds of layers, after torch's own (torch/nn/modules/linear.py, conv.py, activation.py)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import nn

from lib_kohaku.fp8.attach.compute import compute_dtype
from lib_kohaku.fp8.attach.deltas import LowRank
from lib_kohaku.fp8.attach.layer import ManagedLayer


class ManagedLinear(ManagedLayer):
    """``nn.Linear``; low-rank changes as side branches."""

    module: nn.Linear

    def forward(self, input: torch.Tensor) -> Any:  # noqa: A002 (torch's name, callers may use it)
        """As ``nn.Linear.forward``: (..., inputs) to (..., outputs)."""
        module = self.module
        if not self.managed:
            return type(module).forward(module, input)
        device, dtype = input.device, compute_dtype(input)
        weight, bias = self.weight_and_bias("weight", module.bias, device, dtype)
        output = F.linear(input, weight, bias)
        for branch in self.branches("weight", device, dtype):
            output = output + F.linear(F.linear(input, branch.down), branch.up) * branch.strength
        return output


class ManagedConv2d(ManagedLayer):
    """``nn.Conv2d``; low-rank changes as side branches.

    Padding goes through the module's own ``_conv_forward``: hosts switch ``padding_mode`` on live modules (tiling).
    """

    module: nn.Conv2d

    def forward(self, input: torch.Tensor) -> Any:  # noqa: A002 (torch's name, callers may use it)
        """As ``nn.Conv2d.forward``: ([batch,] inputs, height, width) to ([batch,] outputs, height, width)."""
        module = self.module
        if not self.managed:
            return type(module).forward(module, input)
        device, dtype = input.device, compute_dtype(input)
        # A side branch of a grouped convolution would need factors per group.
        fold = module.groups != 1
        weight, bias = self.weight_and_bias("weight", module.bias, device, dtype, fold=fold)
        output = module._conv_forward(input, weight, bias)
        for branch in [] if fold else self.branches("weight", device, dtype):
            output = output + self._branch(input, branch) * branch.strength
        return output

    def _branch(self, values: torch.Tensor, branch: LowRank) -> torch.Tensor:
        """The factor with the kernel strides and pads as the layer does; the others are pointwise."""
        if branch.mid is None:
            inner = self.module._conv_forward(values, branch.down, None)
        else:
            inner = self.module._conv_forward(F.conv2d(values, branch.down), branch.mid, None)
        return F.conv2d(inner, branch.up)


class ManagedAttention(ManagedLayer):
    """``nn.MultiheadAttention`` with one packed input projection; changes are added to the decoded weights.

    Its ``out_proj`` is a module whose ``forward`` nobody calls, so both weights are managed here.
    """

    module: nn.MultiheadAttention

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        """As ``nn.MultiheadAttention.forward``.

        Floating-point masks are cast to the compute type: under CPU autocast torch's own attention refuses SDXL's.
        """
        module = self.module
        if not self.managed:
            return type(module).forward(
                module, query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal
            )
        dtype = compute_dtype(query)
        query, key, value = _cast_together(query, key, value, dtype)
        transposed = module.batch_first and query.dim() == 3
        if transposed:
            query, key, value = _transposed_together(query, key, value)
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            module.embed_dim,
            module.num_heads,
            *self._projection("in_proj_weight", module.in_proj_weight, module.in_proj_bias, query.device, dtype),
            _cast(module.bias_k, dtype),
            _cast(module.bias_v, dtype),
            module.add_zero_attn,
            module.dropout,
            *self._projection("out_proj.weight", module.out_proj.weight, module.out_proj.bias, query.device, dtype),
            training=module.training,
            key_padding_mask=_cast_mask(key_padding_mask, dtype),
            need_weights=need_weights,
            attn_mask=_cast_mask(attn_mask, dtype),
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(0, 1) if transposed else output), weights

    def _projection(
        self, role: str, weight: torch.Tensor, bias: torch.Tensor | None, device: torch.device, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A projection's weight and bias, decoded if it is managed."""
        if role in self.weights:
            return self.weight_and_bias(role, bias, device, dtype, fold=True)
        return weight.to(dtype), _cast(bias, dtype)


def _cast(tensor: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor | None:
    return None if tensor is None else tensor.to(dtype)


def _cast_mask(mask: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor | None:
    return mask if mask is None or mask.dtype == torch.bool else mask.to(dtype)


Three = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _cast_together(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dtype: torch.dtype) -> Three:
    """Cast, keeping equal tensors one object: torch projects self-attention in one product only then."""
    new_query = query.to(dtype)
    new_key = new_query if key is query else key.to(dtype)
    return new_query, new_key, new_key if value is key else value.to(dtype)


def _transposed_together(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> Three:
    """Batch-first to sequence-first, keeping equal tensors one object."""
    new_query = query.transpose(0, 1)
    new_key = new_query if key is query else key.transpose(0, 1)
    return new_query, new_key, new_key if value is key else value.transpose(0, 1)
