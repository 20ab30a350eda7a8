"""The webui's prompt settings, as far as this webui or fork has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import sd_models, shared
from modules.paths_internal import script_path

from lib_kohaku.host.prompting import PromptSurroundings
from lib_kohaku.prompt.chunks import Tokenizer, WordwiseTokenizer
from lib_kohaku.prompt.chunks.split import DEFAULT_BACKTRACK
from lib_kohaku.prompt.tags.sources import USUAL_LIST


def prompt_surroundings() -> PromptSurroundings:
    """As they are now; loads nothing."""
    options = shared.opts
    return PromptSurroundings(
        webui_folder=Path(script_path),
        # tagcomplete's own settings: the name of its list, or "None"
        tagcomplete_list=str(getattr(options, "tac_tagFile", USUAL_LIST)),
        styles_file=_styles_file(),
        tokenizer=_tokenizer(sd_models.model_data.sd_model),
        samplers=_samplers(),
        upscalers=tuple(str(upscaler.name) for upscaler in getattr(shared, "sd_upscalers", ())),
        comments=bool(getattr(options, "enable_prompt_comments", True)),
        backtrack=int(getattr(options, "comma_padding_backtrack", DEFAULT_BACKTRACK)),
    )


def _styles_file() -> Path | None:
    """Where the webui puts new styles."""
    path = getattr(getattr(shared, "prompt_styles", None), "default_path", None)
    return Path(path) if path else None


def _samplers() -> tuple[str, ...]:
    from modules import sd_samplers

    return tuple(str(sampler.name) for sampler in getattr(sd_samplers, "all_samplers", ()))


def _tokenizer(model: Any) -> Tokenizer | None:
    """That of the loaded model; None without one, and in forks that keep it elsewhere."""
    encoder = getattr(model, "cond_stage_model", None)
    tokenize = getattr(encoder, "tokenize", None)
    comma = getattr(encoder, "comma_token", None)
    if tokenize is None or comma is None:
        return None
    return WordwiseTokenizer(lambda text: [int(number) for number in tokenize([text])[0]], int(comma))
