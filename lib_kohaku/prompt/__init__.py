"""Prompts: syntax, tags, profiles, ordering, checks, presets and captions. No gradio, no webui, no torch."""
