"""Carrying a plan out: one pass over the inputs, a fixed amount of memory, one rounding."""
