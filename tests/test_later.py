"""Objects that are made when they are first needed."""

from __future__ import annotations

import inspect
import threading
import time

import pytest

from lib_kohaku.later import Later, LaterHandlers, Once


class Thing:
    made = 0

    def __init__(self) -> None:
        Thing.made += 1
        self.files = self
        self.number = 7

    def add(self, one: int, two: int) -> int:
        return one + two + self.number


@pytest.fixture(autouse=True)
def count() -> None:
    Thing.made = 0


def test_once_is_once_whoever_asks() -> None:
    def slow() -> Thing:
        time.sleep(0.02)
        return Thing()

    once = Once(slow)
    assert not once.is_made
    found: list[Thing] = []
    threads = [threading.Thread(target=lambda: found.append(once())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert once.is_made and Thing.made == 1
    assert len(found) == 8 and len(set(map(id, found))) == 1


def test_what_failed_is_tried_again() -> None:
    answers = iter([ValueError("not yet"), 5])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once()
    assert not once.is_made
    assert once() == 5


def test_what_is_known_makes_nothing() -> None:
    thing = Later(Thing, host="here")
    assert thing.host == "here"
    assert not hasattr(thing, "__wrapped__") and not hasattr(thing, "_private")
    assert Thing.made == 0
    assert thing.add(1, 2) == 10
    assert thing.number == 7
    assert Thing.made == 1


def test_handlers_are_functions_that_make_their_object_when_they_are_called() -> None:
    handlers = LaterHandlers(Thing)
    add = handlers.files.add
    assert add is handlers.files.add
    assert callable(add) and add.__name__ == "files.add"
    assert str(inspect.signature(add)) == "(*values: 'Any') -> 'Any'"
    assert Thing.made == 0
    assert add(1, 2) == 10
    assert handlers.add(3, 4) == 14
    assert Thing.made == 1
    with pytest.raises(AttributeError):
        handlers.nothing()
