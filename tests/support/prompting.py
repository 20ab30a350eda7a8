"""A prompt workbench over a small tag list of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.host.base import HostInfo, LoadedModel
from lib_kohaku.host.prompting import PromptSurroundings
from lib_kohaku.host.standalone import StandaloneHost

HOSTILE = "<img_src=x_onerror=alert(1)>"
TAG_LIST = f"""1girl,0,6000000,"1girls"
solo,0,5000000,
long_hair,0,4300000,"longhair,/lh"
blue_hair,0,850000,
blue_eyes,0,1700000,
smile,0,2800000,
hatsune_miku,4,107000,
saber_(fate),4,17000,
fate_(series),3,200000,
vocaloid,3,110000,
wlop,1,365,
ask_(artist),1,1500,
:3,0,90000,
>_<,0,140000,
:d,0,549000,
old,0,12650,
elderly,0,50,
thighhighs,0,1160000,
legwear,0,900000,
memories_off#5,3,40,
{HOSTILE},0,333,
"""


@dataclass
class PromptHost:
    """The standalone host with a model and prompt settings of the test's own."""

    inner: StandaloneHost
    info: HostInfo = field(default_factory=lambda: HostInfo("a webui", can_generate=True))
    model: LoadedModel | None = None
    hashes: dict[Path, str] = field(default_factory=dict)
    surroundings: PromptSurroundings = field(default_factory=PromptSurroundings)
    settings: dict[str, object] = field(default_factory=dict)

    def loaded_model(self) -> LoadedModel | None:
        return self.model

    def known_sha256(self, path: Path) -> str:
        return self.hashes.get(path, "")

    def prompt_surroundings(self) -> PromptSurroundings:
        return self.surroundings

    def setting(self, name: str, default: object) -> object:
        return self.settings.get(name, default)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def make_host(folder: Path, tag_list: str = TAG_LIST) -> PromptHost:
    """A host with its folders in ``folder``."""
    (folder / "models").mkdir()
    tags = folder / "data" / "tags"
    tags.mkdir(parents=True)
    (tags / "tags.csv").write_text(tag_list)
    return PromptHost(StandaloneHost([folder / "models"], folder / "data", folder / "hashes.json"))


def make_workbench(folder: Path) -> PromptWorkbench:
    """A workbench whose tags are loaded."""
    workbench = PromptWorkbench(make_host(folder))  # type: ignore[arg-type]
    workbench.tags.wait(20)
    return workbench
