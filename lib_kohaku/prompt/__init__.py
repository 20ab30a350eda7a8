"""Prompts: the webui's prompt language, the tag order of models, lint, chunk borders.

Pure Python, standard library only; nothing here knows the webui, gradio or torch.
"""
