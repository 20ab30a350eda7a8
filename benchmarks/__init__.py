"""Measurements at full model size; see the docstring of each module."""
