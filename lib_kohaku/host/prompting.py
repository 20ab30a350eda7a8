"""What a host may offer the prompt workbench beyond :class:`~lib_kohaku.host.base.Host`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lib_kohaku.prompt.chunks.split import DEFAULT_BACKTRACK
from lib_kohaku.prompt.tags.sources import USUAL_LIST

if TYPE_CHECKING:
    from lib_kohaku.host.base import Host
    from lib_kohaku.prompt.chunks import Tokenizer


@dataclass(frozen=True)
class PromptSurroundings:
    """The host's own prompt settings. The defaults are those of a machine without a webui.

    Attributes:
        webui_folder: The webui's folder, through which tagcomplete's lists are found.
        tagcomplete_list: The list that is chosen in tagcomplete (its setting ``tac_tagFile``).
        styles_file: The ``styles.csv`` that presets can be exchanged with.
        tokenizer: The loaded text encoder's; None for the best that can be had without it.
        samplers: Names of the samplers.
        schedulers: Names of the schedule types.
        upscalers: Names of the upscalers for the hires fix.
        clip_skip: The setting for it; 1 is no skipping; None if the host has none.
        comments: The option "Enable comments".
        backtrack: The option ``comma_padding_backtrack``, in tokens.
    """

    webui_folder: Path | None = None
    tagcomplete_list: str = USUAL_LIST
    styles_file: Path | None = None
    tokenizer: Tokenizer | None = None
    samplers: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ()
    clip_skip: int | None = None
    comments: bool = True
    backtrack: int = DEFAULT_BACKTRACK


@runtime_checkable
class OffersPrompting(Protocol):
    """A host that has such settings."""

    def prompt_surroundings(self) -> PromptSurroundings:
        """As they are now; asked often, so nothing here may be slow."""


@runtime_checkable
class KeepsStyles(Protocol):
    """A host that holds its styles in memory."""

    def reload_styles(self) -> None:
        """Read the styles file again, since it was changed."""


def surroundings_of(host: Host) -> PromptSurroundings:
    """The settings of any host."""
    return host.prompt_surroundings() if isinstance(host, OffersPrompting) else PromptSurroundings()
