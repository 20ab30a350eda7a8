"""Mini SDXL checkpoints, and what the webui needs to take them for SDXL.

An extension of the test's own, in the test's data folder, tells open_clip of a tiny text encoder and points the webui's
SDXL configuration to one with small numbers. So switching between the minis swaps weights in place, as it does with
real SDXL files, and merged files need no ``.yaml`` beside them.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import zlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from devtools.key_tables import key_table
from devtools.sample_checkpoints import write_sample
from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.writer import TensorSpec, encode_header

_LARGE_TENSOR = 8_000_000
_CLIP_G = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 32},
}


class Weights:
    """Numbers whose size fits the layer, so that images come out as noise and not as one flat colour."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tensor: tuple[str, torch.Tensor] = ("", torch.empty(0))

    def fill(self, spec: TensorSpec, start: int, out: torch.Tensor) -> None:
        if self._tensor[0] != spec.name:
            self._tensor = (spec.name, self._values(spec))
        out.copy_(self._tensor[1][start : start + len(out)])

    def _values(self, spec: TensorSpec) -> torch.Tensor:
        if not spec.dtype.floating:
            return torch.arange(spec.count)
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + zlib.crc32(spec.name.encode()))
        noise = torch.randn(spec.count, generator=generator)
        if spec.name.endswith("logit_scale"):
            return torch.full((spec.count,), 4.6)
        if spec.name.endswith("bias"):
            return noise * 0.02
        if len(spec.shape) == 1:
            return 1 + noise * 0.02
        if "embedding" in spec.name:
            return noise * 0.1
        fan_in = spec.shape[0] if spec.name.endswith("text_projection") else math.prod(spec.shape[1:])
        return noise / math.sqrt(fan_in)


def write_mini(path: Path, seed: int) -> Path:
    """One checkpoint of 77 MB."""
    return write_sample(path, key_table("sdxl_mini"), Weights(seed))  # type: ignore[arg-type]


def write_vae(path: Path, mini: Path) -> Path:
    """A mini's VAE with other numbers, alone and under the names that such files have."""
    prefix = "first_stage_model."
    tensors = {name[len(prefix) :]: values for name, values in load_file(mini).items() if name.startswith(prefix)}
    save_file({name: values * 0.9 for name, values in tensors.items()}, path)
    return path


def write_large(path: Path, gigabytes: float, seed: int) -> Path:
    """A file without architecture that takes long to merge but little room: but for its ends it is a hole.

    The webui lists it like any other checkpoint; nobody loads it.
    """
    count = int(gigabytes * 1e9 / (_LARGE_TENSOR * 2))
    specs = [TensorSpec(f"large.{index}.weight", DTYPES["F16"], (_LARGE_TENSOR,)) for index in range(count)]
    header = encode_header(specs, {"seed": str(seed)})
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + sum(spec.nbytes for spec in specs))
    return path


def write_velocity(path: Path, seed: int) -> Path:
    """A mini that predicts velocity, which only the configuration beside it tells."""
    write_mini(path, seed)
    extension = next(path.parents[2].glob("extensions/*/mini_sdxl.yaml"))
    path.with_suffix(".yaml").write_text(extension.read_text().replace("EpsScaling", "VScaling"))
    return path


def write_extension(folder: Path, python: Path) -> None:
    """The extension that makes the webui take minis for SDXL."""
    scripts = folder / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "mini_extension.py", scripts / "mini_sdxl.py")
    shutil.copy(Path(__file__).parent / "extension" / "probe.py", scripts)
    (folder / "kohaku-mini-g.json").write_text(json.dumps(_CLIP_G))
    clip = folder / "clip_l"
    subprocess.run([python, Path(__file__).parent / "clip_folder.py", clip], check=True, capture_output=True)
    # JSON is YAML; the webui reads the file with a YAML reader.
    (folder / "mini_sdxl.yaml").write_text(json.dumps(_config(clip), indent=1))


def _config(clip: Path) -> dict:
    denoiser = "sgm.modules.diffusionmodules"
    return {
        "model": {
            "target": "sgm.models.diffusion.DiffusionEngine",
            "params": {
                "scale_factor": 0.13025,
                "disable_first_stage_autocast": True,
                "denoiser_config": {
                    "target": f"{denoiser}.denoiser.DiscreteDenoiser",
                    "params": {
                        "num_idx": 1000,
                        "weighting_config": {"target": f"{denoiser}.denoiser_weighting.EpsWeighting"},
                        "scaling_config": {"target": f"{denoiser}.denoiser_scaling.EpsScaling"},
                        "discretization_config": {"target": f"{denoiser}.discretizer.LegacyDDPMDiscretization"},
                    },
                },
                "network_config": _unet(),
                "conditioner_config": _conditioner(clip),
                "first_stage_config": _vae(),
            },
        }
    }


def _unet() -> dict:
    return {
        "target": "sgm.modules.diffusionmodules.openaimodel.UNetModel",
        "params": {
            "adm_in_channels": 1600,
            "num_classes": "sequential",
            "use_checkpoint": True,
            "in_channels": 4,
            "out_channels": 4,
            "model_channels": 32,
            "attention_resolutions": [4, 2],
            "num_res_blocks": 2,
            "channel_mult": [1, 2, 4],
            "num_head_channels": 16,
            "use_spatial_transformer": True,
            "use_linear_in_transformer": True,
            "transformer_depth": [1, 2, 10],
            "context_dim": 128,
            "spatial_transformer_attn_type": "softmax-xformers",
            "legacy": False,
        },
    }


def _conditioner(clip: Path) -> dict:
    encoders = "sgm.modules.encoders.modules"
    texts = [
        ("FrozenCLIPEmbedder", {"version": str(clip), "layer": "hidden", "layer_idx": 11}),
        (
            "FrozenOpenCLIPEmbedder2",
            {
                "arch": "kohaku-mini-g",
                "version": "",
                "freeze": True,
                "layer": "penultimate",
                "always_return_pooled": True,
                "legacy": False,
            },
        ),
    ]
    models = [
        {"is_trainable": False, "input_key": "txt", "target": f"{encoders}.{name}", "params": params}
        for name, params in texts
    ]
    models += [
        {
            "is_trainable": False,
            "input_key": key,
            "target": f"{encoders}.ConcatTimestepEmbedderND",
            "params": {"outdim": 256},
        }
        for key in ("original_size_as_tuple", "crop_coords_top_left", "target_size_as_tuple")
    ]
    return {"target": "sgm.modules.GeneralConditioner", "params": {"emb_models": models}}


def _vae() -> dict:
    return {
        "target": "sgm.models.autoencoder.AutoencoderKLInferenceWrapper",
        "params": {
            "embed_dim": 4,
            "monitor": "val/rec_loss",
            "ddconfig": {
                "attn_type": "vanilla-xformers",
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
