"""Parts of the fake webui: settings, state, models, entries of the list."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch


class Options:
    """Settings; ``data_labels`` holds what was added."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {"sd_model_checkpoint": None, "fp8_storage": "Disable"}
        self.data_labels: dict[str, Any] = {}
        self.restricted_opts: set[str] = set()
        self.saved = 0
        self.onchange: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["data"][name]
        except KeyError:
            raise AttributeError(name) from None

    def add_option(self, key: str, info: Any) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)

    def set(self, key: str, value: Any) -> bool:
        if self.data.get(key) == value:
            return False
        before, self.data[key] = self.data.get(key), value
        try:
            self.onchange.get(key, lambda: None)()
        except Exception:
            self.data[key] = before
            return False
        return True

    def save(self, filename: str) -> None:
        self.saved += 1


class OptionInfo:
    """A setting. ``section`` has to be given: without it the real one breaks the page."""

    def __init__(
        self, default: Any, label: str, component: Any, component_args: Any, *, section: Any, **more: Any
    ) -> None:
        self.default, self.label, self.component, self.component_args = default, label, component, component_args
        self.section, self.more, self.comment = section, more, ""

    def info(self, text: str) -> OptionInfo:
        self.comment += text
        return self

    def needs_restart(self) -> OptionInfo:
        return self

    def needs_reload_ui(self) -> OptionInfo:
        return self


class State:
    """What a generation or a task is doing."""

    def __init__(self) -> None:
        self.skipped = self.interrupted = self.stopping_generation = False
        self.job, self.job_count, self.job_no = "", 0, 0
        self.sampling_step = self.sampling_steps = 0
        self.textinfo: str | None = None
        self.time_start = 0.0

    def begin(self, job: str) -> None:
        self.__init__()
        self.job, self.job_count = job, -1
        self.time_start = threading.get_ident() + id(job)

    def end(self) -> None:
        self.job, self.job_count = "", 0

    @property
    def idle(self) -> bool:
        return vars(self) | {"time_start": 0} == vars(State())


class Model(torch.nn.Module):
    """Parameters of the given names. While hijacked, a part of them has another name."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            self._put(self, name.split("."), tensor)
        self.parameterization = "eps"
        self.sd_model_hash = "abc"
        self.hijacked = False
        self.lowvram = False

    def _put(self, module: torch.nn.Module, path: Sequence[str], tensor: torch.Tensor) -> None:
        for part in path[:-1]:
            if not hasattr(module, part):
                module.add_module(part, torch.nn.Module())
            module = getattr(module, part)
        values = tensor.clone().float() if tensor.is_floating_point() else tensor.clone()
        if values.is_floating_point():
            module.register_parameter(path[-1], torch.nn.Parameter(values))
        else:
            module.register_buffer(path[-1], values)

    def hijack(self, on: bool) -> None:
        assert self.hijacked is not on
        parent = self.conditioner.embedders
        inner = parent._modules["0"]
        if on:
            wrapper = torch.nn.Module()
            wrapper.wrapped = inner
            parent._modules["0"] = wrapper
        else:
            parent._modules["0"] = inner.wrapped
        self.hijacked = on

    def weights(self) -> dict[str, torch.Tensor]:
        found = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        return {name.replace(".wrapped.", "."): tensor.detach().clone() for name, tensor in found.items()}


class CheckpointInfo:
    """An entry of the list."""

    def __init__(self, path: Path, root: Path) -> None:
        self.filename, self.name = str(path), path.relative_to(root).as_posix()
        self.name_for_extra = self.model_name = path.stem
        self.title = self.short_title = f"{self.name} [0123456789]"
        self.hash, self.shorthash, self.sha256 = "01234567", "0123456789", "01" * 32
        self.ids, self.metadata, self.is_safetensors = [self.name, self.title], {}, True

    def calculate_shorthash(self) -> str:
        assert Path(self.filename).exists()
        return self.shorthash

    def register(self) -> None:
        raise AssertionError("only for the list")
