"""Mini SD1 checkpoints: true keys, sizes that the webui accepts, and a ``.yaml`` beside each that tells them."""

from __future__ import annotations

import json
from pathlib import Path

from devtools.key_tables import key_table
from devtools.sample_checkpoints import write_sample
from lib_kohaku.checkpoint.writer import TensorSpec
from tests.webui.minis import Weights

_UNET, _TEXT, _VAE = "model.diffusion_model.", "cond_stage_model.", "first_stage_model."
_CONTEXT, _MINI_CONTEXT = 768, 64
_IMAGE_CHANNELS = (3, 4, 8)


def write_mini_sd1(path: Path, clip: Path, seed: int) -> None:
    """One checkpoint.

    Args:
        path: The file.
        clip: Folder of the mini CLIP-L, for its tokenizer and sizes.
        seed: Of its weights.
    """
    specs = [_shrunk(spec) for spec in key_table("sd1") if spec.name.startswith((_UNET, _TEXT, _VAE))]
    write_sample(path, specs, Weights(seed))  # type: ignore[arg-type]
    # JSON is YAML.
    path.with_suffix(".yaml").write_text(json.dumps(_config(clip), indent=1))


def _shrunk(spec: TensorSpec) -> TensorSpec:
    sizes = list(spec.shape)
    for axis, size in enumerate(sizes[:2]):
        if spec.name.startswith(_UNET) and size not in _IMAGE_CHANNELS:
            is_context = axis == 1 and ".attn2.to_" in spec.name and not spec.name.endswith("to_q.weight")
            is_context = is_context and "to_out" not in spec.name
            sizes[axis] = _MINI_CONTEXT if is_context else size // 10
        elif spec.name.startswith(_TEXT):
            sizes[axis] = {_CONTEXT: _MINI_CONTEXT, 4 * _CONTEXT: 2 * _MINI_CONTEXT}.get(size, size)
        elif spec.name.startswith(_VAE) and size not in _IMAGE_CHANNELS:
            sizes[axis] = size // 4
    return TensorSpec(spec.name, spec.dtype, tuple(sizes))


def _config(clip: Path) -> dict:
    return {
        "model": {
            "target": "ldm.models.diffusion.ddpm.LatentDiffusion",
            "params": {
                "linear_start": 0.00085,
                "linear_end": 0.012,
                "num_timesteps_cond": 1,
                "log_every_t": 200,
                "timesteps": 1000,
                "first_stage_key": "jpg",
                "cond_stage_key": "txt",
                "image_size": 64,
                "channels": 4,
                "cond_stage_trainable": False,
                "conditioning_key": "crossattn",
                "monitor": "val/loss_simple_ema",
                "scale_factor": 0.18215,
                "use_ema": False,
                "unet_config": _unet(),
                "first_stage_config": _vae(),
                "cond_stage_config": {
                    "target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder",
                    "params": {"version": str(clip)},
                },
            },
        }
    }


def _unet() -> dict:
    return {
        "target": "ldm.modules.diffusionmodules.openaimodel.UNetModel",
        "params": {
            "image_size": 32,
            "in_channels": 4,
            "out_channels": 4,
            "model_channels": 32,
            "attention_resolutions": [4, 2, 1],
            "num_res_blocks": 2,
            "channel_mult": [1, 2, 4, 4],
            "num_heads": 8,
            "use_spatial_transformer": True,
            "transformer_depth": 1,
            "context_dim": _MINI_CONTEXT,
            "use_checkpoint": False,
            "legacy": False,
        },
    }


def _vae() -> dict:
    return {
        "target": "ldm.models.autoencoder.AutoencoderKL",
        "params": {
            "embed_dim": 4,
            "monitor": "val/rec_loss",
            "ddconfig": {
                "double_z": True,
                "z_channels": 4,
                "resolution": 256,
                "in_channels": 3,
                "out_ch": 3,
                "ch": 32,
                "ch_mult": [1, 2, 4, 4],
                "num_res_blocks": 2,
                "attn_resolutions": [],
                "dropout": 0.0,
            },
            "lossconfig": {"target": "torch.nn.Identity"},
        },
    }
