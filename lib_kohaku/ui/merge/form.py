"""The fields of the merge page as a recipe, and back. Everything from the browser is checked here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from lib_kohaku.checkpoint.blocks import DEFAULT_PROFILE
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import BASE, MERGE, Recipe, recipe_from_json, recipe_to_json
from lib_kohaku.ui.merge.choices import (
    AS_ABOVE,
    AS_RECIPE,
    POLICIES,
    PRECISIONS,
    PROFILES,
    label_of,
    policy_label,
    policy_of,
    precision_of,
)

MAX_HIDDEN_LENGTH = 1_000_000
TEXT_ENCODERS = ("te1", "te2")
_GROUPS: Mapping[str, tuple[str, ...]] = {"unet": ("unet",), "text_encoders": TEXT_ENCODERS, "vae": ("vae",)}
_DEFAULT_POLICIES = {"text_encoders": MERGE, "vae": BASE}


@dataclass(frozen=True)
class MergeForm:
    """The values of the page's fields, in the order in which events get them.

    Attributes:
        formula: Text of the formula.
        choices: JSON: the files that were chosen for roles (``files``), and the ``base``.
        origin: JSON: the recipe that was loaded, for what the page has no field for. Empty if none was.
        name: Of the output; empty for the suggested one.
        overwrite: Whether an existing file may be replaced.
        precision: Label of the output's type.
        unet_precision: Label, or "Same as above".
        text_encoders_precision: Label, or "Same as above".
        vae_precision: Label, or "Same as above".
        text_encoders: Label of what happens to them.
        vae: Label of what happens to it.
        profile: Block profile.
        seed: For methods that draw random numbers.
        allow_mismatch: Merge models that predict different things all the same.
    """

    formula: str = ""
    choices: str = ""
    origin: str = ""
    name: str = ""
    overwrite: bool = False
    precision: str = next(iter(PRECISIONS))
    unet_precision: str = AS_ABOVE
    text_encoders_precision: str = AS_ABOVE
    vae_precision: str = AS_ABOVE
    text_encoders: str = label_of(POLICIES, MERGE)
    vae: str = label_of(POLICIES, BASE)
    profile: str = DEFAULT_PROFILE
    seed: int = 0
    allow_mismatch: bool = False


FIELDS = tuple(field.name for field in fields(MergeForm))


# What a page that is opened again shows as it was left, beside the texts, which the browser puts back by itself. What
# somebody has to agree to is asked anew.
_KEPT = tuple(
    name for name in FIELDS if name not in ("formula", "choices", "origin", "name", "overwrite", "allow_mismatch")
)


def kept_options(text: str) -> dict[str, Any]:
    """The options in the draft that the browser kept, a JSON object of fields; nothing if it is damaged."""
    try:
        draft = json.loads(text) if len(text) <= MAX_HIDDEN_LENGTH else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(draft, dict):
        return {}
    blank = MergeForm()
    form = read_form([draft.get(name, getattr(blank, name)) for name in FIELDS])
    try:
        recipe_of(form)
    except RecipeError:
        return {}
    return {name: getattr(form, name) for name in _KEPT if name in draft}


def read_form(values: Sequence[object]) -> MergeForm:
    """The form from an event's inputs. Values of a wrong type count as empty: they did not come from our page."""
    blank = MergeForm()
    read: dict[str, Any] = {}
    for name, value in zip(FIELDS, values, strict=True):
        default = getattr(blank, name)
        if isinstance(default, bool):
            read[name] = value is True
        elif isinstance(default, int):
            valid = isinstance(value, (int, float)) and 0 <= value < 2**53
            read[name] = int(value) if valid else default  # type: ignore[call-overload]
        else:
            read[name] = value if isinstance(value, str) else default
    return MergeForm(**read)


