"""Benchmark of pre-trained AudioLDM for text-to-sound generation."""

__version__ = "0.1.0"
