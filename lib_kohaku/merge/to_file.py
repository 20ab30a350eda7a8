"""A plan to a checkpoint file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lib_kohaku.checkpoint.config_file import ConfigCopy, config_path, read_config
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.writer import CheckpointWriter
from lib_kohaku.merge.embed import output_metadata
from lib_kohaku.merge.execute.run import MergeReport, execute_plan
from lib_kohaku.merge.plan.build import check_output, require_runnable
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.progress import Progress, SilentProgress


def merge_to_file(
    plan: MergePlan,
    output: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    mode: IOMode = IOMode.AUTO,
) -> MergeReport:
    """Run a plan and write the result.

    Args:
        plan: The plan.
        output: The file, ending in ``.safetensors``, in a folder that exists.
        overwrite: Whether an existing file may be replaced. It is, in one step, after the new one is complete.
        progress: Told about bytes; asked for cancellation.
        mode: How files are read and written.

    Returns:
        What was done.

    Raises:
        PlanError: If the plan has refusals, or ``output`` cannot be written to.
        CheckpointError: If an input is damaged or changes meanwhile.
        FailedError: If writing fails.
        CancelledError: If the user stopped it.

        After any error there is no file under the output's name that was not there before.
    """
    require_runnable(plan, check_output(plan, output, overwrite=overwrite))
    specs = [tensor.spec for tensor in plan.tensors]
    metadata = output_metadata(plan, plan.recipe.name or output.stem)
    config = ConfigCopy(read_config(plan.config), config_path(output), overwrite) if plan.config else None
    with CheckpointWriter(output, specs, metadata, overwrite=overwrite, mode=mode) as writer:
        return execute_plan(plan, _WithConfig(writer, config) if config else writer, progress or SilentProgress(), mode)


class _WithConfig:
    """A file under construction that appears together with its configuration.

    The configuration comes first: alone it does no harm, while the file without it would be loaded as another kind of
    model.
    """

    def __init__(self, writer: CheckpointWriter, config: ConfigCopy) -> None:
        self._writer = writer
        self._config = config
        self.reserve, self.commit, self.close = writer.reserve, writer.commit, writer.close

    def finish(self) -> None:
        """See :class:`~lib_kohaku.merge.execute.sinks.Sink`."""
        self._config.place()
        try:
            self._writer.finish()
        except BaseException:
            self._config.take_back()
            raise


def named_after(recipe_plan: MergePlan, name: str) -> MergePlan:
    """The plan with another recipe name, which becomes the title of the model."""
    return replace(recipe_plan, recipe=replace(recipe_plan.recipe, name=name))
