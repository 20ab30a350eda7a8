"""Weights held in 8 bits and computed with in 16 or 32: codecs, policy, quality, manual cast, files."""
