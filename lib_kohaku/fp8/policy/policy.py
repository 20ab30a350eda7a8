"""What a user chose, and what follows for one weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lib_kohaku.fp8.codecs import E4M3FN, Fp8Format, Scaling
from lib_kohaku.fp8.policy.rules import Kind, Rules, default_rules

EVERY_KIND = frozenset(Kind)


@dataclass(frozen=True)
class Decision:
    """What happens to one tensor.

    Attributes:
        convert: Whether it is held in fp8.
        scaling: How many scales it then has.
        reason: Why it stays, in a few words; empty if it is converted.
    """

    convert: bool
    scaling: Scaling
    reason: str = ""


@dataclass(frozen=True)
class Policy:
    """Which weights are held in fp8, and how.

    Attributes:
        fmt: The format.
        scaling: Scales of every weight not in ``by_channel``.
        unet: Switch for the denoiser.
        text_encoders: Switch for all text encoders.
        kinds: Kinds of layers that are converted.
        keep: More shell patterns of weights that stay in 16 bit.
        by_channel: Names of weights that get a scale per channel (see
            :func:`~lib_kohaku.fp8.policy.automatic.refine`).
        everything: Treat components that no switch covers as the denoiser; for models of unknown architecture.
        rules: Kinds and exceptions by name.
    """

    fmt: Fp8Format = E4M3FN
    scaling: Scaling = Scaling.TENSOR
    unet: bool = True
    text_encoders: bool = False
    kinds: frozenset[Kind] = EVERY_KIND
    keep: tuple[str, ...] = ()
    by_channel: frozenset[str] = frozenset()
    everything: bool = False
    rules: Rules = field(default_factory=default_rules)

    def decide(self, name: str, component: str, shape: tuple[int, ...], *, floating: bool = True) -> Decision:
        """What happens to a tensor.

        Args:
            name: Its whole name, as in a checkpoint.
            component: ``unet``, ``te1``, ``vae``, ... as the architecture says.
            shape: Its shape.
            floating: Whether it holds floating-point numbers.
        """
        reason = self._why_it_stays(name, component, shape, floating)
        scaling = self.scaling
        if name in self.by_channel and scaling is Scaling.TENSOR:
            scaling = Scaling.CHANNEL
        return Decision(reason == "", scaling, reason)

    def _why_it_stays(self, name: str, component: str, shape: tuple[int, ...], floating: bool) -> str:
        if not floating:
            return "not floating point"
        if not self._covers(component):
            return f"{component} is not converted"
        kind = self.rules.kind_of(name, shape)
        if kind is None:
            return "bias, norm or buffer"
        if kind not in self.kinds:
            return f"{kind.value} layers are not converted"
        if any(fnmatchcase(name, pattern) for pattern in self.keep):
            return "left out by choice"
        return self.rules.kept_because(name) or ""

    def _covers(self, component: str) -> bool:
        for switch, components in self.rules.switches.items():
            if component in components:
                return bool({"unet": self.unet, "text_encoders": self.text_encoders}.get(switch, False))
        return self.everything
