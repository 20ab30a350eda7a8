"""What a checkpoint file is, from its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.checkpoint.architectures import Architecture, detect_architecture, prediction_type
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.checkpoint.header import Header
from lib_kohaku.checkpoint.source import load_header


@dataclass(frozen=True)
class Share:
    """A part of a file: number of tensors, of parameters, and of bytes."""

    tensors: int = 0
    parameters: int = 0
    nbytes: int = 0

    def plus(self, parameters: int, nbytes: int) -> Share:
        """With one more tensor."""
        return Share(self.tensors + 1, self.parameters + parameters, self.nbytes + nbytes)


@dataclass(frozen=True)
class Inspection:
    """A checkpoint at a glance.

    Attributes:
        path: The file.
        header: Its header.
        architecture: What it is.
        prediction: ``epsilon``, ``v`` or ``edm``.
        components: Component to its share.
        dtypes: Element type to its share.
        blocks: Block or slot to its share; empty where blocks are not defined.
    """

    path: Path
    header: Header
    architecture: Architecture
    prediction: str
    components: Mapping[str, Share]
    dtypes: Mapping[str, Share]
    blocks: Mapping[str, Share]


def inspect_checkpoint(path: Path) -> Inspection:
    """Read a file's header and sort its tensors.

    Raises:
        CheckpointError: If the file is missing or damaged.
    """
    header = load_header(path)
    architecture = detect_architecture(header.tensors)
    slots = block_map(architecture.blocks) if architecture.blocks else None
    components: dict[str, Share] = {}
    dtypes: dict[str, Share] = {}
    blocks: dict[str, Share] = {}
    for key, info in header.tensors.items():
        component = architecture.component_of(key)
        components[component] = components.get(component, Share()).plus(info.count, info.nbytes)
        dtypes[info.dtype.name] = dtypes.get(info.dtype.name, Share()).plus(info.count, info.nbytes)
        slot = slots.slot_of(key) if slots is not None else None
        if slot is not None:
            blocks[slot] = blocks.get(slot, Share()).plus(info.count, info.nbytes)
    if slots is not None:
        order = [*slots.names, *slots.extra]
        blocks = {slot: blocks[slot] for slot in order if slot in blocks}
    return Inspection(path, header, architecture, prediction_type(header), components, dtypes, blocks)
