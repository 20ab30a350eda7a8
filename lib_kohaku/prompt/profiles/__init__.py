"""Profiles: the words, the order and the settings that a model was trained with, as data files."""
