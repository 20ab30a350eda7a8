"""``kohaku fp8 import`` with zips that nobody vouches for: an exit code, a sentence, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.main import main
from tests.fp8.files import few_sdxl, write


@pytest.fixture
def model(tmp_path: Path) -> bytes:
    (tmp_path / "made").mkdir()
    return write(tmp_path / "made" / "model.safetensors", few_sdxl()).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the checkpoint is to go."""
    made = tmp_path / "models"
    made.mkdir()
    return made


def pack(folder: Path, entries: dict[str, bytes]) -> Path:
    path = folder.parent / "card.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def change(path: Path, make: Callable[[bytearray], bytes | bytearray]) -> Path:
    path.write_bytes(make(bytearray(path.read_bytes())))
    return path


def put(offset: int, value: bytes) -> Callable[[bytearray], bytearray]:
    """Write into the directory entry of the first file."""

    def make(data: bytearray) -> bytearray:
        place = data.rindex(b"PK\x01\x02") + offset
        data[place : place + len(value)] = value
        return data

    return make


def encrypted(data: bytearray) -> bytearray:
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return data


BAD = {
    "truncated": (lambda data: data[: len(data) // 2], "not a sound zip file"),
    "no zip": (lambda data: b"<html>not found</html>", "not a sound zip file"),
    "empty file": (lambda data: b"", "not a sound zip file"),
    "encrypted": (encrypted, "is encrypted"),
    "3 GB out of nothing": (put(24, (3 << 30).to_bytes(4, "little")), "never pack that well"),
    "longer than it says": (put(24, (100).to_bytes(4, "little")), "card.zip"),
    "an odd method": (put(10, (9).to_bytes(2, "little")), "other than deflate"),
    "broken inside": (lambda data: data[:200] + bytes(300) + data[500:], "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_zips(model: bytes, folder: Path, capsys: pytest.CaptureFixture[str], name: str):
    make, words = BAD[name]
    path = change(pack(folder, {"m.safetensors": model}), make)
    assert main(["fp8", "import", str(path), str(folder / "out.safetensors")]) == exit_codes.REFUSED
    said = capsys.readouterr()
    assert words in said.err and "card.zip" in said.err
    assert "Traceback" not in said.err and said.out == ""
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({}, "no safetensors file"),
        ({"readme.txt": b"x"}, "no safetensors file"),
        ({"m.safetensors": b"<html>not found</html>" * 9}, "m.safetensors"),
        ({"m.safetensors": b""}, "m.safetensors"),
        ({"folder.safetensors/": b""}, "no safetensors file"),
    ],
)
def test_zips_without_a_model(folder: Path, capsys: pytest.CaptureFixture[str], entries: dict[str, bytes], words: str):
    path = pack(folder, entries)
    assert main(["fp8", "import", str(path), str(folder / "out.safetensors")]) == exit_codes.REFUSED
    assert words in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_one_of_several_is_named(model: bytes, folder: Path, capsys: pytest.CaptureFixture[str]):
    path, out = pack(folder, {"a.safetensors": b"x", "b/c.safetensors": model}), folder / "out.safetensors"
    assert main(["fp8", "import", str(path), str(out)]) == exit_codes.REFUSED
    said = capsys.readouterr().err
    assert "a.safetensors, b/c.safetensors" in said and "Choose one" in said
    assert main(["fp8", "import", str(path), str(out), "--entry", "c.safetensors"]) == exit_codes.REFUSED
    assert "no c.safetensors" in capsys.readouterr().err
    assert main(["fp8", "import", str(path), str(out), "--entry", "b/c.safetensors"]) == exit_codes.DONE
    assert out.read_bytes() == model


@pytest.mark.parametrize(
    "name", ["../../evil.safetensors", "/evil.safetensors", "..\\evil.safetensors", "C:\\evil.safetensors"]
)
def test_paths_in_the_zip_decide_nothing(model: bytes, folder: Path, name: str):
    path = pack(folder, {name: model})
    assert main(["fp8", "import", str(path), str(folder / "out.safetensors")]) == exit_codes.DONE
    assert [file.name for file in folder.iterdir()] == ["out.safetensors"]
    assert not list(folder.parent.rglob("*evil*"))


def test_an_existing_file_needs_consent(model: bytes, folder: Path, capsys: pytest.CaptureFixture[str]):
    path, out = pack(folder, {"m.safetensors": model}), folder / "out.safetensors"
    out.write_bytes(b"mine")
    assert main(["fp8", "import", str(path), str(out)]) == exit_codes.REFUSED
    assert "exists already" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert main(["fp8", "import", str(path), str(out), "--overwrite"]) == exit_codes.DONE
    assert out.read_bytes() == model


def test_there_is_no_such_zip_or_folder(model: bytes, folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["fp8", "import", str(folder / "no.zip"), str(folder / "out.safetensors")]) == exit_codes.REFUSED
    assert "no.zip" in capsys.readouterr().err
    path = pack(folder, {"m.safetensors": model})
    assert main(["fp8", "import", str(path), str(folder / "nowhere" / "out.safetensors")]) != exit_codes.DONE
    said = capsys.readouterr().err
    assert "nowhere" in said and "Traceback" not in said


def test_as_a_program(model: bytes, folder: Path):
    path, out = pack(folder, {"m.safetensors": model}), folder / "out.safetensors"
    command = [sys.executable, "-m", "lib_kohaku", "fp8", "import", str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("m.safetensors:")) == (exit_codes.DONE, True), done.stderr
    change(path, lambda data: data[:-30])
    done = subprocess.run([*command, "--overwrite"], capture_output=True, text=True, check=False)
    assert (done.returncode, "not a sound zip" in done.stderr, done.stdout) == (exit_codes.REFUSED, True, "")
    assert out.read_bytes() == model
