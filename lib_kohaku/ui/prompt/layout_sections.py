"""What is folded away below: the prompt by parts, captions of posts, generation parameters, tag lists."""

from __future__ import annotations

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.markup import Markup, div, tag
from lib_kohaku.ui.prompt.pieces import box, hint, line, part, press, row, section


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
        _by_id(),
        box("Post", "post", 3, '{"id": 1, "rating": "g", "tag_string_general": "1girl solo", ...}'),
        row(
            press("Make a prompt", "caption", "Nothing is fetched: it only reads what you pasted"),
            press("Paste and make a prompt", "caption_paste", "Takes the JSON of a post from the clipboard"),
        ),
        part("captions"),
    )


def _by_id() -> Markup:
    """Shown where there is a database."""
    ids = line("Post ids", "post_ids", "1234567 1234568", "Out of your danbooru2023-sqlite database")
    look_up = press("Look up", "caption_ids", "Reads the posts from your database")
    return part("by_id", "", row(ids, look_up), hidden=True)


def _infotext() -> Markup:
    about = hint(
        "Drop a picture of the webui's anywhere on this page, or paste what it writes under its images. "
        "Prompt, negative, size and settings are taken over."
    )
    file = tag(
        "input",
        type="file",
        id=element_id("prompt_picture_file"),
        accept="image/png,image/jpeg,image/webp",
        class_="kohaku-hidden",
    )
    return section(
        "From a picture or generation parameters",
        "infotext_section",
        about,
        box("Generation parameters", "infotext", 3, "1girl, solo ... Negative prompt: ... Steps: 28, Sampler: Euler a"),
        row(
            press("Take over", "infotext_use", "Undo brings back what is there now"),
            press("Paste and take over", "infotext_paste", "Takes them from the clipboard"),
            press("Choose a picture", "picture_choose", "PNG, JPEG or WebP; only its text is read"),
        ),
        file,
    )


def _tags() -> Markup:
    return section(
        "Tag lists",
        "tags_section",
        part("lists"),
        row(press("Read them again", "tags_reload", "After you put a list into the folder")),
        part("offer"),
    )
