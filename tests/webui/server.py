"""A real webui in a process of its own, with its own data folder, on this machine's own address only."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FLAGS = [
    "--skip-prepare-environment",
    "--skip-python-version-check",
    "--skip-torch-cuda-test",
    "--skip-version-check",
    "--use-cpu",
    "all",
    "--no-half",
    "--no-download-sd-model",
    "--do-not-download-clip",
    "--disable-console-progressbars",
    "--api",
]
_STARTED = "Startup time:"
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PYTHONUNBUFFERED": "1",
    # More threads than idle cores wait for each other; and images depend on their number.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "no_proxy": "127.0.0.1,localhost",
    "NO_PROXY": "127.0.0.1,localhost",
}
SETTINGS = {
    "live_previews_enable": False,
    "samples_save": False,
    "grid_save": False,
    "save_images_add_number": False,
    "show_progress_every_n_steps": -1,
}


@dataclass(frozen=True)
class Install:
    """Where a webui is, and its Python."""

    root: Path
    python: Path


def find_install() -> Install | None:
    """The webui at ``KOHAKU_WEBUI_DIR`` (its folder, or the one above), None if that is not set.

    Raises:
        FileNotFoundError: It is set to a place without a webui, or without a Python for it.
    """
    given = os.environ.get("KOHAKU_WEBUI_DIR")
    if not given:
        return None
    folders = (Path(given), Path(given) / "webui")
    root = next((folder for folder in folders if (folder / "launch.py").is_file()), None)
    if root is None:
        raise FileNotFoundError(f"KOHAKU_WEBUI_DIR={given} holds no launch.py")
    pythons = [root.parent / "venv" / "bin" / "python", root / "venv" / "bin" / "python"]
    if chosen := os.environ.get("KOHAKU_WEBUI_PYTHON"):
        pythons = [Path(chosen)]
    python = next((path for path in pythons if path.exists()), None)
    if python is None:
        raise FileNotFoundError(f"no Python for {root}: set KOHAKU_WEBUI_PYTHON (looked for {pythons[0]})")
    return Install(root, python)


class Webui:
    """A running webui."""

    def __init__(self, install: Install, data: Path, log: Path, *flags: str) -> None:
        self.data = data
        self.log_path = log
        self.port = _free_port()
        (data / "config.json").write_text(json.dumps(SETTINGS))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _OFFLINE
        command = [install.python, "launch.py", *_FLAGS, "--data-dir", data, "--port", str(self.port), *flags]
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, cwd=install.root, env=environment, stdout=file, stderr=file)

    def wait_started(self, times: int = 1, seconds: float = 240) -> None:
        """Wait until the log says so. A request before that can break the webui's start."""
        end = time.monotonic() + seconds
        while self.log.count(_STARTED) < times:
            assert self._process.poll() is None, self.log[-3000:]
            assert time.monotonic() < end, self.log[-3000:]
            time.sleep(0.2)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and answer of a request."""
        data = json.dumps(body).encode() if body is not None else None
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, all_headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else text

    def kohaku(self, method: str, path: str, body: Any = None) -> Any:
        """Answer of our own API; it has to be a good one."""
        status, answer = self.call(method, f"/kohaku/v1{path}", body)
        assert status == 200, (status, answer)
        return answer

    def job(self, path: str, body: Any) -> dict[str, Any]:
        """Start a job and wait for its end."""
        return self.wait_job(self.kohaku("POST", path, body)["id"])

    def wait_job(self, job_id: str) -> dict[str, Any]:
        while True:
            answer = self.kohaku("GET", f"/jobs/{job_id}")
            if answer["state"] not in ("queued", "running"):
                return answer
            time.sleep(0.05)

    def image(self, **changes: Any) -> bytes:
        """The pixels of one small image."""
        return self.images(**changes)[0][0]

    def images(self, **changes: Any) -> tuple[list[bytes], dict[str, Any]]:
        """Pixels of all images of a request, and what the webui says of them."""
        body = {
            "prompt": "1girl, solo",
            "negative_prompt": "bad",
            "seed": 5,
            "steps": 3,
            "width": 64,
            "height": 64,
            "sampler_name": "Euler",
            "scheduler": "Automatic",
            **changes,
        }
        status, answer = self.call("POST", "/sdapi/v1/txt2img", body)
        assert status == 200, answer
        return [_pixels(image) for image in answer["images"]], json.loads(answer["info"])

    def press(self, element_id: str, *first: Any) -> None:
        """Press a button of the page, by its id, with its first inputs."""
        _, config = self.call("GET", "/config")
        button = next(item["id"] for item in config["components"] if item["props"].get("elem_id") == element_id)
        index, event = next(
            (index, item) for index, item in enumerate(config["dependencies"]) if button in item["targets"]
        )
        data = [*first, *[None] * (len(event["inputs"]) - len(first))]
        self.call("POST", "/run/predict", {"fn_index": index, "data": data, "session_hash": "test"})


def _pixels(encoded: str) -> bytes:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(encoded))).tobytes()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
