"""The live plan as HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from unicodedata import east_asian_width

from lib_kohaku.app.binding import BY_USUAL_NAME, CHOSEN, REMEMBERED, RoleBinding
from lib_kohaku.checkpoint.hashes import auto_v2
from lib_kohaku.errors import FormulaError, KohakuError
from lib_kohaku.merge.formula.nodes import Parameter
from lib_kohaku.merge.plan.describe import describe_action
from lib_kohaku.merge.plan.memory import peak_memory
from lib_kohaku.merge.plan.types import CoefficientRow, InputModel, MergePlan
from lib_kohaku.ui.markup import Markup, div, join, notice, span, tag
from lib_kohaku.ui.merge.blank import blank_plan
from lib_kohaku.ui.merge.preview import Preview
from lib_kohaku.ui.merge.weights_text import find_weights
from lib_kohaku.units import format_bytes, format_seconds


def plan_html(preview: Preview) -> Markup:
    """Everything that is known about the merge."""
    if preview.error is None and preview.plan is None:
        return blank_plan()
    parts: list[Markup | None] = [_error(preview.error, preview.bindings) if preview.error else None]
    if preview.unquoted:
        parts.append(_unquoted(preview))
    plan = preview.plan
    if plan is not None:
        parts += [notice(text) for text in plan.refusals]
        parts += [notice(text, "warning") for text in plan.warnings]
    if preview.parameters:
        parts.append(_parameters(preview.parameters))
    if preview.bindings:
        parts.append(_models(preview.bindings, plan))
    if plan is not None and plan.rows:
        parts += [_coefficients(plan), _facts(plan, preview.seconds)]
    return div(
        "kohaku-plan",
        *parts,
        data_kohaku_blocks=json.dumps(dict(preview.shares)) if preview.shares else None,
        data_kohaku_recipe=plan.recipe.name if plan is not None else None,
        data_kohaku_network=plan.architecture.blocks if plan is not None else None,
        data_kohaku_weights=_weights(plan) if plan is not None else None,
    )


def _weights(plan: MergePlan) -> str | None:
    """The formula's block weights, which the sliders show."""
    found = find_weights(plan.recipe.formula, plan.architecture.blocks) if plan.architecture.blocks else None
    return found[1] if found else None


def _unquoted(preview: Preview) -> Markup:
    button = tag(
        "button", "Put them in quotes", type="button", class_="kohaku-action", data_kohaku_formula=preview.quoted
    )
    names = ", ".join(preview.unquoted)
    text = f"Names with dashes, spaces or a digit in front need quotes: {names}"
    return div("kohaku-notice kohaku-warning", text, div("kohaku-row", button), role="status")


def _error(error: KohakuError, bindings: Sequence[RoleBinding]) -> Markup:
    if not isinstance(error, FormulaError) or not error.line:
        return _missing_notice(error, bindings)
    marker = _blank(error.source[: error.column - 1]) + "^" * min(
        error.length, max(1, len(error.source) - error.column + 1)
    )
    # Someone who is still typing has made no mistake yet.
    unfinished = error.column > len(error.source.rstrip())
    place = f"Line {error.line}, column {error.column}: "
    sentence = error.message[:1].upper() + error.message[1:]
    return div(
        f"kohaku-notice kohaku-{'unfinished' if unfinished else 'error'}",
        div("", span("kohaku-place", place), sentence if sentence.endswith((".", "?")) else sentence + "."),
        tag("pre", f"{error.source}\n{marker}", class_="kohaku-marker"),
        role="alert",
        data_kohaku_caret=f"{error.line}:{error.column}:{error.length}",
        title="Click to go there",
    )


def _blank(text: str) -> str:
    """As wide as a text is in a font of one width, where letters of East Asia take two places."""
    wide = {"\t": "\t", **{letter: "\u3000" for letter in text if east_asian_width(letter) in "WF"}}
    return "".join(wide.get(letter, " ") for letter in text)


