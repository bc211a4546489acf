"""Datasets: adapters of original layouts, manifests, splits and the 16 kHz cache."""
