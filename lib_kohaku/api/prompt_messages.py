"""What clients of the prompt routes send. Plain models that mean the same under pydantic 1 and 2."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

LONGEST_PROMPT = 100_000
_PROFILE = "Id of a profile; empty for that of the loaded checkpoint"
_ITEMS = "Tags: names, or {'name': ..., 'weight': ...}"


class PromptRequest(BaseModel):
    """A prompt and whose format."""

    prompt: str = Field(..., max_length=LONGEST_PROMPT)
    profile: str = Field("", max_length=100, description=_PROFILE)


class FormatRequest(PromptRequest):
    """A prompt to be put in order."""

    add: list[str] = Field(default_factory=list, description="Kinds of words to add where there are none: quality, ...")


class LintRequest(PromptRequest):
    """A prompt to be checked."""

    negative: bool = Field(False, description="It is a negative prompt")
    fix: bool = Field(False, description="Answer with the fixed prompt as well")


class ComposeRequest(BaseModel):
    """A prompt in parts."""

    counts: list[Any] = Field(default_factory=list, description=_ITEMS)
    characters: list[Any] = Field(default_factory=list, description=_ITEMS)
    series: list[Any] = Field(default_factory=list, description=_ITEMS)
    artists: list[Any] = Field(default_factory=list, description=_ITEMS)
    general: list[Any] = Field(default_factory=list, description=_ITEMS)
    meta: list[Any] = Field(default_factory=list, description=_ITEMS)
    quality: list[Any] = Field(default_factory=list, description=_ITEMS)
    aesthetic: list[Any] = Field(default_factory=list, description=_ITEMS)
    rating: list[Any] = Field(default_factory=list, description=_ITEMS)
    year: list[Any] = Field(default_factory=list, description=_ITEMS)
    source: list[Any] = Field(default_factory=list, description=_ITEMS)
    networks: list[str] = Field(default_factory=list, description="Extra networks as they are written: <lora:name:0.8>")
    prose: list[str] = Field(default_factory=list, description="Sentences")
    raw: list[str] = Field(default_factory=list, description="Prompt text as it is: schedules, wildcards")
    profile: str = Field("", max_length=100, description=_PROFILE)


class CaptionRequest(BaseModel):
    """Posts to be captioned: danbooru's own JSON, or ids of posts in the database that is set up."""

    posts: list[dict[str, Any]] = Field(default_factory=list, description="Posts as danbooru's /posts/ID.json")
    ids: list[int] = Field(default_factory=list, description="Ids of posts in the database")
    profile: str = Field("", max_length=100, description=_PROFILE)
