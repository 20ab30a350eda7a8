"""What ``pip install ".[ui]"`` brings is what the tests of the page run with."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]


def test_the_ui_extra_holds_what_the_page_is_tested_with() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^ui = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert listed
    wanted = [Requirement(text) for text in re.findall(r'^\s*"(.*)",$', listed[1], re.MULTILINE)]
    tested: dict[str, str] = {}
    for file in ("core.txt", "ui.txt"):
        for line in (REPOSITORY / "requirements" / file).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                pinned = Requirement(line)
                if pinned.marker is None or pinned.marker.evaluate({"python_version": "3.11"}):
                    tested[pinned.name.lower()] = str(pinned.specifier).removeprefix("==")
    assert {"gradio", "fastapi", "pydantic"} <= {one.name for one in wanted}
    for one in wanted:
        assert one.specifier.contains(tested[one.name]), one
        assert not one.specifier.contains("99"), f"{one}: the next release would break the page"
