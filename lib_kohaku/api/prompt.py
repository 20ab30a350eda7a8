"""Routes of the prompt workbench."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends

from lib_kohaku.api.answers import KohakuRoute, NotFoundError
from lib_kohaku.api.guard import Guard
from lib_kohaku.api.prompt_fields import fields_document, requested_fields
from lib_kohaku.api.prompt_messages import (
    CaptionRequest,
    ComposeRequest,
    FormatRequest,
    LintRequest,
    PromptRequest,
)
from lib_kohaku.app.prompt import documents
from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.preset_shelf import preset_prompt
from lib_kohaku.app.prompt.profile_document import profile_document
from lib_kohaku.app.prompt.words import PICKED
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.captions.booru_json import LONGEST_TEXT
from lib_kohaku.prompt.presets.codec import preset_document

Document = dict[str, Any]
_WAIT = 20.0  # seconds for a tag list that is being read; reading a large one takes about a second
_MOST_HITS = 100
_LONGEST_QUERY = 200
_LARGEST_ID = 2**63 - 1


def register_prompt_api(
    app: Any, base: str, workbench: PromptWorkbench, users: Mapping[str, str] | None = None
) -> None:
    """Add the routes to an app.

    Args:
        app: gradio's FastAPI app.
        base: What the routes begin with.
        workbench: What does the work.
        users: Names and passwords that open the API beside a login of the page.
    """
    router = APIRouter(route_class=KohakuRoute, dependencies=[Depends(Guard(app, users or {}).check)], tags=["Kohaku"])
    writing, knowing = WritingRoutes(workbench), KnowingRoutes(workbench)
    for method, path, handler in (
        ("POST", "/format", writing.format),
        ("POST", "/lint", writing.lint),
        ("POST", "/compose", writing.compose),
        ("POST", "/decompose", writing.decompose),
        ("POST", "/caption", writing.caption),
        ("GET", "/profiles", knowing.profiles),
        ("GET", "/profiles/{profile_id}", knowing.profile),
        ("GET", "/tags", knowing.tags),
        ("GET", "/presets", knowing.presets),
        ("GET", "/preset", knowing.preset),
    ):
        router.add_api_route(path, handler, methods=[method])
    app.include_router(router, prefix=f"{base}/prompt")


class WritingRoutes:
    """Prompts in, prompts out; nothing is kept. Handlers block, so none is a coroutine: they run in threads."""

    def __init__(self, workbench: PromptWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def format(self, request: FormatRequest) -> Document:
        """A prompt in a model's order."""
        kinds = {kind.value: kind for kind in PICKED}
        unknown = [kind for kind in request.add if kind not in kinds]
        if unknown:
            raise RefusedError(f"add: there is no kind {unknown[0][:60]!r}; there are {', '.join(kinds)}.")
        known = _knowledge(self._workbench, request.profile)
        found = self._workbench.format(request.prompt, known, [kinds[kind] for kind in request.add])
        document = documents.format_preview(found)
        return {
            "profile": known.profile.id,
            "prompt": found.before,
            "formatted": found.after,
            "changed": found.before != found.after,
            "missing": document["missing"],
            "notes": document["notes"],
        }

    def lint(self, request: LintRequest) -> Document:
        """What is wrong with a prompt, and where its chunks end."""
        known = _knowledge(self._workbench, request.profile)
        found = self._workbench.check(request.prompt, known, negative=request.negative)
        document = {"profile": known.profile.id, **documents.checks(found, request.prompt)}
        if request.fix:
            document["fixed"] = self._workbench.fix_all(request.prompt, known, negative=request.negative)
        return document

    def compose(self, request: ComposeRequest) -> Document:
        """A prompt from parts."""
        known = _knowledge(self._workbench, request.profile)
        return {"profile": known.profile.id, "prompt": self._workbench.compose(requested_fields(request), known)}

    def decompose(self, request: PromptRequest) -> Document:
        """The parts of a prompt."""
        known = _knowledge(self._workbench, request.profile)
        return {"profile": known.profile.id, **fields_document(self._workbench.decompose(request.prompt, known))}

    def caption(self, request: CaptionRequest) -> Document:
        """Posts in a model's words."""
        if bool(request.posts) == bool(request.ids):
            raise RefusedError("Give either posts or ids.")
        known = _knowledge(self._workbench, request.profile)
        if request.posts:
            text = json.dumps(request.posts)
            if len(text) > LONGEST_TEXT:
                raise RefusedError(f"The posts have more than {LONGEST_TEXT:,} characters.")
            found, missing = self._workbench.captions(text, known), []
        else:
            if not all(0 <= number <= _LARGEST_ID for number in request.ids):
                raise RefusedError("A post's id is a number from 0.")
            found = self._workbench.captions_by_id(request.ids, known)
            there = {caption.post.id for caption in found}
            missing = [number for number in request.ids if number not in there]
        return {
            "profile": known.profile.id,
            "captions": [documents.caption(caption) for caption in found],
            "missing": missing,
        }


