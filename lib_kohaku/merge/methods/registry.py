"""All merge methods, on one page. A new method is one file in this folder and one line here."""

from __future__ import annotations

from lib_kohaku.merge.methods.add_difference import ADD_DIFFERENCE
from lib_kohaku.merge.methods.base import Method
from lib_kohaku.merge.methods.n_linear import AVERAGE, N_LINEAR
from lib_kohaku.merge.methods.sum_twice import SUM_TWICE
from lib_kohaku.merge.methods.triple_sum import TRIPLE_SUM
from lib_kohaku.merge.methods.weighted_sum import WEIGHTED_SUM

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        WEIGHTED_SUM,
        ADD_DIFFERENCE,
        TRIPLE_SUM,
        SUM_TWICE,
        N_LINEAR,
        AVERAGE,
    )
}
