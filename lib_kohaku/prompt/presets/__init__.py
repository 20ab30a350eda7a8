"""Presets: a prompt in parts with its negative, size and settings; one JSON file each."""
