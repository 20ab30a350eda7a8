"""The text below the lists: whose words they are, and what would be added now."""

from __future__ import annotations

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.prompt.at_generation import Adder
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.profiles.select import Choice, Confidence
from lib_kohaku.ui.markup import Markup, div, join, notice, span

_SURE = {
    Confidence.CERTAIN: "certain",
    Confidence.LIKELY: "likely",
    Confidence.POSSIBLE: "a guess",
    Confidence.NONE: "not known",
}


def about(known: Knowledge, choice: Choice | None, adder: Adder, enabled: bool, prompts: tuple[str, str]) -> Markup:
    """Two lines, and data for the scripts.

    Args:
        known: Whose words.
        choice: Why these; None if somebody chose the profile.
        adder: What adds them.
        enabled: Whether that is on.
        prompts: The prompt and the negative prompt as they stand there.
    """
    missing = _in_order(adder.missing(prompts[0]), known)
    own = [word for kind, _ in adder.words.words for word in adder.has(prompts[0], kind)]
    added = ", ".join(word for _, word in missing)
    if enabled and adder.negative(prompts[1]) != prompts[1]:
        negative = [span("kohaku-accordion-quiet", "and to the negative prompt: "), adder.words.negative]
    else:
        negative = []
    return div(
        "kohaku-accordion-about",
        _reason(known, choice),
        _effect(missing, own, enabled, known),
        div("kohaku-accordion-line kohaku-accordion-negative", *negative) if negative else None,
        notice("\n".join(adder.words.notes), "warning") if enabled else None,
        data_kohaku_profile=known.profile.id,
        data_kohaku_name=known.profile.name,
        data_kohaku_added=(added or "nothing to add") if enabled else "",
    )


def failure(text: str) -> Markup:
    """Why it could not be told."""
    return notice(text)


def _reason(known: Knowledge, choice: Choice | None) -> Markup:
    sure = _SURE[choice.confidence] if choice else "chosen"
    reason = choice.reason if choice else "You chose it."
    badge = span(f"kohaku-badge kohaku-sure-{choice.confidence.value if choice else 'certain'}", sure)
    return div("kohaku-accordion-line", badge, " ", span("kohaku-accordion-profile", known.profile.name), " ", reason)


def _effect(missing: list[tuple[TagClass, str]], own: list[str], enabled: bool, known: Knowledge) -> Markup:
    if not known.profile.own_words and not known.profile.year:
        return div("kohaku-accordion-line", "This model has no words of its own: there is nothing to add.")
    lead = "Your prompt gets:" if enabled else "Off. Your prompt would get:"
    words = [span(f"kohaku-accordion-word kohaku-kind-{kind.value}", word) for kind, word in missing]
    parts = [span("kohaku-accordion-quiet", lead), *words] if words else []
    if own:
        parts += [
            span("kohaku-accordion-quiet", "Already in it:"),
            *(span("kohaku-accordion-own", word) for word in own),
        ]
    if not parts:
        parts = [span("kohaku-accordion-quiet", "Nothing is chosen.")]
    state = "on" if enabled else "off"
    return div(f"kohaku-accordion-line kohaku-accordion-effect kohaku-{state}", join(*_spaced(parts)))


def _spaced(parts: list[Markup]) -> list[str]:
    spaced: list[str] = []
    for part in parts:
        spaced += [part, " "]
    return spaced


def _in_order(words: list[tuple[TagClass, str]], known: Knowledge) -> list[tuple[TagClass, str]]:
    slots = known.spec.slot_numbers
    return sorted(words, key=lambda word: slots.get(word[0], len(slots)))
