"""The upper part of the page and its left column: the model's format, the prompt, and what is said about it."""

from __future__ import annotations

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.markup import Markup, div, span, tag
from lib_kohaku.ui.prompt.pieces import box, part, press, row


def head() -> Markup:
    """Whose format it is, and why."""
    choose = tag(
        "label",
        span("kohaku-prompt-label", "Prompt format"),
        tag("select", id=element_id("prompt_profile"), title="The model whose order and words are used"),
        class_="kohaku-prompt-field",
    )
    automatic = press(
        "Follow the loaded model",
        "automatic",
        "Choose by the checkpoint that is loaded",
        "kohaku-prompt-quiet",
        hidden=True,
    )
    return div("kohaku-prompt-head", choose, part("reason", "kohaku-hint"), automatic, part("tags", "kohaku-hint"))


def writing() -> Markup:
    """The prompt, from the first word to the button that sends it."""
    # The webui's Ctrl+Up and Ctrl+Down for weights work in text boxes inside of the class "prompt".
    return div("kohaku-prompt-main prompt", _positive(), _order(), _negative(), _send())


def _positive() -> Markup:
    text = box("Prompt", "text", 5, "Type tags in any order: 1girl, blue hair, hatsune miku, smile", completes=True)
    return tag(
        "section",
        text,
        part("chunks", "kohaku-prompt-bar"),
        part("pasted"),
        part("pickers"),
        part("findings"),
        aria_label="Prompt",
    )


def _order() -> Markup:
    order = press("Put in order", "format", "Shows what would change before anything does", "kohaku-prompt-primary")
    fix = press("Fix what is certain", "fix", "Applies the first fix of every error and warning", hidden=True)
    undo = press("Undo", "undo", "Takes back the last click", hidden=True)
    empty = press("Clear", "clear", "Empties prompt and negative; Undo brings them back", "kohaku-prompt-quiet")
    buttons = row(order, fix, undo, empty)
    return tag("section", buttons, part("diff", "", hidden=True), aria_label="Order")


def _negative() -> Markup:
    text = box("Negative prompt", "negative", 2, "What should not be in the picture", completes=True)
    return tag(
        "section",
        text,
        part("negative_chunks", "kohaku-prompt-bar"),
        part("negative_usual"),
        part("negative_findings"),
        aria_label="Negative prompt",
    )


def _send() -> Markup:
    to_txt2img = press(
        "Send to txt2img",
        "send_txt2img",
        "Sets prompt, negative, size and settings there and changes nothing else",
        "kohaku-prompt-primary",
        hidden=True,
    )
    to_img2img = press("Send to img2img", "send_img2img", "The same for img2img", hidden=True)
    copy = press("Copy prompt", "copy", "Puts the prompt on the clipboard")
    copy_negative = press("Copy negative", "copy_negative", "Puts the negative prompt on the clipboard")
    said = part("said", "", role="status", aria_live="polite")
    return tag("section", row(to_txt2img, to_img2img, copy, copy_negative), said, aria_label="Use it")
