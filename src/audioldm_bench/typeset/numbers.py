"""Numbers as they are read."""

from __future__ import annotations

from collections.abc import Callable

ABSENT = "–"  # for a value that could not be computed


def fixed(value: float | None) -> str:
    """Two decimals, as the paper."""
    return ABSENT if value is None else f"{value:.2f}".replace("-0.00", "0.00")


def shown(value: float | None) -> str:
    """Two decimals; of values below 0.1 two digits, for metrics that the paper does not have."""
    if value is None or abs(value) >= 0.0995 or value == 0:
        return fixed(value)
    return f"{value:#.2g}"


def span(low: float | None, high: float | None, written: Callable[[float], str] = fixed) -> str:
    """An interval in about three digits, "139 to 153"; nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{_brief(low, written)} to {_brief(high, written)}"


def _brief(value: float, written: Callable[[float], str]) -> str:
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else written(value)