class KnowingRoutes:
    """Profiles, tags and presets."""

    def __init__(self, workbench: PromptWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def profiles(self) -> Document:
        """All profiles, and which one the loaded checkpoint has."""
        choice = self._workbench.chosen_profile()
        found = self._workbench.profiles
        return {
            "profiles": [
                {"id": profile.id, "name": profile.name, "family": profile.family} for profile in found.profiles
            ],
            "chosen": choice.profile.id if choice.profile else "",
            "confidence": choice.confidence.value,
            "reason": choice.reason,
            "problems": list(found.problems),
        }

    def profile(self, profile_id: str) -> Document:
        """One profile: its order, words, sizes and settings."""
        if all(profile.id != profile_id for profile in self._workbench.profiles.profiles):
            raise NotFoundError(f"There is no profile {profile_id[:80]!r}.")
        return profile_document(self._workbench, self._workbench.knowledge(profile_id))

    def tags(self, query: str, limit: int = 20) -> Document:
        """Tags by prefix, word, alias, words in any order, or misspelt."""
        if not query.strip() or len(query) > _LONGEST_QUERY:
            raise RefusedError(f"The query has to have 1 to {_LONGEST_QUERY} characters.")
        if not 1 <= limit <= _MOST_HITS:
            raise RefusedError(f"The limit has to be from 1 to {_MOST_HITS}.")
        shelf = self._workbench.tags.wait(_WAIT)
        hits = [documents.tag_hit(hit) for hit in shelf.search.search(query, limit)]
        return {"query": query, "lists": documents.tags(shelf), "hits": hits}

    def presets(self, query: str = "") -> Document:
        """Presets with every word of the query, the user's own first."""
        view = self._workbench.presets.view(query[:_LONGEST_QUERY])
        return {
            "presets": [
                {"name": entry.preset.name, "own": entry.own, "description": entry.preset.description}
                | {"profile": entry.preset.profile}
                for entry in view.entries
            ],
            "problems": list(view.problems),
        }

    def preset(self, name: str, own: bool | None = None, profile: str = "") -> Document:
        """One preset: its document, and its prompt in a model's order."""
        named = [entry for entry in self._workbench.presets.view().entries if entry.preset.name == name]
        found = next((entry for entry in named if own is None or entry.own is own), None)
        if found is None:
            raise NotFoundError(f"There is no preset {name[:80]!r}.")
        known = _knowledge(self._workbench, profile or _known_id(self._workbench, found.preset.profile))
        document = preset_document(found.preset)
        document.pop("thumbnail", None)
        return {"own": found.own, "preset": document, "prompt": preset_prompt(found.preset, known)}


def _known_id(workbench: PromptWorkbench, profile_id: str) -> str:
    """The profile that a preset was made for, as long as there is such a one."""
    return profile_id if any(profile.id == profile_id for profile in workbench.profiles.profiles) else ""


def _knowledge(workbench: PromptWorkbench, profile_id: str) -> Knowledge:
    """What is known for a profile, with the tag lists read: a script would not notice that they were not yet."""
    if profile_id and all(profile.id != profile_id for profile in workbench.profiles.profiles):
        raise NotFoundError(f"There is no profile {profile_id[:80]!r}.")
    workbench.tags.wait(_WAIT)
    return workbench.knowledge(profile_id)
