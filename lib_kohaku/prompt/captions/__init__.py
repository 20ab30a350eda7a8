"""Captions: a booru post as the prompt that a model of the Kohaku family was trained on."""
