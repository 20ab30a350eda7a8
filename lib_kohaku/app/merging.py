"""The merge workbench without its looks: live plans, merges as jobs, verification, recipes, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lib_kohaku.app.history import History
from lib_kohaku.app.jobs import Job, JobRunner
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.names import resolve_inside
from lib_kohaku.errors import CheckpointError, FailedError, PlanError
from lib_kohaku.host.base import Host
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.plan.bind import find_in_library
from lib_kohaku.merge.plan.build import check_output, make_plan, plan_models, require_runnable
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.recipe_store import RecipeStore
from lib_kohaku.merge.to_file import merge_to_file, named_after
from lib_kohaku.merge.verify.document import describe_report
from lib_kohaku.merge.verify.run import verify_file
from lib_kohaku.progress import Progress
from lib_kohaku.units import format_bytes, format_seconds

SUFFIX = ".safetensors"


class MergeWorkbench:
    """Everything that the merge tab and the API can do. Safe to call from several threads.

    Model names come from clients: they are looked up in the host's library and never opened as paths.

    Attributes:
        host: Where we run.
        jobs: The long tasks.
        recipes: Shipped and own recipes.
        history: What was merged.
        draft: The recipe that the tab planned last, with its models bound: what the axes of a grid vary.
        pending: A recipe that came from outside (a pasted infotext) and waits for the tab to take it.
    """

    def __init__(self, host: Host) -> None:
        """Work in ``host``."""
        self.host = host
        self.jobs = JobRunner()
        self.draft: Recipe | None = None
        self.pending: Recipe | None = None
        self.recipes = RecipeStore(host.data_folder() / "recipes")
        self.history = History(host.data_folder())

    @cached_property
    def prompting(self) -> PromptWorkbench:
        """The prompt workbench in the same host: one for the tab, the API and all else, since tag lists are large."""
        return PromptWorkbench(self.host)

    def take_pending(self) -> Recipe | None:
        """The recipe that waits for the tab, once."""
        recipe, self.pending = self.pending, None
        return recipe

    def plan(
        self,
        recipe: Recipe,
        bindings: Mapping[str, str] | None = None,
        *,
        allow_prediction_mismatch: bool = False,
    ) -> MergePlan:
        """Plan from headers alone; hashes are told where they are known already.

        Raises:
            RefusedError: If the formula, a setting or a file is wrong.
        """
        library = self.host.library()
        plan = make_plan(
            recipe,
            library,
            bindings,
            hash_of=self.host.known_sha256,
            allow_prediction_mismatch=allow_prediction_mismatch,
            find=find_in_library,
        )
        return _told_apart(plan, library)

    def output_path(self, name: str) -> Path:
        """The path of a result.

        Raises:
            UnsafeNameError: If the name is not a plain one.
        """
        return resolve_inside(self.host.output_folder(), name, SUFFIX)

    def start_merge(
        self,
        recipe: Recipe,
        bindings: Mapping[str, str] | None,
        name: str,
        *,
        overwrite: bool = False,
        allow_prediction_mismatch: bool = False,
    ) -> Job:
        """Start a merge into a file.

        Args:
            recipe: What to merge.
            bindings: Role to checkpoint name.
            name: Of the output, a plain name.
            overwrite: Whether an existing file may be replaced.
            allow_prediction_mismatch: Merge eps and v models all the same.

        Raises:
            RefusedError: If anything is wrong that can be known before work starts, or another task runs.
        """
        output = self.output_path(name)
        plan = self.plan(recipe, bindings, allow_prediction_mismatch=allow_prediction_mismatch)
        require_runnable(plan, check_output(plan, output, overwrite=overwrite))

        def work(job: Job) -> tuple[str, Any]:
            with self.host.exclusive(job.id, f"Merging {output.stem}", job) as progress:
                hashed = self._with_hashes(named_after(plan, output.stem), progress, allow_prediction_mismatch)
                report = merge_to_file(hashed, output, overwrite=overwrite, progress=progress)
                # An image that waits in the queue would find no checkpoint in the list, and take the first one.
                self.host.refresh_checkpoints()
            size = format_bytes(output.stat().st_size)
            note = _not_finite(report.not_finite) + self._remember(hashed, output.name, report.seconds)
            return f"Wrote {output.name} ({size}) in {format_seconds(report.seconds)}.{note}", output.name

        return self.jobs.start("merge", f"Merging {output.stem}", work)

    def start_load_unsaved(
        self,
        recipe: Recipe,
        bindings: Mapping[str, str] | None,
        name: str,
        *,
        allow_prediction_mismatch: bool = False,
    ) -> Job:
        """Start a merge into the loaded model.

        Raises:
            RefusedError: If anything is wrong that can be known before work starts, or another task runs.
        """
        plan = named_after(self.plan(recipe, bindings, allow_prediction_mismatch=allow_prediction_mismatch), name)
        require_runnable(plan)

        def work(job: Job) -> tuple[str, Any]:
            with self.host.exclusive(job.id, f"Loading {name}", job) as progress:
                report = self.host.load_unsaved(plan, name, progress)
            note = _not_finite(report.not_finite) + self._remember(plan, "", report.seconds)
            return f"{name} is loaded; it lies in no file. ({format_seconds(report.seconds)}){note}", None

        return self.jobs.start("load", f"Loading {name}", work)

    def start_restore(self) -> Job:
        """Start loading the checkpoint again that an unsaved merge took the place of.

        Raises:
            RefusedError: If another task runs.
        """

        def work(job: Job) -> tuple[str, Any]:
            with self.host.exclusive(job.id, "Restoring the model", job) as progress:
                self.host.restore_loaded(progress)
            loaded = self.host.loaded_model()
            return (f"{loaded.name} is loaded again." if loaded else "Restored."), None

        return self.jobs.start("restore", "Restoring the model", work)

    def start_verify(self, file_name: str, *, check_all: bool = False) -> Job:
        """Start checking a merged file against its recipe.

        Raises:
            RefusedError: If there is no such checkpoint or another task runs.
        """
        library = self.host.library()
        path = library.find(file_name)
        if path is None:
            raise PlanError(f"There is no checkpoint {file_name!r}.")

        def work(job: Job) -> tuple[str, Any]:
            report = verify_file(
                path,
                library,
                check_all=check_all,
                hash_of=lambda parent: self.host.sha256(parent, job),
                progress=job,
                find=find_in_library,
            )
            text = "\n".join(describe_report(report)) + self._note_verified(path, report.passed)
            if not report.passed:
                raise FailedError(text)
            return text, True

        return self.jobs.start("verify", f"Verifying {path.stem}", work)

    def _with_hashes(self, plan: MergePlan, progress: Progress, allow_prediction_mismatch: bool) -> MergePlan:
        """The plan again, with the hash of every input."""
        hashed = []
        for model in plan.models:
            known = self.host.known_sha256(model.path)
            if not known:
                progress.start(f"Hashing {model.path.name}", model.header.file_size, "bytes")
                known = self.host.sha256(model.path, progress)
            hashed.append(replace(model, sha256=known))
        resolved = resolve_formula(plan.recipe.formula, plan.recipe.parameters)
        again = plan_models(plan.recipe, resolved, hashed, allow_prediction_mismatch=allow_prediction_mismatch)
        return _told_apart(again, self.host.library())

    def _remember(self, plan: MergePlan, output: str, seconds: float) -> str:
        """Put a merge into the history; what to say if that failed, for the merge itself did not."""
        try:
            self.history.add(plan.recipe, output, seconds)
        except FailedError as error:
            return f" It is not in the history: {error}"
        return ""

    def _note_verified(self, path: Path, passed: bool) -> str:
        """Note a verification in the history, which knows the output folder only; what to say if that failed."""
        try:
            if path.parent.resolve() == self.host.output_folder().resolve():
                self.history.set_verified(path.name, passed)
        except (FailedError, OSError) as error:
            return f"\nThe history could not be changed: {error}"
        return ""


def _told_apart(plan: MergePlan, library: ModelLibrary) -> MergePlan:
    """The plan with folders in the names of those files that another one would be taken for without.

    A recipe names files without folders, to be of use elsewhere. Where two are called alike, that means neither or the
    wrong one, today already: in a grid, when the recipe is saved and taken up again.
    """
    names = {path: name for name, path in library.everything.items()}
    models = dict(plan.recipe.models)
    for model in plan.models:
        if model.path in names and model.role in models and not _is_meant(library, model.path):
            models[model.role] = replace(models[model.role], file=names[model.path])
    return replace(plan, recipe=replace(plan.recipe, models=models))


def _is_meant(library: ModelLibrary, path: Path) -> bool:
    try:
        return library.find(path.name) == path
    except CheckpointError:
        return False


def _not_finite(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f" Warning: {len(names)} tensors hold values that the output type cannot hold ({names[0]}, ...)."
