"""How much memory a merge will take."""

from __future__ import annotations

from lib_kohaku.checkpoint.io.raw_writer import BLOCK_BYTES, BLOCKS
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.merge.execute.batches import READ_AHEAD, batch_limit, needs_whole
from lib_kohaku.merge.execute.kernel import BLOCK
from lib_kohaku.merge.plan.types import MergePlan, PlannedTensor

# Two float64 and two float32 accumulators, and the small change of threads and plans.
_WORK_BYTES = BLOCK * (8 + 8 + 4 + 4) + (16 << 20)


def peak_memory(plan: MergePlan) -> int:
    """Bytes of memory beyond what the process takes anyway (Python and torch: about 100 MB)."""
    models = len({role for tensor in plan.tensors for role in tensor.inputs})
    usual = models * READ_AHEAD * batch_limit(models) + BLOCKS * BLOCK_BYTES + _WORK_BYTES
    usual += max((_scaled(tensor) for tensor in plan.tensors if tensor.scaling is not Scaling.NONE), default=0)
    return usual + max((_whole(tensor) for tensor in plan.tensors if needs_whole(tensor)), default=0)


def _scaled(tensor: PlannedTensor) -> int:
    """Its values in float32, and its codes."""
    return (4 + 1) * tensor.spec.count


def _whole(tensor: PlannedTensor) -> int:
    """Inputs as stored and in float64, and a few temporaries of the method."""
    return tensor.bytes_read + 8 * tensor.spec.count * (len(tensor.inputs) + 3)
