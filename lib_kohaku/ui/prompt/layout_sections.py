"""What is folded away below: the prompt by parts, captions of posts, generation parameters, tag lists."""

from __future__ import annotations

from lib_kohaku.ui.markup import Markup, div
from lib_kohaku.ui.prompt.pieces import box, hint, part, press, row, section


def sections() -> Markup:
    """All of them."""
    return div("kohaku-prompt-sections", _parts(), _captions(), _infotext(), _tags())


def _parts() -> Markup:
    about = hint("The prompt as the model's format divides it. Add, weigh or remove a tag; nothing else is touched.")
    return section("Prompt by parts", "parts_section", about, part("parts"))


def _captions() -> Markup:
    about = hint(
        "Paste the JSON of a danbooru post (the page of a post with .json at the end of its address). It becomes a "
        "prompt by the rules that the captions of the Kohaku models were made with."
    )
    return section(
        "Prompt from a booru post",
        "captions_section",
        about,
        box("Post", "post", 3, '{"id": 1, "rating": "g", "tag_string_general": "1girl solo", ...}'),
        row(press("Make a prompt", "caption", "Nothing is fetched: it only reads what you pasted")),
        part("captions"),
    )


def _infotext() -> Markup:
    about = hint("Paste what the webui writes under its images. Prompt, negative, size, CFG and steps are taken over.")
    return section(
        "From generation parameters",
        "infotext_section",
        about,
        box("Generation parameters", "infotext", 3, "1girl, solo ... Negative prompt: ... Steps: 28, Sampler: Euler a"),
        row(press("Take over", "infotext_use", "Undo brings back what is there now")),
    )


def _tags() -> Markup:
    return section(
        "Tag lists",
        "tags_section",
        part("lists"),
        row(press("Read them again", "tags_reload", "After you put a list into the folder")),
        part("offer"),
    )
