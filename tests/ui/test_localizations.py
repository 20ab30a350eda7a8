"""Translations: every key is a text that the page shows, exactly, or the webui would never replace it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

import gradio as gr

from lib_kohaku.app.prompt.added_words import AddedWords
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.plan.describe import describe_action
from lib_kohaku.merge.recipe import BASE, DROP, MERGE
from lib_kohaku.prompt.tags.strength import Strength
from lib_kohaku.ui.accordion.build import build_accordion
from lib_kohaku.ui.assets import asset_root
from lib_kohaku.ui.merge.simple_formula import is_simple, single_labels
from lib_kohaku.ui.tab import build_tab

ROOT = asset_root()
FILES = sorted((ROOT / "localizations").glob("*.json"))


def pages(workbench) -> list[gr.Blocks]:
    """Our tab, and the section for a host's own pages."""
    with gr.Blocks() as section:
        build_accordion(lambda: AddedWords(workbench.prompting), "txt2img")
    return [build_tab(workbench), section]


def texts(blocks: gr.Blocks) -> Iterator[str]:
    """Everything that gradio's components and our own HTML show."""
    for block in blocks.blocks.values():
        for name in ("label", "value", "info"):
            value = getattr(block, name, None)
            if isinstance(value, str):
                yield value
        for choice in getattr(block, "choices", None) or ():
            yield choice if isinstance(choice, str) else choice[0]
    package = ROOT / "lib_kohaku"
    settings = package / "host" / "a1111" / "settings.py"
    for path in [*(package / "ui").rglob("*.py"), *(package / "app").rglob("*.py"), settings]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in (ROOT / "javascript").glob("*.js"):
        yield from re.findall(r"'([^'\n]+)'", path.read_text("utf-8"))
    yield from (strength.value for strength in Strength)
    for method in METHODS.values():
        yield from (method.label, method.description)
        if is_simple(method):
            yield from single_labels(method)
    yield from (describe_action(action).capitalize() for action in (MERGE, BASE, DROP))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_key_is_shown_somewhere(path, workbench):
    shown = {text.strip() for blocks in pages(workbench) for text in texts(blocks)}
    keys = json.loads(path.read_text("utf-8"))
    assert [key for key in keys if key not in shown] == []


def test_both_languages_have_the_same_keys_and_leave_nothing_empty():
    tables = [json.loads(path.read_text("utf-8")) for path in FILES]
    assert [path.stem for path in FILES] == ["ja_JP", "zh_CN"]
    assert tables[0].keys() == tables[1].keys()
    assert [key for table in tables for key, text in table.items() if not text.strip() or text == key] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_label_of_the_page_is_translated(path, workbench):
    keys = json.loads(path.read_text("utf-8"))
    labels = {
        getattr(block, "label", None) or (block.value if isinstance(block, gr.Button) else None)
        for blocks in pages(workbench)
        for block in blocks.blocks.values()
        if getattr(block, "visible", True) and not _is_hidden(block)
    } - {None}
    blocks = re.compile(r"(BASE|IN\d\d|M00|OUT\d\d|VAE|alpha|HTML|Kohaku)\Z")
    assert sorted(label for label in labels if label not in keys and not blocks.match(label)) == []


def _is_hidden(block: object) -> bool:
    while block is not None:
        if "kohaku-hidden" in (getattr(block, "elem_classes", None) or ()):
            return True
        block = getattr(block, "parent", None)
    return False
