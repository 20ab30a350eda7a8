"""sd-webui-kohaku: model merging, fp8 and tag-aware prompts for Stable Diffusion.

Three rings, checked by ``tests/test_layers.py``:

* the core (``checkpoint``, ``merge``, ``lora``, ``fp8``, ``prompt``) knows neither gradio nor the webui;
* ``host`` is the only ring that imports the webui's ``modules``;
* ``ui``, ``api`` and ``cli`` stand on both.
"""

from lib_kohaku.version import __version__

__all__ = ["__version__"]
