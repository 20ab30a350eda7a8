"""Generation parameters inside of pictures, read without decoding a single pixel."""

from lib_kohaku.prompt.picture_text.read import LARGEST_PICTURE, read_picture_text

__all__ = ["LARGEST_PICTURE", "read_picture_text"]
