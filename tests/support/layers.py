"""The rules of the rings, checked on syntax trees: what ``tests/test_layers.py`` runs over the whole package."""

from __future__ import annotations

import ast
from collections.abc import Iterator

CORE = ("checkpoint", "merge", "lora", "fp8", "prompt")
_WEB = {"gradio", "modules", "fastapi", "starlette"}
_OUTER = {"host", "ui", "api", "cli"}


def ring_of(path: str) -> str:
    """The folder or module right below ``lib_kohaku``, such as ``merge`` or ``errors``."""
    return path.split("/")[1].removesuffix(".py")


def problems(path: str, source: str) -> list[str]:
    """Everything in a file that breaks a rule, as ``path:line: what``.

    Args:
        path: With forward slashes, from the root: ``lib_kohaku/merge/recipe.py``.
        source: The file's text.
    """
    tree = ast.parse(source)
    found = [*_imports(path, tree), *_statements(path, tree)]
    return [f"{path}:{line}: {what}" for line, what in found]


def _imports(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    ring = ring_of(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.level:
                yield node.lineno, "relative import"
            if any(alias.name == "*" for alias in node.names):
                yield node.lineno, "star import"
            if node.module == "lib_kohaku":
                names = [f"lib_kohaku.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            names = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        else:
            continue
        for name in names:
            top, _, rest = str(name).partition(".")
            inner = rest.split(".")[0]
            if top == "modules" and ring != "host":
                yield node.lineno, f"imports {name}: only host may"
            elif ring in CORE and (top in _WEB or (top == "lib_kohaku" and inner in _OUTER)):
                yield node.lineno, f"the core imports {name}"
            elif ring == "host" and top == "lib_kohaku" and inner in ("ui", "cli"):
                yield node.lineno, f"host imports {name}"


def _statements(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except"
        elif isinstance(node, ast.Global):
            yield node.lineno, "global statement"
        elif isinstance(node, ast.Call) and path != "lib_kohaku/cli/output.py" and _called(node) == "print":
            yield node.lineno, "print"
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in ("stdout", "stderr")
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
            and ring_of(path) in CORE
        ):
            yield node.lineno, f"the core writes to sys.{node.attr}"


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