def recipe_of(form: MergeForm) -> Recipe:
    """The recipe that the page describes, with the base that was chosen; roles are not bound yet.

    Raises:
        RecipeError: If a choice is not one.
    """
    origin = loaded_recipe(form.origin) or Recipe("")
    components, dtypes = dict(origin.components), dict(origin.dtypes)
    for group, label in (("text_encoders", form.text_encoders), ("vae", form.vae)):
        _set(components, _GROUPS[group], label, policy_of, _DEFAULT_POLICIES[group])
    _set(dtypes, ("default",), form.precision, precision_of, "keep")
    for group, label in (
        ("unet", form.unet_precision),
        ("text_encoders", form.text_encoders_precision),
        ("vae", form.vae_precision),
    ):
        _set(dtypes, _GROUPS[group], label, precision_of, None)
    if form.profile not in PROFILES:
        raise RecipeError(f"There is no block profile {form.profile[:60]!r}.")
    return replace(
        origin,
        formula=form.formula,
        parameters={},
        components=components,
        dtypes=dtypes,
        profile=form.profile,
        base=chosen_base(form),
        seed=form.seed,
    )


def _set(table: dict[str, str], keys: Sequence[str], label: str, read: Any, default: str | None) -> None:
    if label == AS_RECIPE:
        return
    value = default if label == AS_ABOVE else read(label)
    for key in keys:
        table.pop(key, None)
        if value is not None and value != default:
            table[key] = value


def loaded_recipe(text: str) -> Recipe | None:
    """The recipe that was loaded into the page, None if there is none."""
    try:
        return recipe_from_json(text) if text else None
    except RecipeError:
        return None


def chosen_files(form: MergeForm) -> dict[str, str]:
    """Role to the file that was chosen for it."""
    files = _choices(form).get("files")
    table = files if isinstance(files, dict) else {}
    return {role: name for role, name in table.items() if isinstance(name, str)}


def chosen_base(form: MergeForm) -> str:
    """The role that was chosen as the base, empty for the formula's own."""
    base = _choices(form).get("base")
    return base if isinstance(base, str) else ""


def choose_files(choices: str, files: Mapping[str, str]) -> str:
    """The form's ``choices`` with these files, by role, in place of what was chosen for the roles before."""
    document = _read_choices(choices)
    before = document.get("files")
    kept = before if isinstance(before, dict) else {}
    return json.dumps({**document, "files": {**kept, **files}}, ensure_ascii=False)


def _choices(form: MergeForm) -> dict[str, Any]:
    return _read_choices(form.choices)


def _read_choices(text: str) -> dict[str, Any]:
    if len(text) > MAX_HIDDEN_LENGTH:
        return {}
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def form_of(recipe: Recipe, name: str = "") -> MergeForm:
    """The page's fields for a recipe."""
    return MergeForm(
        formula=with_parameters(recipe),
        choices=json.dumps({"files": {}, "base": recipe.base}, ensure_ascii=False),
        origin=recipe_to_json(recipe),
        name=name,
        precision=label_of(PRECISIONS, recipe.dtype("other") if "default" in recipe.dtypes else "keep"),
        unet_precision=_precision_label(recipe, "unet"),
        text_encoders_precision=_precision_label(recipe, "text_encoders"),
        vae_precision=_precision_label(recipe, "vae"),
        text_encoders=_policy_label(recipe, "text_encoders"),
        vae=_policy_label(recipe, "vae"),
        profile=recipe.profile if recipe.profile in PROFILES else DEFAULT_PROFILE,
        seed=recipe.seed,
    )


def _precision_label(recipe: Recipe, group: str) -> str:
    found = {recipe.dtypes.get(component) for component in _GROUPS[group]}
    if len(found) > 1:
        return AS_RECIPE
    value = found.pop()
    return AS_ABOVE if value is None else label_of(PRECISIONS, value)


def _policy_label(recipe: Recipe, group: str) -> str:
    found = {recipe.policy(component) for component in _GROUPS[group]}
    return AS_RECIPE if len(found) > 1 else policy_label(found.pop())


def with_parameters(recipe: Recipe) -> str:
    """The formula with the recipe's values of ``$parameters`` written into their lines."""
    formula = recipe.formula
    for name, value in recipe.parameters.items():
        line = re.compile(rf"(^|[\n;])([ \t]*\${re.escape(name)}[ \t]*=[ \t]*)[-+.\deE]+")
        formula = line.sub(rf"\g<1>\g<2>{value:.12g}", formula)
    return formula
