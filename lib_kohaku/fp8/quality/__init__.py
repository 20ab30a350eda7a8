"""How much of a weight survives its conversion."""

from lib_kohaku.fp8.quality.fused import quantise_and_measure
from lib_kohaku.fp8.quality.measure import measure
from lib_kohaku.fp8.quality.values import QualitySummary, WeightQuality, summarise

__all__ = ["QualitySummary", "WeightQuality", "measure", "quantise_and_measure", "summarise"]
