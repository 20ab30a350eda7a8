"""The prompt workbench without its looks: profiles, tags, completion, order, checks, presets, captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from lib_kohaku.app.jobs import Job, JobRunner
from lib_kohaku.app.prompt.checks import Checks, check, fix
from lib_kohaku.app.prompt.completion import NOTHING, Completions, complete
from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.ordering import FormatPreview, preview
from lib_kohaku.app.prompt.post_captions import CaptionOf, captions_of_ids, captions_of_json
from lib_kohaku.app.prompt.preset_shelf import PresetShelf
from lib_kohaku.app.prompt.profile_choice import ProfileChooser
from lib_kohaku.app.prompt.tag_shelf import TagShelf
from lib_kohaku.errors import RefusedError
from lib_kohaku.host.base import Host
from lib_kohaku.host.prompting import KeepsStyles, PromptSurroundings, surroundings_of
from lib_kohaku.prompt.chunks import Tokenizer, best_tokenizer
from lib_kohaku.prompt.format import PromptFields, TagClass, compose, decompose
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.presets.model import Preset
from lib_kohaku.prompt.presets.store import starter_presets
from lib_kohaku.prompt.profiles.loader import ProfileSet, load_profiles
from lib_kohaku.prompt.profiles.model import Profile
from lib_kohaku.prompt.profiles.select import Choice
from lib_kohaku.prompt.sizes.advice import Finding, Suggestion, first_present, review, suggest
from lib_kohaku.prompt.sizes.legal import Size, legal_sizes, nearest_for_ratio
from lib_kohaku.prompt.syntax import Dialect
from lib_kohaku.prompt.tags.download import DownloadOffer, download_tag_list, tagcomplete_offer
from lib_kohaku.prompt.tags.sources import FoundSources, find_sources
from lib_kohaku.prompt.tags.usage import UsageStore
from lib_kohaku.prompt.tags.vocabulary import builtin_vocabulary

# The sizes of the SDXL report, appendix I, that people use; turned round as well.
_USUAL_SIZES = (Size(768, 1344), Size(832, 1216), Size(896, 1152), Size(1024, 1024))


class PromptWorkbench:
    """Everything that the prompt tab and the API can do. Safe to call from several threads.

    Profiles are asked for by id; texts come from clients and are only ever read as prompts. Files are only those of
    the user's data folder and those that the host names.

    Attributes:
        host: Where we run.
        jobs: The download of a tag list.
        tags: The user's tag lists.
        presets: Shipped and own presets.
    """

    def __init__(self, host: Host) -> None:
        """Work in ``host``. Nothing is read yet."""
        self.host = host
        self.jobs = JobRunner()
        self._folder = host.data_folder()
        self._chooser = ProfileChooser(host)
        self._specs = lru_cache(maxsize=64)(order_spec)
        self.presets = PresetShelf(self._folder / "presets")

    @cached_property
    def profiles(self) -> ProfileSet:
        """The built-in profiles and the user's own."""
        return load_profiles(self._folder / "profiles")

    @cached_property
    def tags(self) -> TagShelf:
        """The user's tag lists; the first look at them starts loading them in the background."""
        words = [word for profile in self.profiles.profiles for word in profile.own_words]
        items = [item for preset in starter_presets() for item in preset.parts.items()]
        usage = UsageStore(self._folder / "tag-usage.sqlite3")
        return TagShelf(self._sources, builtin_vocabulary(words, items), self._folder / "cache", usage)

    @property
    def surroundings(self) -> PromptSurroundings:
        """The host's own prompt settings."""
        return surroundings_of(self.host)

    def chosen_profile(self) -> Choice:
        """The profile of the loaded checkpoint, and why."""
        return self._chooser.choose(self.profiles)

    def knowledge(self, profile_id: str = "") -> Knowledge:
        """What is known for a profile.

        Args:
            profile_id: Its id; empty for that of the loaded checkpoint.

        Raises:
            RefusedError: If there is no such profile.
        """
        chosen = None if profile_id else self.chosen_profile().profile
        profile = chosen or self.profiles.get(profile_id)
        spec = self._specs(profile, self.profiles.profiles)
        return Knowledge(profile, spec, self.tags.current(), Dialect(comments=self.surroundings.comments))

    # -- While one types ----------------------------------------------------------------------------------------

    def complete(self, text: str, caret: int, known: Knowledge, *, negative: bool = False) -> Completions:
        """Tags that complete what is typed at the caret; see :func:`~lib_kohaku.app.prompt.completion.complete`."""
        if not 0 <= caret <= len(text):
            return NOTHING
        dialect = known.negative if negative else known.dialect
        return complete(text, caret, known.spec, known.shelf, dialect)

    def check(self, text: str, known: Knowledge, *, negative: bool = False) -> Checks:
        """Lint, chunks and the model's own words of a prompt."""
        return check(text, known, self.tokenizer, self.surroundings.backtrack, negative=negative)

    @property
    def tokenizer(self) -> Tokenizer:
        """The host's tokenizer, else the best that there is."""
        return self.surroundings.tokenizer or self._own_tokenizer

    @cached_property
    def _own_tokenizer(self) -> Tokenizer:
        return best_tokenizer()

    # -- On a click ---------------------------------------------------------------------------------------------

    def format(self, text: str, known: Knowledge, add: Iterable[TagClass] = ()) -> FormatPreview:
        """What Format would make of a prompt; nothing is applied."""
        return preview(text, known, add)

    def fix_all(self, text: str, known: Knowledge, *, negative: bool = False) -> str:
        """The prompt with the best fix of every error and warning.

        Raises:
            RefusedError: If it is longer than what is checked.
        """
        return fix(text, known, negative=negative)

    def compose(self, fields: PromptFields, known: Knowledge) -> str:
        """A prompt from fields, in the model's order.

        Raises:
            RefusedError: If a tag cannot be written or a weight is no number.
        """
        return compose(fields, known.spec)

    def decompose(self, text: str, known: Knowledge) -> PromptFields:
        """The fields of a prompt.

        Raises:
            RefusedError: If it has what fields cannot hold.
        """
        return decompose(text, known.spec, known.shelf.lookup)

    # -- Sizes and settings -------------------------------------------------------------------------------------

    def sizes(self, profile: Profile) -> tuple[Size, ...]:
        """The sizes to offer, narrow ones first: those that the source names, and the usual ones that suit."""
        legal = legal_sizes(profile)
        named = {Size(*bucket) for bucket in (profile.sizes.buckets if profile.sizes else ())}
        usual = {turned for size in _USUAL_SIZES for turned in (size, Size(size.height, size.width))}
        fitting = named | {size for size in usual if legal.allows(*size)}
        return tuple(sorted(fitting, key=lambda size: (size.width / size.height, size.pixels)))

    def nearest_size(self, profile: Profile, across: float, down: float) -> Size:
        """The size of the profile's with the aspect ratio nearest to ``across : down``.

        Raises:
            RefusedError: If these are not two positive numbers.
        """
        return nearest_for_ratio(legal_sizes(profile), across, down)

    def suggestion(self, profile: Profile, wanted: tuple[int, int]) -> Suggestion:
        """Settings for a profile, out of what the host has."""
        around = self.surroundings
        return suggest(profile, wanted, around.samplers, around.upscalers)

    def review(
        self,
        profile: Profile,
        size: tuple[int, int],
        cfg: float | None,
        steps: int | None,
        clip_skip: int | None = None,
    ) -> list[Finding]:
        """What of the settings is outside of what the model's source states.

        Where no clip skip is given the host's own counts, and where there is no host nothing is said of it.
        """
        stated = profile.settings.clip_skip if profile.settings else None
        return review(profile, size, cfg, steps, clip_skip or self.surroundings.clip_skip or stated or 1)

    def upscalers(self, profile: Profile) -> tuple[str, ...]:
        """The upscalers that the model's source names for the hires fix, as far as the host has them."""
        advice = profile.upscale
        found = [first_present([name], self.surroundings.upscalers) for name in advice.upscalers] if advice else []
        return tuple(dict.fromkeys(name for name in found if name))

    # -- Presets and styles -------------------------------------------------------------------------------------

    def preset_to_style(self, preset: Preset, known: Knowledge, *, overwrite: bool = False) -> None:
        """Make a preset one of the host's styles.

        Raises:
            RefusedError: If the host has no styles, or would not read it back under its name.
            OutputExistsError: If there is a style of that name and ``overwrite`` is false.
        """
        self.presets.to_style(preset, self.styles_file, known, overwrite=overwrite)
        if isinstance(self.host, KeepsStyles):
            self.host.reload_styles()

    @property
    def styles_file(self) -> Path:
        """The host's styles.

        Raises:
            RefusedError: If there is no host with styles.
        """
        path = self.surroundings.styles_file
        if path is None:
            raise RefusedError("There is no webui here whose styles could be used.")
        return path

    # -- Captions -----------------------------------------------------------------------------------------------

    def captions(self, post_json: str, known: Knowledge) -> list[CaptionOf]:
        """Captions of posts that were pasted; see :func:`captions_of_json`."""
        return captions_of_json(post_json, known.profile)

    def captions_by_id(self, ids: Sequence[int], known: Knowledge) -> list[CaptionOf]:
        """Captions of posts out of the database that is set up; see :func:`captions_of_ids`."""
        return captions_of_ids(self.booru_database, ids, known.profile)

    @property
    def booru_database(self) -> Path | None:
        """The danbooru2023-sqlite database of the host's settings, else one among the user's tag lists, else None."""
        chosen = str(self.host.setting("booru_database", "") or "").strip()
        if chosen:
            return Path(chosen)
        own = find_sources(self._folder / "tags").lists
        return next((source.path for source in own if source.is_database), None)

    # -- Tag lists ----------------------------------------------------------------------------------------------

    @property
    def download_offer(self) -> DownloadOffer:
        """The list that can be fetched on a click."""
        return tagcomplete_offer()

    def start_download(self) -> Job:
        """Fetch the offered tag list into the user's folder, then load it.

        Raises:
            RefusedError: If it is being fetched already.
        """
        offer = self.download_offer

        def work(job: Job) -> tuple[str, Any]:
            tag_list = download_tag_list(offer, self._folder / "tags", job, overwrite=True)
            self.tags.reload()
            return f"{len(tag_list.tags):,} tags are here now.", offer.name

        return self.jobs.start("download", f"Downloading {offer.name}", work)

    def _sources(self) -> FoundSources:
        around = self.surroundings
        return find_sources(self._folder / "tags", around.webui_folder, around.tagcomplete_list)

    def facts(self) -> Mapping[str, str]:
        """For bug reports."""
        shelf = self.tags.current()
        return {"tags": f"{len(shelf.search.index):,}", "tag lists": ", ".join(shelf.sources) or "built-in words"}
