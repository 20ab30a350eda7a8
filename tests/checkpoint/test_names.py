"""File names from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.names import is_file, resolve_inside, safe_file_name
from lib_kohaku.errors import UnsafeNameError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model", "model.safetensors"),
        ("model.safetensors", "model.safetensors"),
        ("Model.SafeTensors", "Model.safetensors"),
        ("  two words  ", "two words.safetensors"),
        ("v1.5", "v1.5.safetensors"),
        ("花 – é", "花 – é.safetensors"),
        ("a.json", "a.json.safetensors"),
        ("console", "console.safetensors"),
        ("com10", "com10.safetensors"),
    ],
)
def test_good(name: str, expected: str) -> None:
    assert safe_file_name(name, ".safetensors") == expected


@pytest.mark.parametrize(
    "name",
    [
        "", "  ", ".safetensors", "..", ".", ".hidden", "a/b", "a\\b", "../a", "/etc/passwd", "C:\\x", "c:x", "a:b",
        "a*", "a?", 'a"', "a<b", "a>b", "a|b", "a\x00b", "a\nb", "a\x7f", "con", "CON", "nul.txt", "Com1",
        "lpt9.safetensors", "aux.x.y", "com¹", "trailing.", "x" * 250, "花" * 80, "half\ud800",
    ],
)  # fmt: skip
def test_bad(name: str) -> None:
    with pytest.raises(UnsafeNameError):
        safe_file_name(name, ".safetensors")


@given(name=st.text(max_size=30))
def test_whatever_is_accepted_stays_in_the_folder(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        path = resolve_inside(root, name, ".json")
    except UnsafeNameError:
        return
    assert path.parent == root.resolve()
    assert path.name.endswith(".json")
    assert not path.name.startswith(".")


def test_links_that_lead_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out.json").symlink_to(tmp_path / "elsewhere.json")
    (root / "in.json").symlink_to(root / "other.json")
    with pytest.raises(UnsafeNameError, match="leads out"):
        resolve_inside(root, "out", ".json")
    assert resolve_inside(root, "in", ".json").name == "in.json"


def test_is_file_never_raises(tmp_path: Path) -> None:
    (tmp_path / "yes").write_text("")
    assert is_file(tmp_path / "yes")
    for name in ("no", "x" * 5000, "zero\x00byte", "yes/inside", "."):
        assert not is_file(tmp_path / name)
