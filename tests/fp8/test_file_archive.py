"""Taking a model out of a zip that nobody vouches for."""

from __future__ import annotations

import os
import zipfile

import pytest
import torch

from lib_kohaku.checkpoint.io import atomic
from lib_kohaku.errors import CancelledError, CheckpointError, KohakuError, OutputExistsError
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files import archive as archive_module
from lib_kohaku.fp8.files.archive import import_entry, list_entries
from tests.fp8.files import write


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    tensors = {"a.weight": torch.randn(64, 64).to(torch.float8_e4m3fn), "b": torch.arange(5)}
    return write(folder / "model.safetensors", tensors, {"format": "pt"})


def zipped(tmp_path, entries, method=zipfile.ZIP_DEFLATED):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def folder_of(tmp_path):
    target = tmp_path / "models"
    target.mkdir(exist_ok=True)
    return target


def assert_nothing_left(tmp_path):
    assert list(folder_of(tmp_path).iterdir()) == []
    assert not (tmp_path.parent / "evil.safetensors").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_file_comes_out_bit_for_bit(model, tmp_path, method):
    path = zipped(tmp_path, {"readme.txt": b"hello", "folder/Kohaku fp8.safetensors": model.read_bytes()}, method)
    (entry,) = list_entries(path)
    assert (entry.name, entry.size) == ("Kohaku fp8.safetensors", model.stat().st_size)
    out = folder_of(tmp_path) / "chosen.safetensors"
    assert import_entry(path, out) == entry
    assert out.read_bytes() == model.read_bytes()
    assert [file.name for file in out.parent.iterdir()] == ["chosen.safetensors"]


@pytest.mark.parametrize(
    "name", ["../evil.safetensors", "/evil.safetensors", "..\\..\\evil.safetensors", "C:\\evil.safetensors"]
)
def test_paths_in_the_zip_decide_nothing(model, tmp_path, name):
    path = zipped(tmp_path, {name: model.read_bytes()})
    out = folder_of(tmp_path) / "chosen.safetensors"
    assert import_entry(path, out).name == "evil.safetensors"
    assert [file.name for file in out.parent.iterdir()] == ["chosen.safetensors"]
    assert not list(tmp_path.rglob("evil*")) and not list(tmp_path.parent.glob("evil*"))


def test_several_files_need_a_choice(model, tmp_path):
    path = zipped(tmp_path, {"a.safetensors": model.read_bytes(), "b.safetensors": b"x"})
    out = folder_of(tmp_path) / "o.safetensors"
    with pytest.raises(Fp8FileError, match=r"a\.safetensors, b\.safetensors"):
        import_entry(path, out)
    with pytest.raises(Fp8FileError, match=r"no c\.safetensors"):
        import_entry(path, out, "c.safetensors")
    import_entry(path, out, "a.safetensors")
    assert out.read_bytes() == model.read_bytes()
    with pytest.raises(OutputExistsError):
        import_entry(path, out, "a.safetensors")
    import_entry(path, out, "a.safetensors", overwrite=True)


def test_what_is_no_model(tmp_path, model):
    out = folder_of(tmp_path) / "o.safetensors"
    with pytest.raises(Fp8FileError, match="no safetensors file"):
        import_entry(zipped(tmp_path, {"readme.txt": b"hi"}), out)
    for data in (b"", b"short", b"\xff" * 100, model.read_bytes()[:-1], model.read_bytes() + b"x"):
        with pytest.raises(CheckpointError):
            import_entry(zipped(tmp_path, {"m.safetensors": data}), out)
    no_zip = tmp_path / "no.zip"
    no_zip.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(Fp8FileError, match="not a sound zip"):
        import_entry(no_zip, out)
    with pytest.raises(Fp8FileError, match="not a sound zip"):
        list_entries(tmp_path / "missing.zip")
    assert_nothing_left(tmp_path)


def test_truncated_and_corrupted_zips(tmp_path, model):
    whole = zipped(tmp_path, {"m.safetensors": model.read_bytes()}).read_bytes()
    path, out = tmp_path / "broken.zip", folder_of(tmp_path) / "o.safetensors"
    middle = len(whole) // 2
    for data in (
        whole[:middle],
        whole[:-10],
        whole[:middle] + b"\x55" * 16 + whole[middle + 16 :],
        whole[:60] + b"\0" * 40 + whole[100:],
    ):
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            import_entry(path, out)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("with_length", [False, True])
def test_every_byte_of_a_zip_may_be_damaged(tmp_path, model, with_length):
    small = write(tmp_path / "made" / "small.safetensors", {"a": torch.arange(4)}, {"format": "pt"}).read_bytes()
    zip_path, out = tmp_path / "damaged.zip", folder_of(tmp_path) / "o.safetensors"
    with zipfile.ZipFile(zip_path, "w") as file:
        with file.open("ordner/modèle 模型.safetensors", "w", force_zip64=with_length) as member:
            member.write(small)
        file.writestr("é.txt", b"hello")
    whole = zip_path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for value in (whole[place] ^ 0x80, 0xFF, 0):
            zip_path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                list_entries(zip_path)
                import_entry(zip_path, out)
            except KohakuError:
                refused += 1
            else:
                assert out.read_bytes() == small
                out.unlink()
            assert_nothing_left(tmp_path)
    assert refused > len(whole)


