"""What a prompt is at each sampling step: ``[a:b:0.5]`` and ``[a|b]`` worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lib_kohaku.prompt.syntax.errors import PromptError
from lib_kohaku.prompt.syntax.schedule_grammar import Alternated, Construct, Item, Scheduled, Text, parse_schedules


class ScheduledText(NamedTuple):
    """The text that is used up to and including ``last_step`` (the first step is 1)."""

    last_step: int
    text: str


@dataclass(frozen=True)
class Steps:
    """The sampling that a schedule is worked out for.

    Attributes:
        base: Steps of the first pass.
        hires: Steps of the second pass ("hires. fix") if the schedule is for that one: whole numbers then count on
            from the first pass, and fractions run from 1.0 to 2.0.
        old: The webui's compatibility option "use old prompt editing timelines".
    """

    base: int
    hires: int | None = None
    old: bool = False

    @property
    def total(self) -> int:
        """Steps of the pass in question."""
        return self.base if self.hires is None or self.old else self.hires

    def moment(self, when: str) -> int:
        """The step after which a schedule switches; below 1 it has switched from the beginning."""
        second_pass = self.hires is not None and not self.old
        value = float(when)
        if self.old:
            value = value * self.total if value < 1 else value
        elif "." in when:
            value = (value - (1.0 if second_pass else 0.0)) * self.total
        else:
            value -= self.base if second_pass else 0
        # The webui stops with an error on [a:b:1e999]; it can only mean "never".
        return int(min(max(value, -1.0), self.total))


def constructs(items: Sequence[Item]) -> Iterator[Construct]:
    """All schedules and alternations, outer ones first."""
    stack: list[Item] = list(reversed(items))
    while stack:
        item = stack.pop()
        if isinstance(item, Text):
            continue
        yield item
        if isinstance(item, Alternated):
            for option in item.options:
                stack += option
        else:
            stack += item.before or ()
            stack += item.after


def _at_step(items: Sequence[Item], step: int, moments: dict[int, int]) -> tuple[Text, ...]:
    texts: list[Text] = []
    stack: list[Item] = list(reversed(items))
    while stack:
        item = stack.pop()
        if isinstance(item, Text):
            texts.append(item)
        elif isinstance(item, Scheduled):
            stack += reversed((item.before or ()) if step <= moments[item.start] else item.after)
        else:
            stack += reversed(item.options[(step - 1) % len(item.options)])
    return tuple(texts)


def schedule(text: str, steps: int | Steps) -> list[ScheduledText]:
    """The texts that a part of a prompt goes through, as the webui's grammar yields them.

    Args:
        text: One part of a prompt (see :func:`~lib_kohaku.prompt.syntax.multicond.multicond`).
        steps: Number of sampling steps, at least 1, or the details of the sampling.

    Returns:
        At least one entry, ``last_step`` ascending; the last one is the number of steps.

    Raises:
        PromptError: If the number of steps is below 1.
    """
    return [ScheduledText(step, "".join([p.text for p in pieces])) for step, pieces in schedule_pieces(text, steps)]


def schedule_pieces(text: str, steps: int | Steps) -> list[tuple[int, tuple[Text, ...]]]:
    """The same as :func:`schedule`, with the pieces of ``text`` that each entry is made of.

    Raises:
        PromptError: If the number of steps is below 1.
    """
    sampling = Steps(steps) if isinstance(steps, int) else steps
    total = sampling.total
    if total < 1:
        raise PromptError(f"a schedule needs at least 1 sampling step, not {total}")
    items = parse_schedules(text)
    if items is None:
        return [(total, (Text(text, 0),))]
    last_steps = {total}
    moments: dict[int, int] = {}
    for construct in constructs(items):
        if isinstance(construct, Alternated):
            last_steps.update(range(1, total + 1))
        else:
            moments[construct.start] = sampling.moment(construct.when)
            if moments[construct.start] >= 1:
                last_steps.add(moments[construct.start])
    return [(step, _at_step(items, step, moments)) for step in sorted(last_steps)]
