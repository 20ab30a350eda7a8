"""Everything that decides a merge's result, as one value that can be written down and shared."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lib_kohaku.checkpoint.blocks import DEFAULT_PROFILE
from lib_kohaku.checkpoint.dtypes import OUTPUT_DTYPES
from lib_kohaku.errors import RecipeError

FORMAT = 1
MAX_RECIPE_BYTES = 1_000_000
MAX_USUAL_NAMES = 50
COMPONENTS = ("unet", "te1", "te2", "te3", "vae", "ema", "other")

MERGE = "merge"
BASE = "base"
DROP = "drop"
FROM = "from:"
KEEP = "keep"
FP8_PROFILES = ("webui", "comfyui", "plain")

# Peers disagree about the profile, so a recipe says which is meant even when it is ours.
_ALWAYS_WRITTEN = ("formula", "profile")

# The VAE of a merge is the base's unless asked: an average of two VAEs is no VAE that anybody tuned. EMA copies are
# training state and follow their model.
DEFAULT_COMPONENTS: Mapping[str, str] = MappingProxyType({"vae": BASE, "ema": BASE})


@dataclass(frozen=True)
class ModelReference:
    """The file that a role stands for.

    Attributes:
        file: Its name, without folders of the machine that it lay on.
        sha256: Its hash, empty if it was not computed.
        names: Names under which people usually keep that model, see
            :meth:`~lib_kohaku.checkpoint.library.ModelLibrary.find_known_as`.
    """

    file: str = ""
    sha256: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A merge, without the files themselves.

    Attributes:
        formula: Text of the formula.
        name: What people call the recipe; suggests the output's name.
        title: What to show instead of the name, empty for the name itself.
        description: A sentence about it.
        models: What each role of the formula stands for; roles may be unbound.
        parameters: Values of ``$parameters`` that differ from their defaults.
        profile: Block profile: which block the tensors outside the block list follow.
        base: Role of the base model, empty for the formula's own.
        components: Component to ``merge``, ``base`` (keep the base model's), ``drop`` or ``from:ROLE``; components that
            are not named follow :data:`DEFAULT_COMPONENTS`, else ``merge``.
        dtypes: Component or ``default`` to ``keep``, ``fp32``, ``fp16``, ``bf16``, ``fp8_e4m3fn`` or ``fp8_e5m2``.
        seed: For methods that draw random numbers.
        fp8_profile: For whom fp8 tensors are written: ``webui``, ``comfyui`` or ``plain`` (see docs/fp8.md); empty for
            weights of the UNet without scales.
    """

    formula: str
    name: str = ""
    title: str = ""
    description: str = ""
    models: Mapping[str, ModelReference] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    profile: str = DEFAULT_PROFILE
    base: str = ""
    components: Mapping[str, str] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    fp8_profile: str = ""

    def __post_init__(self) -> None:
        if self.fp8_profile not in ("", *FP8_PROFILES):
            raise RecipeError(f"There is no fp8 profile {self.fp8_profile!r}; there are {', '.join(FP8_PROFILES)}.")
        if type(self.seed) is not int or not 0 <= self.seed < 1 << 63:
            raise RecipeError("The recipe's seed is not a whole number from 0 to 2^63 - 1.")
        for component, policy in self.components.items():
            _check_component(component)
            if policy not in (MERGE, BASE, DROP) and not (policy.startswith(FROM) and policy != FROM):
                raise RecipeError(f"{component}: {policy!r} is not merge, base, drop or from:ROLE.")
        for component, dtype in self.dtypes.items():
            if component != "default":
                _check_component(component)
            if dtype != KEEP and dtype not in OUTPUT_DTYPES:
                raise RecipeError(f"{component}: {dtype!r} is not {KEEP}, {', '.join(OUTPUT_DTYPES)}.")

    def policy(self, component: str) -> str:
        """What happens to a component."""
        return self.components.get(component) or DEFAULT_COMPONENTS.get(component, MERGE)

    def dtype(self, component: str) -> str:
        """The output type of a component, ``keep`` for "as the base model stores it"."""
        return self.dtypes.get(component) or self.dtypes.get("default", KEEP)


