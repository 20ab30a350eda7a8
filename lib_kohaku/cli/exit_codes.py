"""Exit codes; scripts rely on them."""

DONE = 0
FAILED = 1
REFUSED = 2
CANCELLED = 130
