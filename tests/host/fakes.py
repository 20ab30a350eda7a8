"""A webui of a few hundred lines: small fake ``modules.*`` that behave as v1.10.1 does where our code looks."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from safetensors.torch import load_file

from tests.host.fake_parts import CheckpointInfo, Model, OptionInfo, Options, State


class FakeWebui:
    """The modules and what they have done.

    Attributes:
        events: Names of what happened, in order.
    """

    def __init__(self, root: Path, models: Path) -> None:
        self.root, self.models = root, models
        self.events: list[str] = []
        self.opts, self.state = Options(), State()
        self.callbacks: dict[str, list[tuple[str, Any]]] = {}
        self.xyz = ModuleType("xyz_grid.py")
        self.reload_fails = False
        self.modules = self._build()
        self.sd_models = self.modules["sd_models"]
        self.sd_models.list_models()

    # -- what tests do -------------------------------------------------------------------------------------------

    @property
    def model(self) -> Any:
        return self.sd_models.model_data.sd_model

    def load(self, name: str) -> Any:
        """Load a checkpoint as the webui does at its start."""
        info = self.sd_models.checkpoint_aliases[f"{name}.safetensors"]
        self.opts.data["sd_model_checkpoint"] = info.title
        self.sd_models.reload_model_weights(info=info)
        return self.model

    def before_image(self) -> None:
        """What the webui does before every image and after every grid."""
        self.sd_models.reload_model_weights()

    def load_script(self, path: Path) -> ModuleType:
        """Execute a script file as the webui does: under its file name, in no table, with its folder on the path."""
        spec = importlib.util.spec_from_file_location(path.name, path)
        module = importlib.util.module_from_spec(spec)
        before, sys.path = sys.path, [str(path.parent.parent), *sys.path]
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path = before
        return module

    # -- the modules ---------------------------------------------------------------------------------------------

    def _build(self) -> dict[str, ModuleType]:
        modules = {
            name: ModuleType(f"modules.{name}")
            for name in (
                *("shared", "call_queue", "progress", "sd_models", "sd_vae", "sd_hijack", "sd_unet", "devices"),
                *("script_callbacks", "scripts", "cache", "paths_internal"),
            )
        }
        self._small(modules)
        self._sd_models(modules["sd_models"])
        self._callbacks(modules["script_callbacks"])
        self._scripts(modules["scripts"])
        return modules

    def _small(self, modules: dict[str, ModuleType]) -> None:
        modules["shared"].__dict__.update(
            opts=self.opts,
            state=self.state,
            OptionInfo=OptionInfo,
            config_filename="config.json",
            cmd_opts=SimpleNamespace(ckpt_dir=None, no_hashing=False, hide_ui_dir_config=False, api_auth=None),
        )
        modules["call_queue"].queue_lock = threading.Lock()
        progress = modules["progress"]
        progress.__dict__.update(pending_tasks={}, finished_tasks=[], current_task=None)
        progress.add_task_to_queue = lambda task: progress.pending_tasks.update({task: 1})
        progress.start_task = lambda task: (
            progress.pending_tasks.pop(task, None),
            setattr(progress, "current_task", task),
        )
        progress.finish_task = lambda task: (
            progress.finished_tasks.append(task),
            setattr(progress, "current_task", None),
        )
        modules["devices"].__dict__.update(fp8=False, autocast=contextlib.nullcontext, torch_gc=lambda: None)
        modules["sd_unet"].apply_unet = lambda option=None: self.events.append(f"unet {option}")
        caches: dict[str, dict] = {}
        modules["cache"].cache = lambda section: caches.setdefault(section, {})
        modules["paths_internal"].data_path = str(self.root)
        modules["paths_internal"].script_path = str(self.root)
        modules["sd_hijack"].model_hijack = SimpleNamespace(
            circular_enabled=False,
            undo_hijack=lambda model: (self.events.append("undo hijack"), model.hijack(False)),
            hijack=lambda model: (self.events.append("hijack"), model.hijack(True)),
            apply_circular=lambda on: self.events.append(f"tiling {on}"),
        )
        modules["sd_vae"].__dict__.update(
            delete_base_vae=lambda: None,
            clear_loaded_vae=lambda: None,
            resolve_vae=lambda filename: SimpleNamespace(tuple=lambda: (None, None)),
            load_vae=lambda model, file, source: self.events.append("vae"),
        )

    def _sd_models(self, module: ModuleType) -> None:
        data = SimpleNamespace(sd_model=None, loaded_sd_models=[], lock=threading.Lock())

        def list_models() -> None:
            module.checkpoints_list.clear()
            module.checkpoint_aliases.clear()
            for path in sorted(self.models.rglob("*.safetensors")):
                info = CheckpointInfo(path, self.models)
                module.checkpoints_list[info.title] = info
                module.checkpoint_aliases.update(dict.fromkeys(info.ids, info))

        def select_checkpoint() -> CheckpointInfo:
            chosen = module.checkpoint_aliases.get(self.opts.sd_model_checkpoint)
            if chosen is None and not module.checkpoints_list:
                raise FileNotFoundError
            return chosen or next(iter(module.checkpoints_list.values()))

        def reload_model_weights(sd_model: Any = None, info: Any = None, forced_reload: bool = False) -> Any:
            info, model = info or select_checkpoint(), data.sd_model
            if model is not None and model.sd_model_checkpoint == info.filename and not forced_reload:
                return model
            self.events.append(f"load {info.name}")
            if self.reload_fails:
                raise OSError("the disk is gone")
            model = Model(load_file(info.filename))
            model.hijack(True)
            model.sd_checkpoint_info, model.sd_model_checkpoint = info, info.filename
            data.sd_model = model
            if not Skip.skip:
                self.opts.data["sd_model_checkpoint"] = info.title
            return model

        class Skip:
            skip = False

            def __enter__(self) -> None:
                Skip.skip = True

            def __exit__(self, *_: object) -> None:
                Skip.skip = False

        self.opts.onchange["sd_model_checkpoint"] = reload_model_weights
        module.__dict__.update(
            model_data=data,
            model_path=str(self.models),
            checkpoints_list={},
            checkpoint_aliases={},
            list_models=list_models,
            select_checkpoint=select_checkpoint,
            reload_model_weights=reload_model_weights,
            SkipWritingToConfig=Skip,
            check_fp8=lambda model: False,
            apply_alpha_schedule_override=lambda model: None,
            get_empty_cond=lambda model: "empty",
        )

    def _callbacks(self, module: ModuleType) -> None:
        def caller() -> str:
            frame = sys._getframe(2)
            return frame.f_code.co_filename

        def registrar(kind: str) -> Any:
            return lambda callback: self.callbacks.setdefault(kind, []).append((caller(), callback))

        for kind in (
            *("ui_tabs", "ui_settings", "before_ui", "app_started", "infotext_pasted"),
            *("script_unloaded", "list_unets"),
        ):
            setattr(module, f"on_{kind}", registrar(kind))

        def remove_current_script_callbacks() -> None:
            owner = caller()
            for kind, entries in self.callbacks.items():
                self.callbacks[kind] = [entry for entry in entries if entry[0] != owner]

        module.remove_current_script_callbacks = remove_current_script_callbacks
        module.model_loaded_callback = lambda model: self.events.append("model loaded callback")

    def _scripts(self, module: ModuleType) -> None:
        class Script:
            """Base of all scripts."""

        class AxisOption:
            def __init__(self, label: str, type_: Any, apply: Any, confirm: Any, cost: float, choices: Any) -> None:
                self.label, self.type, self.apply = label, type_, apply
                self.confirm, self.cost, self.choices = confirm, cost, choices

        self.xyz.AxisOption = lambda label, type_, apply, confirm=None, cost=0.0, choices=None: AxisOption(
            label, type_, apply, confirm, cost, choices
        )
        self.xyz.axis_options = []
        plot = type("Script", (Script,), {"__module__": "xyz_grid.py"})
        module.__dict__.update(
            Script=Script,
            AlwaysVisible=object(),
            scripts_data=[SimpleNamespace(script_class=plot, module=self.xyz)],
        )


def installed(fake: FakeWebui) -> Iterator[tuple[str, ModuleType]]:
    """Names and modules for ``sys.modules``."""
    package = ModuleType("modules")
    package.__path__ = []
    yield "modules", package
    for name, module in fake.modules.items():
        setattr(package, name, module)
        yield f"modules.{name}", module
