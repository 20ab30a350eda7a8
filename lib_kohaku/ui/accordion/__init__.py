"""The section "Kohaku" in a host's own txt2img and img2img: words added when images are made, presets, order."""
