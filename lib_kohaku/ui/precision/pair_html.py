"""Two images of the same seed and their difference, side by side."""

from __future__ import annotations

import base64
import io
import math

from PIL import Image

from lib_kohaku.app.precision import ImagePair
from lib_kohaku.fp8.quality.images import AMPLIFIED, Picture
from lib_kohaku.ui.markup import Markup, div, tag


def pair_html(pair: ImagePair) -> Markup:
    """The images with the figures above them."""
    likeness = pair.likeness
    if math.isinf(likeness.psnr_db):
        figures = "Both images are equal, pixel for pixel."
    else:
        figures = (
            f"PSNR {likeness.psnr_db:.1f} dB, SSIM {likeness.ssim:.4f}, largest difference {likeness.largest} of 255."
        )
    shown = [
        _figure(pair.pictures[0], pair.names[0]),
        _figure(pair.pictures[1], pair.names[1]),
        _figure(likeness.difference, f"Difference, {AMPLIFIED} times as strong"),
    ]
    return div("kohaku-pair", div("kohaku-name", figures), div("kohaku-pair-images", *shown))


def _figure(picture: Picture, caption: str) -> Markup:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    source = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    # An image has no end tag, and its address is of our own making.
    image = Markup(f'<img src="{source}" alt="">')
    return tag("figure", image, tag("figcaption", caption))
