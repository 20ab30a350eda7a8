from __future__ import annotations

import csv

import pytest

from lib_kohaku.errors import OutputExistsError, RefusedError
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.presets.model import Preset, PromptParts
from lib_kohaku.prompt.presets.styles_csv import (
    Style,
    parse_styles,
    presets_of,
    read_styles,
    style_of,
    styles_text,
    write_styles,
)
from lib_kohaku.prompt.profiles.loader import load_profiles

HEADER = "name,prompt,negative_prompt\r\n"


def host_reads(path):
    """What the webui makes of a styles file: its reading, in our own words."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file, skipinitialspace=True) if row and not row["name"].startswith("#")]
    return {
        row["name"]: (row["prompt"] if "prompt" in row else row["text"], row.get("negative_prompt", "")) for row in rows
    }


def write(tmp_path, text):
    path = tmp_path / "styles.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


@pytest.mark.parametrize(
    "text",
    [
        HEADER + 'Rain,"rain, night","low, bad"\r\n',
        "\ufeff" + HEADER + 'Rain, "rain, night", "low, bad"\r\n',
        HEADER.replace("\r", "") + 'Rain,"rain, night","low, bad"\n\n#Snow,x,y\n,empty,name\n',
        'negative_prompt,name,prompt\n"low, bad",Rain,"rain, night"\n',
        HEADER + 'Rain,old,old\r\nRain,"rain, night","low, bad"\r\n',
        HEADER + '------- STYLES -------,,\r\nRain,"rain, night","low, bad"\r\n',
        HEADER + 'Rain,"rain, night","low, bad",extra,cells\r\n',
    ],
)
def test_files_are_read_as_the_host_reads_them(tmp_path, text):
    assert read_styles(write(tmp_path, text)) == (Style("Rain", "rain, night", "low, bad"),)


def test_the_old_column_text_serves(tmp_path):
    assert read_styles(write(tmp_path, "name,text\nRain,wet\n")) == (Style("Rain", "wet", ""),)


def test_prompts_of_several_lines_survive(tmp_path):
    path = tmp_path / "styles.csv"
    styles = [Style("Two lines", 'a "quoted",\nb', "c\nd"), Style("Wrap", "x, {prompt}, y", "")]
    write_styles(path, styles)
    assert list(read_styles(path)) == styles
    assert host_reads(path) == {"Two lines": ('a "quoted",\nb', "c\nd"), "Wrap": ("x, {prompt}, y", "")}
    assert path.read_bytes().startswith(b"\xef\xbb\xbfname,prompt,negative_prompt\r\n")


def test_adding_leaves_everything_else_as_it_was(tmp_path):
    path = write(tmp_path, "name,prompt,negative_prompt,mine\n#remark,x,y,z\nRain,wet,dry,1\n")
    write_styles(path, [Style("Snow", "cold", "hot")])
    assert path.read_text(encoding="utf-8-sig").splitlines() == [
        "name,prompt,negative_prompt,mine",
        "#remark,x,y,z",
        "Rain,wet,dry,1",
        "Snow,cold,hot,",
    ]


def test_names_that_are_taken_are_only_replaced_when_told(tmp_path):
    path = write(tmp_path, HEADER + "Rain,wet,dry\r\nSnow,cold,\r\n")
    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match="has these styles already: Rain"):
        write_styles(path, [Style("Rain", "new", ""), Style("Fog", "grey", "")])
    assert path.read_bytes() == before
    write_styles(path, [Style("Rain", "new", ""), Style("Fog", "grey", "")], overwrite=True)
    assert host_reads(path) == {"Snow": ("cold", ""), "Rain": ("new", ""), "Fog": ("grey", "")}


@pytest.mark.parametrize("name", ["", "#x", " x", "x\ny", "x "])
def test_names_that_the_host_would_not_read_back_are_refused(tmp_path, name):
    with pytest.raises(RefusedError, match="would not read"):
        write_styles(tmp_path / "styles.csv", [Style(name, "a", "b")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: is not a styles file"),
        ("a,b,c\n1,2,3\n", "line 1: is not a styles file"),
        ("name,negative_prompt\nx,y\n", "line 1: is not a styles file"),
        (HEADER + "x," + "y" * 200_000, "line 2: is not valid CSV"),
        (b"\x00\x01", "NUL"),
        (b"name,prompt\n\xff,x\n", "line 2: is not UTF-8"),
    ],
)
def test_other_files_are_refused_and_left_alone(tmp_path, text, message):
    path = write(tmp_path, text)
    before = path.read_bytes()
    with pytest.raises(DataFileError, match=message):
        read_styles(path)
    with pytest.raises(DataFileError, match=message):
        write_styles(path, [Style("Rain", "a", "b")])
    assert path.read_bytes() == before


def test_a_preset_goes_out_in_its_models_order():
    preset = Preset(
        "P", parts=PromptParts(counts=("1girl",), general=("rain",), quality=("masterpiece",)), negative="low"
    )
    assert style_of(preset, load_profiles().get("kohaku-xl-gamma")) == Style("P", "1girl, rain, masterpiece", "low")
    assert style_of(preset, load_profiles().get("animagine-xl-3.0")) == Style("P", "masterpiece, 1girl, rain", "low")


def test_a_style_comes_in_and_goes_out_unchanged():
    styles = (Style("Wrap", "a, {prompt}, (b:1.2)", "c"), Style("Only negative", "", "d"))
    assert tuple(style_of(preset) for preset in presets_of(styles)) == styles


def test_a_whole_file_is_read_back_as_it_was_written(tmp_path):
    styles = (Style("Rain", 'rain, "night"\n{prompt}', "low,bad"), Style("Snow", "snow", ""))
    text = styles_text(styles)
    assert parse_styles(tmp_path / "x.csv", text) == styles
    assert host_reads(write(tmp_path, text)) == {style.name: (style.prompt, style.negative) for style in styles}
    with pytest.raises(RefusedError, match="plain name"):
        styles_text([Style("#Rain", "rain", "")])


def test_an_endless_text_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="more than"):
        parse_styles(tmp_path / "x.csv", HEADER + "a" * 17_000_000)
