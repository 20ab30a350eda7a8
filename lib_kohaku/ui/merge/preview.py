"""What the page knows about the merge that it describes: bindings, plan, name, or what is wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lib_kohaku.app.binding import RoleBinding, bind_roles, short_names
from lib_kohaku.app.estimate import estimate_seconds, learnt_rate
from lib_kohaku.app.merging import SUFFIX, MergeWorkbench
from lib_kohaku.app.unquoted import with_quotes
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.checkpoint.config_file import find_config
from lib_kohaku.checkpoint.names import safe_file_name
from lib_kohaku.errors import KohakuError, PlanError, UnsafeNameError
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.formula.nodes import Parameter
from lib_kohaku.merge.plan.bind import all_roles
from lib_kohaku.merge.plan.build import check_output
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.ui.merge.form import MergeForm, chosen_files, loaded_recipe, recipe_of, with_parameters

_UNSAFE = re.compile(r"[^\w.+-]+")
_LONGEST = 80


@dataclass(frozen=True)
class Preview:
    """A merge as far as it can be told before it runs.

    Attributes:
        error: What is wrong with the formula or the files, None if nothing.
        bindings: Every role and its file, as far as the formula could be read.
        plan: The plan, if every role has a file.
        name: The output's name: the one typed, else the suggested one.
        output_problem: Why that output cannot be written.
        free: Bytes free where the output goes.
        seconds: Estimated time.
        shares: Block to its share of the parameters, 0 to 1.
        parameters: The ``$parameters`` that the formula declares.
        unquoted: If it is wrong because names of checkpoints lack their quotes: these.
        quoted: The formula with them.
    """

    error: KohakuError | None = None
    bindings: tuple[RoleBinding, ...] = ()
    plan: MergePlan | None = None
    name: str = ""
    output_problem: str = ""
    free: int = 0
    seconds: float = 0.0
    shares: tuple[tuple[str, float], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    unquoted: tuple[str, ...] = ()
    quoted: str = ""


def make_preview(workbench: MergeWorkbench, form: MergeForm) -> Preview:
    """Look at everything, from headers alone; never raises for what a person can cause."""
    if not form.formula.strip():
        return Preview(name=form.name)
    bindings: tuple[RoleBinding, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    try:
        recipe, bindings, parameters = _bound(workbench, form)
        name = form.name.strip() or suggest_name(workbench, recipe, bindings)
        missing = [binding for binding in bindings if not binding.file]
        if missing:
            wrong = Preview(missing_models(missing), bindings, name=name, parameters=parameters)
            return _with_quotes(wrong, workbench, form)
        files = {binding.role: binding.file for binding in bindings}
        plan = workbench.plan(recipe, files, allow_prediction_mismatch=form.allow_mismatch)
        workbench.draft = plan.recipe  # what an X/Y/Z plot without a recipe of its own varies
    except KohakuError as error:
        wrong = Preview(error, bindings, name=form.name, parameters=parameters)
        return _with_quotes(wrong, workbench, form)
    return Preview(
        bindings=bindings,
        plan=plan,
        name=name,
        output_problem=_output_problem(workbench, plan, name, form.overwrite),
        free=_free(workbench.host.output_folder()),
        seconds=estimate_seconds(plan, learnt_rate(workbench.history, workbench.host.output_folder())),
        shares=block_shares(plan),
        parameters=parameters,
    )


def _with_quotes(wrong: Preview, workbench: MergeWorkbench, form: MergeForm) -> Preview:
    try:
        names = short_names(workbench.host.library()).values()
    except KohakuError:
        return wrong
    quoted, unquoted = with_quotes(form.formula, names)
    return replace(wrong, unquoted=tuple(unquoted), quoted=quoted)


def bound_recipe(workbench: MergeWorkbench, form: MergeForm) -> tuple[Recipe, dict[str, str], str]:
    """What is to be merged: the recipe, role to file, and the output's name.

    Raises:
        RefusedError: If the formula or a choice is wrong or a role has no file.
    """
    recipe, bindings, _ = _bound(workbench, form)
    missing = [binding for binding in bindings if not binding.file]
    if missing:
        raise missing_models(missing)
    name = form.name.strip() or suggest_name(workbench, recipe, bindings)
    return recipe, {binding.role: binding.file for binding in bindings}, name


def _bound(workbench: MergeWorkbench, form: MergeForm) -> tuple[Recipe, tuple[RoleBinding, ...], tuple[Parameter, ...]]:
    recipe = recipe_of(form)
    resolved = resolve_formula(recipe.formula)
    if recipe.base not in all_roles(replace(recipe, base=""), resolved):  # the formula was changed since
        recipe = replace(recipe, base="")
    origin = loaded_recipe(form.origin)
    if origin is None or with_parameters(origin).split() != recipe.formula.split():
        recipe = replace(recipe, name="", title="", description="")  # it is not that recipe any more
    host = workbench.host
    bindings = bind_roles(
        recipe, resolved, host.library(), chosen_files(form), host.known_sha256, workbench.history.bound_models()
    )
    return recipe, bindings, resolved.formula.parameters


def missing_models(missing: Sequence[RoleBinding]) -> PlanError:
    """The error for roles that have no file yet."""
    lines = [f"{binding.problem} {_hint(binding)}".rstrip() for binding in missing]
    lines.append("Choose a file for it in the table." if len(lines) == 1 else "Choose files for them in the table.")
    return PlanError("\n".join(lines))


def _hint(binding: RoleBinding) -> str:
    told = all(name in binding.problem for name in binding.suggestions)  # those that are called alike
    return "" if told else f"Did you mean {' or '.join(binding.suggestions)}?"


def suggest_name(workbench: MergeWorkbench, recipe: Recipe, bindings: Sequence[RoleBinding]) -> str:
    """A name for the output that is safe and free."""
    stems = [Path(binding.file or binding.role).stem for binding in bindings]
    joined = recipe.name or "+".join(stems[:3]) + (f"+{len(stems) - 3}" if len(stems) > 3 else "")
    wanted = _UNSAFE.sub("-", joined).strip("-.+")[:_LONGEST] or "merge"
    try:
        safe_file_name(wanted, SUFFIX)
    except UnsafeNameError:
        wanted = "merge"
    folder, name, number = workbench.host.output_folder(), wanted, 2
    while (folder / f"{name}{SUFFIX}").exists() or find_config(folder / f"{name}{SUFFIX}"):
        name, number = f"{wanted}-{number}", number + 1
    return name


def _output_problem(workbench: MergeWorkbench, plan: MergePlan, name: str, overwrite: bool) -> str:
    try:
        return "\n".join(check_output(plan, workbench.output_path(name), overwrite=overwrite))
    except KohakuError as error:
        return str(error)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def block_shares(plan: MergePlan) -> tuple[tuple[str, float], ...]:
    """For every block of the network, the share of the parameters of UNet and text encoders that follow its weight."""
    if not plan.architecture.blocks or not plan.tensors:
        return ()
    blocks = block_map(plan.architecture.blocks)
    counts = dict.fromkeys(blocks.names, 0)
    for tensor in plan.tensors:
        slot = blocks.follow(tensor.slot, plan.recipe.profile) if tensor.slot else None
        if slot in counts and tensor.component != "vae":
            counts[slot] += tensor.spec.count
    total = sum(counts.values()) or 1
    return tuple((name, count / total) for name, count in counts.items())
