"""Merging: a formula becomes a recipe, a plan, and a file.

The way of one merge (docs/ARCHITECTURE.md): ``formula`` parses the text, ``recipe`` holds all settings, ``plan`` reads
headers and decides what happens to every tensor, ``execute`` does it in one pass, ``verify`` checks the result.
"""