def _parameters(parameters: Sequence[Parameter]) -> Markup:
    rows = []
    for parameter in parameters:
        low, high = parameter.low, parameter.high
        ends = (
            (low, high) if low is not None and high is not None else (Fraction(0), max(Fraction(1), parameter.default))
        )
        slider = tag(
            "input",
            type="range",
            min=float(ends[0]),
            max=float(ends[1]),
            step=float(ends[1] - ends[0]) / 100 or 0.01,
            value=float(parameter.default),
            data_kohaku_parameter=parameter.name,
            aria_label=f"${parameter.name}",
        )
        value = tag("output", f"{float(parameter.default):g}")
        rows.append(tag("label", span("kohaku-mono", f"${parameter.name}"), slider, value, class_="kohaku-parameter"))
    return div("kohaku-parameters", *rows)


def _models(bindings: Sequence[RoleBinding], plan: MergePlan | None) -> Markup:
    known = {model.role: model for model in plan.models} if plan is not None else {}
    base = plan.base if plan is not None else ""
    rows = [_model_row(binding, known.get(binding.role), binding.role == base) for binding in bindings]
    head = tag("tr", *(tag("th", text, scope="col") for text in ("In the formula", "File", "Hash", "Kind", "Base")))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="kohaku-table kohaku-models")


def _model_row(binding: RoleBinding, model: InputModel | None, is_base: bool) -> Markup:
    options = [tag("option", binding.file or "Choose a file...", value=binding.file, selected=True)]
    select = tag(
        "select",
        *options,
        data_kohaku_role=binding.role,
        data_kohaku_suggestions=json.dumps(binding.suggestions) if binding.suggestions else None,
        aria_label=f"File for {binding.role}",
        class_="kohaku-chosen" if binding.how == CHOSEN else None,
    )
    base = tag(
        "input",
        type="radio",
        name="kohaku-base",
        value=binding.role,
        checked=is_base,
        aria_label=f"{binding.role} is the base",
        title="The base: the output has its tensors, and what is not merged is taken from it",
    )
    return tag(
        "tr",
        tag("td", binding.role, class_="kohaku-mono"),
        tag("td", select, _beside(binding)),
        tag("td", *_hash(model), class_="kohaku-mono"),
        tag("td", _kind(model) if model else ""),
        tag("td", base, class_="kohaku-center"),
        class_=None if binding.file else "kohaku-missing",
    )


def _beside(binding: RoleBinding) -> Markup | None:
    """How a file was found if that should be looked at, or files to choose with one click."""
    if binding.how == REMEMBERED:
        return span("kohaku-hint", "as in your last merge")
    if binding.how == BY_USUAL_NAME:
        return span("kohaku-hint", "by its usual name", title="The file is called what that model is usually called")
    guesses = [
        tag(
            "button",
            name,
            type="button",
            class_="kohaku-action",
            data_kohaku_suggest=json.dumps({binding.role: name}, ensure_ascii=False),
            title=f"Take this file for {binding.role}",
        )
        for name in binding.suggestions
    ]
    return div("kohaku-row kohaku-guesses", *guesses) if guesses else None


def _missing_notice(error: KohakuError, bindings: Sequence[RoleBinding]) -> Markup:
    """What is missing; if there is a suggestion for several of them, one button takes the first of each."""
    first = {binding.role: binding.suggestions[0] for binding in bindings if binding.suggestions}
    if len(first) < 2:
        return notice(str(error))
    button = tag(
        "button",
        "Use the suggested files",
        type="button",
        class_="kohaku-action",
        data_kohaku_suggest=json.dumps(first, ensure_ascii=False),
    )
    return div("kohaku-notice kohaku-error", str(error), div("kohaku-row", button), role="alert")


def _hash(model: InputModel | None) -> list[str]:
    if model is None:
        return []
    later = span("kohaku-hint", "at merge", title="The file is hashed when you merge")
    return [auto_v2(model.sha256) if model.sha256 else later]


