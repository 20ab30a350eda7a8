"""Two images of the same seed and their difference, with the figures above them."""

from __future__ import annotations

import base64
import math

from lib_kohaku.app.image_pair import ImagePair
from lib_kohaku.ui.markup import Markup, div, span, tag
from lib_kohaku.ui.precision.texts import EXACT, PAIR_FIGURES


def pair_html(pair: ImagePair) -> Markup:
    """Figures, both images under a slider, then all three pictures one beside another."""
    if math.isinf(pair.psnr_db):
        figures = div("kohaku-name", EXACT)
    else:
        figures = div(
            "kohaku-facts",
            _fact("PSNR", f"{pair.psnr_db:.1f} dB"),
            _fact("SSIM", f"{pair.ssim:.4f}"),
            _fact("Largest difference", f"{pair.largest} / 255"),
            _fact("Seed", str(pair.seed)),
        )
    images = div("kohaku-pair-images", _both(pair), _difference(pair))
    return div("kohaku-pair", figures, div("kohaku-hint", PAIR_FIGURES), images)


def _fact(name: str, value: str) -> Markup:
    return span("kohaku-fact", span("kohaku-fact-name", name), span("kohaku-number", value))


def _both(pair: ImagePair) -> Markup:
    """The first image over the second one, cut off where the slider stands. Works with the keyboard too."""
    images = div("kohaku-compare", _image(pair.second, "Second image"), _image(pair.first, "First image"))
    handle = tag("input", type="range", min=0, max=100, value=50, aria_label="Slide between both images")
    names = div("kohaku-compare-names", _name("First image", pair.names[0]), _name("Second image", pair.names[1]))
    return tag("figure", images, handle, tag("figcaption", names))


def _name(title: str, held: str) -> Markup:
    return span("", span("kohaku-fact-name", title), span("kohaku-mono", held))


def _difference(pair: ImagePair) -> Markup:
    caption = "Difference, eight times as strong"
    return tag("figure", _image(pair.difference, caption), tag("figcaption", caption))


def _image(picture: bytes, text: str) -> Markup:
    return tag("img", src="data:image/png;base64," + base64.b64encode(picture).decode(), alt=text)
