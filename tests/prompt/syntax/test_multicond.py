import pytest

from lib_kohaku.prompt.syntax import multicond


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1girl, :3", [("1girl,", 3.0)]),
        ("1girl, :3,", [("1girl, :3,", 1.0)]),
        ("1girl, :\\3", [("1girl, :\\3", 1.0)]),
        ("a : -.5 \n", [("a", -0.5)]),
        ("a:1e2", [("a:1e2", 1.0)]),
        ("a:١٢", [("a", 12.0)]),
        ("a AND b:0.5AND c", [("a", 1.0), (" b:0.5AND c", 1.0)]),
        ("\nAND\n", [("", 1.0), ("", 1.0)]),
        ("BAND ANDY", [("BAND ANDY", 1.0)]),
        (":2", [("", 2.0)]),
    ],
)
def test_parts(text, parts):
    assert multicond(text) == parts