def _kind(model: InputModel) -> str:
    prediction = "" if model.prediction == "epsilon" else f", {model.prediction}"
    return f"{model.kind}{prediction}"


def _coefficients(plan: MergePlan) -> Markup:
    roles = list(dict.fromkeys(role for row in plan.rows for role in row.coefficients))
    methods = any(row.methods for row in plan.rows)
    titles = ["Part of the model", *roles, *(["Method"] if methods else []), "Sum"]
    head = tag("tr", *(tag("th", text, scope="col", title=text) for text in titles))
    largest = max((abs(value) for row in plan.rows for value in row.coefficients.values()), default=Fraction(1))
    rows = [_coefficient_row(row, roles, methods, largest or Fraction(1)) for row in plan.rows]
    return div(
        "kohaku-scroll",
        tag("table", tag("thead", head), tag("tbody", *rows), class_="kohaku-table kohaku-coefficients"),
    )


def _coefficient_row(row: CoefficientRow, roles: Sequence[str], methods: bool, largest: Fraction) -> Markup:
    cells = [tag("td", ", ".join(slot_ranges(row.slots)) if row.slots else "Everything that is merged")]
    for role in roles:
        value = row.coefficients.get(role, Fraction(0))
        width = f"width:{float(abs(value) / largest) * 100:.0f}%"
        bar = span("kohaku-bar kohaku-minus" if value < 0 else "kohaku-bar", style=width)
        cells.append(tag("td", span("kohaku-number", number(value)), bar, class_="kohaku-cell"))
    if methods:
        cells.append(tag("td", ", ".join(row.methods)))
    cells.append(tag("td", number(row.total), class_="kohaku-number" if row.total == 1 else "kohaku-number kohaku-off"))
    return tag("tr", *cells)


def number(value: Fraction) -> str:
    """A coefficient with a real minus sign."""
    return f"{float(value):.6g}".replace("-", "\u2212")


def slot_ranges(slots: Sequence[str]) -> list[str]:
    """Names of blocks with runs drawn together: ``IN00-IN03``."""
    runs: list[list[str]] = []
    for slot in slots:
        last = runs[-1][-1] if runs else ""
        follows = last[:-2] == slot[:-2] and last[-2:].isdigit() and slot[-2:].isdigit()
        if follows and int(slot[-2:]) == int(last[-2:]) + 1:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return [run[0] if len(run) == 1 else f"{run[0]}\u2013{run[-1]}" for run in runs]


def _facts(plan: MergePlan, seconds: float) -> Markup:
    facts = (
        ("Reads", format_bytes(plan.bytes_read)),
        ("Writes", format_bytes(plan.bytes_written)),
        ("Memory", f"about {format_bytes(peak_memory(plan))}"),
        ("Time", f"about {format_seconds(max(1.0, seconds))}"),
        ("Architecture", plan.architecture.label),
    )
    listed = join(*(div("kohaku-fact", span("kohaku-fact-name", name), span("", value)) for name, value in facts))
    grouped: dict[str, list[str]] = {}
    for component, action in plan.component_actions.items():
        grouped.setdefault(describe_action(action), []).append(_component(component))
    actions = [
        div(
            "kohaku-fact",
            span("kohaku-fact-name", action.capitalize()),
            span("", ", ".join(sorted(names, reverse=True))),
        )
        for action, names in grouped.items()
    ]
    if plan.config is not None:
        hint = "Tells the webui how to build this model; copied beside the result"
        actions.append(
            div("kohaku-fact", span("kohaku-fact-name", "Goes with it"), span("", plan.config.name), title=hint)
        )
    return join(div("kohaku-facts", *actions), div("kohaku-facts", listed))


def _component(name: str) -> str:
    return {"unet": "UNet", "vae": "VAE", "ema": "EMA", "other": "Other"}.get(name, name.upper())
