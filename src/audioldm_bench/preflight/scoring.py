"""The stages from clips to results: floor and ceilings, features, metrics, tables."""

from __future__ import annotations

from ..metrics.registry import needed_backbones
from . import plan
from .devices import seconds
from .parts import BATCH, FEATURE_BATCH, FEATURE_DURATION
from .rows import DECODE, Estimate, Place, Row

FEATURE_CPU = 0.02  # s a clip of 10 s to read and to make VGGish's spectrogram [measured]
METRICS = 20.0  # s to compute a system's metrics with their intervals [assumed]
COMPARISON = 180.0  # s to compare the systems of a dataset [assumed]
FLOATS = {  # of a clip of 10 s, a backbone; a study's own have few
    "panns_cnn14_16k": 2048 + 527,
    "panns_cnn14_32k": 2048 + 527,
    "efficientat_mn04": 384 + 527,
    "clap": 512,
    "vggish": 128 * 10,
}


def bounds(study: Estimate) -> Row:
    """Floor and ceilings, and other people's systems."""
    config, rate = study.config, study.config["audio"]["sample_rate"]
    numbers = dict.fromkeys(plan.tabled(config), plan.BOUNDS)
    for name, number in plan.foreign(config).items():
        numbers[name] += number
    clips = {name: number * study.clips[name].evaluation for name, number in numbers.items()}
    sound = {name: number * study.clips[name].duration for name, number in clips.items()}
    places = tuple(
        Place(f"{study.study}/systems/{name}", round(length * rate * 2))
        for name, length in sound.items()
    )
    rules = ("make_bounds", "import_system")
    hours = (sum(sound.values()) * DECODE + study.starts(*rules, torch=False)) / 3600
    amount = f"{sum(clips.values()):,} clips"
    return Row("floor, ceilings", study.jobs(*rules), amount, hours, places)


def features(study: Estimate) -> Row:
    config = study.config
    names = needed_backbones(config["metrics"])
    counted = study.costs.features
    passes = sum(seconds(cost, study.device) for cost in counted.values()) / FEATURE_BATCH
    # the study's own, which hears all clips at one length
    clap = study.pass_of("hear") / BATCH if "clap" in names else 0.0
    lacking = sorted(set(names) - set(counted) - {"clap"})
    systems = plan.evaluated(config)
    work, size, clips = study.starts("extract_features"), 0, 0
    for name, number in systems.items():
        nominal = config["datasets"][name]["nominal_duration"]
        length = max(nominal, config["metrics"]["minimum_duration"]) / FEATURE_DURATION
        here = number * study.clips[name].evaluation
        clips += here
        work += here * (length * (passes + FEATURE_CPU) + clap)
        size += here * 4 * sum(FLOATS.get(backbone, 0) for backbone in names)
    amount = f"{clips:,} clips" + (f"; not counted: {', '.join(lacking)}" if lacking else "")
    peak = max((cost.peak for cost in counted.values()), default=0)
    peak = max(peak, study.costs.hear.peak if clap else 0)
    memory = study.memory(0.6e9, peak)
    place = Place(f"{study.study}/features", size)
    jobs = study.jobs("extract_features")
    return Row("features", jobs, amount, work / 3600, (place,), gpu_memory=memory)


def results(study: Estimate) -> Row:
    rules = ("compute_metrics", "compare_systems", "benchmark_table", "corruption_metrics")
    rules += ("tables", "figure1", "figure2", "write_report")
    work = study.starts(*rules, torch=False) + study.jobs("compute_metrics") * METRICS
    work += study.jobs("compare_systems") * COMPARISON
    place = Place(f"{study.study}/report.html", round(0.1e9))
    amount = "metrics, tables, figures, report"
    return Row("results", study.jobs(*rules), amount, work / 3600, (place,))
