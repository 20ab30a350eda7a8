"""The routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends

from lib_kohaku.api.answers import KohakuRoute, NotFoundError
from lib_kohaku.api.guard import Guard
from lib_kohaku.api.job_answers import job_answer
from lib_kohaku.api.messages import (
    HistoryAnswer,
    JobAnswer,
    LoadedAnswer,
    LoadUnsavedRequest,
    MergeRequest,
    MergeToFileRequest,
    RecipeRequest,
    RecipesAnswer,
    SavedAnswer,
    StoredRecipeAnswer,
    VerifyRequest,
)
from lib_kohaku.api.prompt import register_prompt_api
from lib_kohaku.api.requests import requested_recipe
from lib_kohaku.app.inspection import inspection_document
from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.checkpoint.inspect import inspect_checkpoint
from lib_kohaku.merge.plan.document import plan_document
from lib_kohaku.merge.recipe import Recipe, recipe_from_json, recipe_to_json

BASE = "/kohaku/v1"


def register_api(app: Any, workbench: MergeWorkbench, users: Mapping[str, str] | None = None) -> None:
    """Add the API to an app.

    Args:
        app: gradio's FastAPI app, in the webui or standalone.
        workbench: What does the work.
        users: Names and passwords that open the API beside a login of the page.
    """
    router = APIRouter(route_class=KohakuRoute, dependencies=[Depends(Guard(app, users or {}).check)], tags=["Kohaku"])
    merging, storing = MergingRoutes(workbench), StoringRoutes(workbench)
    for method, path, handler, answer in (
        ("POST", "/plan", merging.plan, None),
        ("POST", "/merge", merging.merge, JobAnswer),
        ("POST", "/load-unsaved", merging.load_unsaved, JobAnswer),
        ("POST", "/restore", merging.restore, JobAnswer),
        ("POST", "/verify", merging.verify, JobAnswer),
        ("GET", "/loaded", merging.loaded, LoadedAnswer),
        ("GET", "/jobs/{job_id}", merging.job, JobAnswer),
        ("POST", "/jobs/{job_id}/stop", merging.stop, JobAnswer),
        ("GET", "/recipes", storing.recipes, RecipesAnswer),
        ("GET", "/recipes/{name}", storing.recipe, StoredRecipeAnswer),
        ("PUT", "/recipes/{name}", storing.save_recipe, SavedAnswer),
        ("DELETE", "/recipes/{name}", storing.delete_recipe, SavedAnswer),
        ("GET", "/inspect", storing.inspect, None),
        ("GET", "/history", storing.history, list[HistoryAnswer]),
    ):
        router.add_api_route(path, handler, methods=[method], response_model=answer)
    app.include_router(router, prefix=BASE)
    register_prompt_api(app, BASE, workbench.prompting, users)


class MergingRoutes:
    """Plans, jobs and the loaded model. Handlers block, so none is a coroutine: they run in threads."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def plan(self, request: MergeRequest) -> dict[str, Any]:
        """What a merge would do."""
        recipe = requested_recipe(self._workbench, request)
        mismatch = request.allow_prediction_mismatch
        return plan_document(self._workbench.plan(recipe, request.bindings, allow_prediction_mismatch=mismatch))

    def merge(self, request: MergeToFileRequest) -> JobAnswer:
        """Start a merge into a file."""
        job = self._workbench.start_merge(
            requested_recipe(self._workbench, request),
            request.bindings,
            request.name,
            overwrite=request.overwrite,
            allow_prediction_mismatch=request.allow_prediction_mismatch,
        )
        return job_answer(job)

    def load_unsaved(self, request: LoadUnsavedRequest) -> JobAnswer:
        """Start a merge into the loaded model."""
        recipe = requested_recipe(self._workbench, request)
        job = self._workbench.start_load_unsaved(
            recipe,
            request.bindings,
            request.name or recipe.name or "merge",
            allow_prediction_mismatch=request.allow_prediction_mismatch,
        )
        return job_answer(job)

    def restore(self) -> JobAnswer:
        """Start loading the checkpoint again that an unsaved merge took the place of."""
        return job_answer(self._workbench.start_restore())

    def verify(self, request: VerifyRequest) -> JobAnswer:
        """Start checking a merged file."""
        return job_answer(self._workbench.start_verify(request.model, check_all=request.check_all))

    def loaded(self) -> LoadedAnswer:
        """The loaded model."""
        model = self._workbench.host.loaded_model()
        if model is None:
            return LoadedAnswer()
        return LoadedAnswer(name=model.name, unsaved=model.unsaved, previous=model.previous)

    def job(self, job_id: str) -> JobAnswer:
        """How far a task is."""
        return job_answer(self._find(job_id))

    def stop(self, job_id: str) -> JobAnswer:
        """Ask a task to stop."""
        job = self._find(job_id)
        job.stop()
        return job_answer(job)

    def _find(self, job_id: str) -> Job:
        job = self._workbench.jobs.find(job_id)
        if job is None:
            raise NotFoundError(f"There is no job {job_id!r}.")
        return job


class StoringRoutes:
    """Recipes, checkpoints, history."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def recipes(self) -> RecipesAnswer:
        """All recipes."""
        found, problems = self._workbench.recipes.list()
        answers = [
            StoredRecipeAnswer(name=item.name, shipped=item.shipped, recipe=_document(item.recipe)) for item in found
        ]
        return RecipesAnswer(recipes=answers, problems=problems)

    def recipe(self, name: str) -> StoredRecipeAnswer:
        """One recipe."""
        for answer in self.recipes().recipes:
            if answer.name == name:
                return answer
        raise NotFoundError(f"There is no recipe {name!r}.")

    def save_recipe(self, name: str, request: RecipeRequest) -> SavedAnswer:
        """Keep a recipe."""
        recipe = recipe_from_json(json.dumps(request.recipe))
        path = self._workbench.recipes.save(name, recipe, overwrite=request.overwrite)
        return SavedAnswer(name=path.stem)

    def delete_recipe(self, name: str) -> SavedAnswer:
        """Delete one of the user's recipes."""
        self.recipe(name)
        self._workbench.recipes.delete(name)
        return SavedAnswer(name=name)

    def inspect(self, model: str, tensors: bool = False) -> dict[str, Any]:
        """What a checkpoint is."""
        path = self._workbench.host.library().find(model)
        if path is None:
            raise NotFoundError(f"There is no checkpoint {model!r}.")
        return inspection_document(inspect_checkpoint(path), tensors=tensors)

    def history(self) -> list[HistoryAnswer]:
        """What was merged, newest first."""
        return [
            HistoryAnswer(
                when=entry.when,
                output=entry.output,
                seconds=entry.seconds,
                verified=entry.verified,
                recipe=None if (recipe := entry.parsed()) is None else _document(recipe),
            )
            for entry in self._workbench.history.entries()
        ]


def _document(recipe: Recipe) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(recipe_to_json(recipe))
    return document
