"""Sizes and settings that suit a profile: ARB buckets, CFG, steps, clip skip, upscalers."""