def test_what_a_mac_adds_to_a_zip_is_no_second_model(tmp_path, model):
    entries = {"Kohaku.safetensors": model.read_bytes(), "__MACOSX/._Kohaku.safetensors": b"\0\5\x16\7" + b"\0" * 159}
    path, out = zipped(tmp_path, entries), folder_of(tmp_path) / "o.safetensors"
    assert [entry.path for entry in list_entries(path)] == ["Kohaku.safetensors"]
    import_entry(path, out)
    assert out.read_bytes() == model.read_bytes()


def test_a_lie_about_the_size(tmp_path, model):
    path = zipped(tmp_path, {"m.safetensors": model.read_bytes()})
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    for size in (model.stat().st_size + 4096, 16):
        data[directory + 24 : directory + 28] = size.to_bytes(4, "little")
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            import_entry(path, folder_of(tmp_path) / "o.safetensors")
    assert_nothing_left(tmp_path)


def test_bombs_encryption_links_and_odd_methods(tmp_path, model, monkeypatch):
    out = folder_of(tmp_path) / "o.safetensors"
    monkeypatch.setattr(archive_module, "_RATIO_COUNTS_FROM", 1 << 20)
    with pytest.raises(Fp8FileError, match="never pack that well"):
        import_entry(zipped(tmp_path, {"m.safetensors": b"\0" * (4 << 20)}), out)
    with pytest.raises(Fp8FileError, match="method other than deflate"):
        import_entry(zipped(tmp_path, {"m.safetensors": model.read_bytes()}, zipfile.ZIP_LZMA), out)
    path = zipped(tmp_path, {"m.safetensors": model.read_bytes()})
    data = bytearray(path.read_bytes())
    for place in (6, data.rindex(b"PK\x01\x02") + 8):
        data[place] |= 1
    path.write_bytes(data)
    with pytest.raises(Fp8FileError, match="encrypted"):
        import_entry(path, out)
    link = zipfile.ZipInfo("m.safetensors")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(Fp8FileError, match="a link"):
        import_entry(path, out)
    assert_nothing_left(tmp_path)


def test_no_room(tmp_path, model, monkeypatch):
    usage = archive_module.shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(archive_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Exception, match=r"are needed, 100 B are free"):
        import_entry(zipped(tmp_path, {"m.safetensors": model.read_bytes()}), folder_of(tmp_path) / "o.safetensors")
    assert_nothing_left(tmp_path)


def test_cancelling(tmp_path, model):
    class Cancel:
        def start(self, label, total, unit):
            assert total == model.stat().st_size and "m.safetensors" in label

        def advance(self, amount):
            pass

        def cancelled(self):
            return True

    with pytest.raises(CancelledError):
        import_entry(
            zipped(tmp_path, {"m.safetensors": model.read_bytes()}),
            folder_of(tmp_path) / "o.safetensors",
            progress=Cancel(),
        )
    assert_nothing_left(tmp_path)
    assert os.listdir(folder_of(tmp_path)) == []  # noqa: PTH208 (hidden files too)


def test_a_sweep_between_creation_and_lock(model, tmp_path, monkeypatch):
    """A merge that begins at the same moment sees a file that nobody has locked yet, and takes it for a dead one's."""
    path = zipped(tmp_path, {"model.safetensors": model.read_bytes()})
    target = folder_of(tmp_path)
    sweeps = []
    lock = atomic.lock_temporary

    def late(descriptor):
        if not sweeps:
            sweeps.append(atomic.sweep_temporaries(target))
        lock(descriptor)

    monkeypatch.setattr(atomic, "lock_temporary", late)
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(
        zipfile.ZipExtFile, "read", lambda *values: sweeps.append(atomic.sweep_temporaries(target)) or read(*values)
    )
    import_entry(path, target / "x.safetensors")
    assert len(sweeps[0]) == 1
    assert len(sweeps) > 2
    assert not any(sweeps[1:]), "locked while it is written"
    assert [file.name for file in target.iterdir()] == ["x.safetensors"]
    assert (target / "x.safetensors").read_bytes() == model.read_bytes()
