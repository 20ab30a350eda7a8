"""Run by the webui before it starts. Installs nothing: all that is needed is what the webui has; says so if not."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NEEDED = {"torch": (2, 1, 2), "safetensors": (0, 4, 2), "numpy": (1, 26), "gradio": (3, 41, 2)}


def numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``2.1.2+cu121`` is ``(2, 1, 2)``."""
    found = []
    for part in text.split("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits))
    return tuple(found)


def problems() -> list[str]:
    """What is missing or too old, one sentence each."""
    found = []
    for name, floor in NEEDED.items():
        wanted = ".".join(map(str, floor))
        try:
            present = version(name)
        except PackageNotFoundError:
            found.append(f"sd-webui-kohaku needs {name} {wanted} or newer, which is not installed.")
            continue
        if numbers(present) < floor:
            found.append(f"sd-webui-kohaku needs {name} {wanted} or newer; {present} is installed.")
    return found


if __name__ == "__main__":
    for problem in problems():
        print(problem)