def _check_component(component: str) -> None:
    if component not in COMPONENTS:
        raise RecipeError(f"There is no component {component!r}; there are {', '.join(COMPONENTS)}.")


def recipe_to_json(recipe: Recipe) -> str:
    """The recipe as text; most fields are left out at their defaults. Equal recipes give equal text."""
    document: dict[str, Any] = {"kohaku_recipe": FORMAT}
    blank = Recipe(formula="")
    for item in fields(Recipe):
        value = getattr(recipe, item.name)
        if item.name == "models":
            value = {role: _reference_to_json(reference) for role, reference in value.items()}
        if item.name in _ALWAYS_WRITTEN or value != getattr(blank, item.name):
            document[item.name] = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(document, ensure_ascii=False, indent=1)


def _reference_to_json(reference: ModelReference) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": reference.file, "sha256": reference.sha256, "names": list(reference.names)}
    return {name: value for name, value in entry.items() if value}


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe's text.

    Raises:
        RecipeError: If it is not a recipe, is of a newer format, or has a field of the wrong type or an unknown field.
    """
    if len(text) > MAX_RECIPE_BYTES:
        raise RecipeError(f"The recipe is longer than {MAX_RECIPE_BYTES} characters.")
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()  # refuses half characters, which no file can hold
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"The recipe is not valid JSON ({str(error)[:100]}).") from error
    if not isinstance(document, dict) or "kohaku_recipe" not in document:
        raise RecipeError("This is not a Kohaku recipe (it has no entry kohaku_recipe).")
    if document.pop("kohaku_recipe") != FORMAT:
        raise RecipeError(f"This recipe has another format than {FORMAT}; a newer version of the extension made it.")
    known = {item.name for item in fields(Recipe)}
    unknown = sorted(document.keys() - known)
    if unknown:
        raise RecipeError(f"The recipe has unknown fields: {', '.join(unknown)[:200]}.")
    if not isinstance(document.get("formula"), str):
        raise RecipeError("The recipe has no formula.")
    return Recipe(**{name: _check_field(name, value) for name, value in document.items()})


def _check_field(name: str, value: Any) -> Any:
    if name == "seed":
        return value  # checked by the recipe itself
    if name == "models":
        return {role: _read_reference(role, entry) for role, entry in _table(name, value).items()}
    if name == "parameters":
        table = _table(name, value)
        return {parameter: _finite(number) for parameter, number in table.items()}
    if name in ("components", "dtypes"):
        table = _table(name, value)
        if not all(isinstance(text, str) for text in table.values()):
            raise RecipeError(f"The recipe's {name} are not all text.")
        return table
    if not isinstance(value, str):
        raise RecipeError(f"The recipe's {name} is not text.")
    return value


def _finite(number: Any) -> float:
    try:
        value = float(number) if type(number) in (int, float) else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise RecipeError("The recipe's parameters are not all finite numbers.")
    return value


def _table(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecipeError(f"The recipe's {name} are not a table.")
    return value


def _read_reference(role: str, entry: Any) -> ModelReference:
    table = dict(_table(f"model {role!r}", entry))
    names = table.pop("names", [])
    if not table.keys() <= {"file", "sha256"} or not all(isinstance(value, str) for value in table.values()):
        raise RecipeError(
            f"The recipe's model {role!r} has other fields than file, sha256 and names, or they are not text."
        )
    if not isinstance(names, list) or len(names) > MAX_USUAL_NAMES or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"The names of the recipe's model {role!r} are not a list of up to {MAX_USUAL_NAMES} texts.")
    return ModelReference(**table, names=tuple(names))


def read_recipe_file(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: If it cannot be read or is not a recipe.
    """
    try:
        if path.stat().st_size > 4 * MAX_RECIPE_BYTES:
            raise RecipeError(f"{path.name}: too large for a recipe.")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name}: cannot be read ({error}).") from error
    return recipe_from_json(text)
