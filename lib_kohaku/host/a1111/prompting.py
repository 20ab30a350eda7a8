"""The webui's prompt settings, as far as this webui or fork has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import sd_models, shared
from modules.paths_internal import script_path

from lib_kohaku.host.a1111 import sending
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
        samplers=sending.sampler_names(),
        schedulers=sending.scheduler_names(),
        upscalers=sending.upscaler_names(),
        clip_skip=sending.clip_skip(),
        comments=bool(getattr(options, "enable_prompt_comments", True)),
        backtrack=int(getattr(options, "comma_padding_backtrack", DEFAULT_BACKTRACK)),
    )


def _styles_file() -> Path | None:
    """Where the webui puts new styles."""
    path = getattr(getattr(shared, "prompt_styles", None), "default_path", None)
    return Path(path) if path else None


def reload_styles() -> None:
    """Let the webui read its styles again; it would write its older ones over them otherwise."""
    reload = getattr(getattr(shared, "prompt_styles", None), "reload", None)
    if callable(reload):
        reload()


def _tokenizer(model: Any) -> Tokenizer | None:
    """That of the loaded model; None without one, and in forks that keep it elsewhere."""
    encoder = getattr(model, "cond_stage_model", None)
    tokenize = getattr(encoder, "tokenize", None)
    comma = getattr(encoder, "comma_token", None)
    if tokenize is None or comma is None:
        return None
    return WordwiseTokenizer(lambda text: [int(number) for number in tokenize([text])[0]], int(comma))
