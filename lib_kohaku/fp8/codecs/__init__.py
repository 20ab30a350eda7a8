"""fp8 as numbers: formats, exact conversion both ways, scales."""

from lib_kohaku.fp8.codecs.decode import decode
from lib_kohaku.fp8.codecs.encode import encode
from lib_kohaku.fp8.codecs.formats import E4M3FN, E5M2, FORMATS, FP8_TAGS, Fp8Format, format_named
from lib_kohaku.fp8.codecs.quantised import Quantised, Scale, quantise, quantise_with, refuse_special_codes
from lib_kohaku.fp8.codecs.scales import Scaling, choose_exponents

__all__ = [
    "E4M3FN",
    "E5M2",
    "FORMATS",
    "FP8_TAGS",
    "Fp8Format",
    "Quantised",
    "Scale",
    "Scaling",
    "choose_exponents",
    "decode",
    "encode",
    "format_named",
    "quantise",
    "quantise_with",
    "refuse_special_codes",
]
