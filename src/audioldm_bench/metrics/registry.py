"""Metrics by name. A full name says variant and backbone: `fd_vggish`, `kl_softmax_tagger`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from audioldm_bench.errors import UserError


@dataclass(frozen=True)
class Variant:
    """What a metric is, whatever its backbone."""

    label: str  # as tables and figures write it
    higher_is_better: bool
    needs: Literal["embedding", "logits", "text"]  # of the backbone; text: embeddings of captions
    paired: bool  # compares each clip with the one of its name
    least: float | None = None  # no value is below; intervals end there


VARIANTS = {
    "fd": Variant("FD", False, "embedding", False, least=0.0),
    "is": Variant("IS", True, "logits", False, least=1.0),
    "kl_softmax": Variant("KL", False, "logits", True),
    "fad": Variant("FAD", False, "embedding", False, least=0.0),
    "kl_sigmoid": Variant("KL sigmoid", False, "logits", True),
    "kad": Variant("KAD", False, "embedding", False),
    "fd_infinite": Variant("FD∞", False, "embedding", False),
    "clap_score": Variant("CLAP score", True, "text", True),
}

# The paper's metrics have a key of their own in the config and in metrics.json.
PAPER = {"fd": "fd", "is": "is", "kl": "kl_softmax", "fad": "fad"}


def parse_name(full: str) -> tuple[str, str]:
    """(variant, backbone) of a full name; UserError if it begins with no variant.

    The longest variant wins: `fd_infinite_vggish` is no FD of a backbone `infinite_vggish`.
    """
    fitting = [variant for variant in VARIANTS if full.startswith(f"{variant}_")]
    if full in VARIANTS or not fitting:
        close = get_close_matches(full, VARIANTS, n=1, cutoff=0.4)
        example = f"{full if full in VARIANTS else (close or ['fd'])[0]}_panns_cnn14_16k"
        raise UserError(
            f"metrics: '{full}' is no metric's full name; write variant and backbone, such as "
            f"{example} (variants: {', '.join(VARIANTS)})"
        )
    variant = max(fitting, key=len)
    return variant, full[len(variant) + 1 :]


def configured(metrics_config: Mapping) -> dict[str, str]:
    """Full names by short key: fd, is, kl, fad, kl_sigmoid, then `also` under their full names."""
    names = {key: f"{variant}_{metrics_config[key]}" for key, variant in PAPER.items()}
    names["kl_sigmoid"] = f"kl_sigmoid_{metrics_config['kl']}"
    taken = set(names.values())
    return names | {full: full for full in metrics_config.get("also") or () if full not in taken}


def needed_backbones(metrics_config: Mapping) -> list[str]:
    """Backbones whose features the configured metrics need, sorted."""
    return sorted({parse_name(full)[1] for full in configured(metrics_config).values()})
