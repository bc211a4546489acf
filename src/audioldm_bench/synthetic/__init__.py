"""Synthetic datasets in the original layouts: distinct, varied and captioned sounds."""
