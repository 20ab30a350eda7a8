"""Fixtures for all tests: no test sees the user's own files, and property tests have a size."""

from __future__ import annotations

import itertools
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.samples import Family, make_sd1_family, make_sdxl_family, make_small_family

if find_spec("playwright"):
    # Here, where all folders find it: a second one would be refused in the run that needs both.
    from tests.support.chromium import chromium  # noqa: F401

_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile(
    "usual", max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW
)
settings.register_profile("thorough", max_examples=2000, deadline=None, database=None, suppress_health_check=_SLOW)
settings.load_profile("thorough" if os.environ.get("KOHAKU_THOROUGH") else "usual")

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own; it is not made until something is written to it."""
    home = tmp_path_factory.getbasetemp() / f"home-{next(_numbers)}"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    monkeypatch.setenv("KOHAKU_DATA_DIR", str(home / "data"))
    return home


@pytest.fixture(scope="session")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """Five SDXL checkpoints with all true keys and shapes of at most 4: ``beta7 anxl2 anxl3 base7 base8``."""
    return make_sdxl_family(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """The same five with a few keys of every block: an SDXL that merges in no time."""
    return make_small_family(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """Two SD1 checkpoints with all true keys: ``one two``."""
    return make_sd1_family(tmp_path_factory.mktemp("sd1"))
