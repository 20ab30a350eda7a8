"""What clients send and get. Plain models that mean the same under pydantic 1 and 2."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class MergeRequest(BaseModel):
    """A merge: a formula, a recipe of the store by its name, or a whole recipe as JSON."""

    formula: str | None = Field(None, description="A formula, such as 'a + 0.5*(b - c)'")
    recipe: str | None = Field(None, description="Name of a stored recipe, instead of a formula")
    recipe_document: dict[str, Any] | None = Field(None, description="A recipe as JSON, instead of either")
    bindings: dict[str, str] = Field(default_factory=dict, description="Model of the formula to checkpoint name")
    parameters: dict[str, float] = Field(default_factory=dict, description="Values of $parameters")
    profile: str | None = Field(None, description="Block profile")
    components: dict[str, str] = Field(default_factory=dict, description="Component to merge, base, drop or from:NAME")
    dtypes: dict[str, str] = Field(default_factory=dict, description="Component or 'default' to keep, fp32, fp16, ...")
    fp8_profile: str | None = Field(None, description="For whom fp8 weights are written: webui, comfyui or plain")
    allow_prediction_mismatch: bool = Field(False, description="Merge eps and v models all the same")


class MergeToFileRequest(MergeRequest):
    """A merge into a file."""

    name: str = Field(..., description="Name of the output, without folders")
    overwrite: bool = Field(False, description="Replace an existing file")


class LoadUnsavedRequest(MergeRequest):
    """A merge into the loaded model."""

    name: str = Field("", description="What it is called; by default the recipe's name")


class VerifyRequest(BaseModel):
    """A check of a merged file."""

    model: str = Field(..., description="Checkpoint name")
    check_all: bool = Field(False, description="Every tensor instead of a sample")


class RecipeRequest(BaseModel):
    """A recipe to keep."""

    recipe: dict[str, Any] = Field(..., description="A recipe as JSON")
    overwrite: bool = Field(False, description="Replace a recipe of that name")


class JobAnswer(BaseModel):
    """A task."""

    id: str
    kind: str
    title: str
    state: str
    label: str
    done: int
    total: int
    unit: str
    seconds_left: float | None = None
    message: str = ""


class StoredRecipeAnswer(BaseModel):
    """A recipe in the store."""

    name: str
    shipped: bool
    recipe: dict[str, Any]


class RecipesAnswer(BaseModel):
    """All recipes, and what is wrong with files that are none."""

    recipes: list[StoredRecipeAnswer]
    problems: list[str]


class SavedAnswer(BaseModel):
    """Under which name something was kept."""

    name: str


class HistoryAnswer(BaseModel):
    """One merge."""

    when: str
    output: str
    seconds: float
    verified: str
    recipe: dict[str, Any] | None = None


class LoadedAnswer(BaseModel):
    """The model that images are made with."""

    name: str = ""
    unsaved: bool = False
    previous: str = ""
