"""Imports of one module of a package without running the package's own __init__."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types


def import_submodule(package: str, module: str) -> types.ModuleType:
    """`package.module`, while `package/__init__.py` stays unread.

    panns_inference's __init__ runs wget for a label list in the home folder, and torchvggish's
    brings resampy and numba; their network definitions need neither.
    """
    full = f"{package}.{module}"
    if full in sys.modules:
        return sys.modules[full]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    known = sys.modules.get(package)
    if known is None:
        bare = types.ModuleType(package)
        bare.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = bare
    try:
        return importlib.import_module(full)
    finally:
        if known is None:  # so that a later plain import is a real one
            del sys.modules[package]
