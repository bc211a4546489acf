"""Which clips of a dataset a study lets people hear: sampling and the report choose the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def clips_to_hear(prompts: Mapping[str, str], number: int) -> list[str]:
    """Up to `number` clips of `prompts` (by clip id), drawn by hash; of new prompts first."""
    drawn = sorted(prompts, key=lambda clip: hashlib.sha256(clip.encode()).hexdigest())
    seen: set[str] = set()
    fresh, others = [], []
    for clip in drawn:
        (others if prompts[clip] in seen else fresh).append(clip)
        seen.add(prompts[clip])
    return [*fresh, *others][:number]
