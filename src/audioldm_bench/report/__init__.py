"""One self-contained page that shows what a study gave: numbers, figures, sounds and sources."""

from .page import write_report

__all__ = ["write_report"]
