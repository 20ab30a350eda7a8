"""How tools mark fp8 weights in files.

Sources: ComfyUI (``comfy/ops.py``, ``comfy/quant_ops.py``, ``QUANTIZATION.md``), convert_to_quant. All of them mean
``weight = code * scale``.

* *plain*: nothing but the element type.
* *scaled* (ComfyUI 2024): ``LAYER.scale_weight``, optional ``LAYER.scale_input``, a tensor ``PREFIXscaled_fp8``.
* *mixed* (ComfyUI since late 2025): ``LAYER.weight_scale``, optional ``LAYER.input_scale``, ``LAYER.comfy_quant``
  (bytes of JSON that name the format), and / or ``_quantization_metadata`` in the header.
"""

from __future__ import annotations

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, Fp8Format

WEIGHT = ".weight"
SCALE_WEIGHT = ".scale_weight"
WEIGHT_SCALE = ".weight_scale"
SCALE_ENDINGS = (SCALE_WEIGHT, WEIGHT_SCALE)
# Scales of activations serve fp8 matrix products, which we do not do.
ACTIVATION_ENDINGS = (".scale_input", ".input_scale")
COMFY_QUANT = ".comfy_quant"
SCALED_MARKER = "scaled_fp8"
HEADER_ENTRY = "_quantization_metadata"

# What ``comfy_quant`` and the header entry call the formats that we read.
FORMAT_NAMES: dict[str, Fp8Format] = {
    "float8_e4m3fn": E4M3FN,
    "float8_e5m2": E5M2,
    "float8_e4m3fn_rowwise": E4M3FN,
    "float8_e5m2_rowwise": E5M2,
}

# Endings of tensors that only other quantisations have, and what those are called.
FOREIGN_ENDINGS: dict[str, str] = {
    ".weight_scale_2": "nvfp4 (4-bit blocks with two scales)",
    ".pre_quant_scale": "quantisation with scaled inputs (SmoothQuant, AWQ)",
    ".weight_scale_inv": "fp8 with scales per block of 128 x 128",
    ".qweight": "4-bit integers (GPTQ or AWQ)",
    ".qzeros": "4-bit integers (GPTQ or AWQ)",
    ".absmax": "nf4 or int8 of bitsandbytes",
    ".quant_map": "nf4 or int8 of bitsandbytes",
    ".SCB": "int8 of bitsandbytes",
}

# Element types of block scales and sub-byte weights.
FOREIGN_DTYPES: dict[str, str] = {
    "F8_E8M0": "mxfp8 or mxfp4 (blocks of 32)",
    "F4": "4-bit floating point",
    "F6_E2M3": "6-bit floating point",
    "F6_E3M2": "6-bit floating point",
}


def scale_key(weight: str) -> str:
    """Name of a weight's scale in the *scaled* scheme.

    Weights that are not called ``weight`` (``in_proj_weight``) keep their whole name in it.
    """
    return (weight.removesuffix(WEIGHT) if weight.endswith(WEIGHT) else weight) + SCALE_WEIGHT
