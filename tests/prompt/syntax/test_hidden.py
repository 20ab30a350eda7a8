import pytest

from lib_kohaku.prompt.syntax import networks, strip_comments, strip_networks, visible


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a # note\nb", "a \nb"),
        ("a\n# note\nb", "a\nb"),
        ("# note\nb", "\nb"),
        ("a#x", "a\n"),
        ("a\n#x\n#y\nb", "a\n\nb"),
        ("a", "a"),
    ],
)
def test_comments(text, left):
    assert strip_comments(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a <lora:x:0.8>, b", "a , b"),
        ("<lora:x", "<lora:x"),
        ("<lora:>x>", "<lora:>x>"),
        ("<a:<b:c>d>", "d>"),
        ("<a b:c>", "<a b:c>"),
        ("<a:b\nc>", ""),
    ],
)
def test_networks(text, left):
    assert strip_networks(text) == left


def test_network_arguments():
    (network,) = networks("x <lora:name:0.8:te=1> y")
    assert (network.kind, network.arguments, network.start, network.end) == ("lora", ("name", "0.8", "te=1"), 2, 22)


def test_comments_go_first_and_only_if_asked():
    assert visible("<lora:a#b:1>") == "<lora:a\n"
    assert visible("<lora:a#b:1>", comments=False) == ""
