"""Costs and configs for the tests of preflight, small enough to check by hand."""

from __future__ import annotations

from audioldm_bench.preflight.clips import study_clips
from audioldm_bench.preflight.counting import Cost
from audioldm_bench.preflight.devices import Device
from audioldm_bench.preflight.estimate import estimate
from audioldm_bench.preflight.parts import Costs
from audioldm_bench.preflight.rows import Row
from config_cases import DEFAULT, merged

# 1 TFLOP/s, and so much bandwidth that bytes take no time
DEVICE = Device("test", fp32=1e12, tf32=1e12, half=2e12, bandwidth=1e30, launch=0.0)
SECOND = Cost(operations=((10**12, 8),), peak=10**9)  # on that device
COSTS = Costs(
    "S",
    {"unet": 100, "vae": 10, "vocoder": 5, "clap": 7},
    (8, 256, 16),
    **dict.fromkeys(("train", "denoise", "encode", "decode", "vocode", "hear"), SECOND),
    features=dict.fromkeys(("panns_cnn14_16k", "vggish", "efficientat_mn04"), SECOND),
)


def rows_of(base, **changes) -> dict[str, Row]:
    """The stages of the default config with changes, by name."""
    config = merged(DEFAULT, changes)
    rows = estimate(config, COSTS, DEVICE, study_clips(config, base))
    return {row.stage: row for row in rows}
