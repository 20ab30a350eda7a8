"""Small models with every kind of layer that matters, named as in a checkpoint."""

from __future__ import annotations

import torch
from torch import nn

from lib_kohaku.fp8.policy import Policy

EVERYTHING = Policy(everything=True)


class Block(nn.Module):
    """Convolution, norm, attention, linear: what a UNet block is made of."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(4, channels)
        self.down = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=False)
        self.attn = nn.MultiheadAttention(2 * channels, 4, batch_first=True)
        self.layer_norm = nn.LayerNorm(2 * channels)
        self.mlp = nn.Sequential(nn.Linear(2 * channels, 64), nn.GELU(), nn.Linear(64, 2 * channels, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.silu(self.norm(self.conv(x)))
        tokens = self.down(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.attn(tokens, tokens, tokens, need_weights=False)[0]
        return tokens + self.mlp(self.layer_norm(tokens))


def make_block(seed: int = 0, dtype: torch.dtype = torch.float32) -> Block:
    """A block with weights spread as in trained models."""
    torch.manual_seed(seed)
    block = Block()
    with torch.no_grad():
        for parameter in block.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.08)
            elif parameter.numel():
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return block.to(dtype).eval()


def make_input(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(99)).to(dtype)


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all parameters and buffers."""
    return {name: tensor.detach().clone() for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


def same_tensors(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Equal names, types and bits."""
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and torch.equal(left[name], right[name]) for name in left
    )


WEIGHTS = (
    "conv.weight",
    "down.weight",
    "attn.in_proj_weight",
    "attn.out_proj.weight",
    "mlp.0.weight",
    "mlp.2.weight",
)
