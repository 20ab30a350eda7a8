"""Checking a merged file against its own recipe, by another route than the one that made it."""
