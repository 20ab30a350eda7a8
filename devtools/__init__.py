"""Tools for working on the project: sample checkpoints and the demo."""
