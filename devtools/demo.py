"""``make demo``: the three merges of the Kohaku XL Gamma card on checkpoints that are made on the spot.

The checkpoints have all 2,515 true keys of SDXL with small shapes, so the demo takes seconds and shows the real thing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from devtools.key_tables import key_table
from devtools.sample_checkpoints import SampleWeights, write_sample
from lib_kohaku.cli.main import main as kohaku

# Who was trained from whom, as on the card: Animagine 3 from 2, the Kohaku bases from one another.
FAMILY = {
    "beta7": SampleWeights(1),
    "anxl2": SampleWeights(2, parent_seed=1, noise=0.05),
    "anxl3": SampleWeights(3, parent_seed=1, noise=0.06),
    "base7": SampleWeights(4, parent_seed=1, noise=0.03),
    "base8": SampleWeights(5, parent_seed=1, noise=0.03),
}
RECIPES = ("gamma-rev1", "gamma-rev2", "gamma-rev2-mbw")


def make_models(folder: Path) -> None:
    """Write the five checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = key_table("sdxl_mini")
    for name, weights in FAMILY.items():
        write_sample(folder / f"{name}.safetensors", specs, weights, overwrite=True)
        print(f"made {folder / name}.safetensors")


def run(words: list[str]) -> None:
    """Run one command of the command line, showing it."""
    print(f"\n$ kohaku {' '.join(words)}", flush=True)
    code = kohaku(words)
    if code:
        sys.exit(code)


def main(folder: Path) -> None:
    """Make models, merge, verify."""
    make_models(folder)
    for recipe in RECIPES:
        output = folder / "merged" / f"{recipe}.safetensors"
        output.parent.mkdir(exist_ok=True)
        run(["merge", "--recipe", recipe, "--models", str(folder), "--out", str(output), "--overwrite"])
        run(["verify", str(output), "--models", str(folder), "--all"])
    print(f"\nThe merged checkpoints are in {folder / 'merged'}. Look at one with")
    print(f"  .venv/bin/python -m lib_kohaku inspect {output}")
    print("Do the same by clicking, in a browser:")
    print(f"  .venv/bin/python -m lib_kohaku ui --models {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-models"))
