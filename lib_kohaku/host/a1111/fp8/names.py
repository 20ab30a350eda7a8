"""What the setting and the infotext's entry are called."""

from __future__ import annotations

OPTION = "kohaku_fp8"
INFOTEXT_KEY = "Kohaku fp8"
