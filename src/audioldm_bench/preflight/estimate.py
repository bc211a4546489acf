"""Hours, disk and GPU memory of a study, stage by stage, from its config and from counts.

Nothing is run and nothing is read: `costs` are of parts.py, `clips` of clips.py, `device` of
devices.py. What is not counted but assumed is a named constant here, in rows.py or in scoring.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..published import LOCAL, kind, model_path
from . import plan, scoring
from .clips import UNKNOWN, Clips
from .devices import Device
from .parts import BATCH, Costs, latent_bytes, sampling_precision
from .rows import DECODE, Estimate, Place, Row

DOWNLOAD = 10e6  # bytes/s [assumed]
YOUTUBE_FETCH = 10.0  # s a clip without the pause that the config asks for [assumed]
NOISE = 3e-4  # s to draw a latent's noise on the CPU, as every sampler step does [measured]
STEP = 0.02  # s of a training step beside its passes: draws, optimizer, average [measured, H100]
IMPORT = 300.0  # s to import a checkpoint [assumed]
# Bytes a parameter. Held while training: weights, EMA, AdamW's two moments; gradients are counted.
WEIGHTS, STATE = 4, 16
SAVES = 3  # resume states of a running segment: two are kept while a third is written
UNUSED = 1.1  # a published checkpoint's size by that of the weights that are used [assumed]
BACKBONES = 0.6e9  # bytes of the files of Cnn14 and VGGish


def estimate(
    config: Mapping, costs: Costs, device: Device, clips: Mapping[str, Clips]
) -> list[Row]:
    """The stages in the order of the road, for the target `all` from nothing."""
    study = Estimate(config, costs, device, clips)
    rows = [_raw(study), _models(study), _waveforms(study), _clap(study), _latents(study)]
    rows += [_training(study), _sampling(study), _corruptions(study), scoring.bounds(study)]
    return [*rows, scoring.features(study), scoring.results(study)]


def _raw(study: Estimate) -> Row:
    """Datasets in their original layouts."""
    clips = study.clips.values()
    youtube = sum(part.youtube for part in clips)
    # the pause of the config, or none where it is not a key
    polite = study.config["runtime"].get("youtube", {})
    a_clip = (polite.get("pause", 1.0) + YOUTUBE_FETCH) / polite.get("jobs", 2)
    archives = sum(part.archive for part in clips)
    places = [
        Place(_raw_folder(study, name), part.raw) for name, part in study.clips.items() if part.raw
    ]
    fetched = [f"{archives / 1e9:.1f} GB of archives"] if archives else []
    fetched += [f"{youtube:,} clips by yt-dlp"] if youtube else []
    unknown = [name for name, part in study.clips.items() if not part.known]
    fetched += [f"{name}: {UNKNOWN:,} clips assumed" for name in unknown]
    hours = (archives / DOWNLOAD + youtube * a_clip) / 3600
    amount = ", ".join(fetched) or "nothing to fetch"
    return Row("raw data", len(places), amount, hours, tuple(places), temporary=archives)


def _raw_folder(study: Estimate, name: str) -> str:
    made = study.config["datasets"][name]["source"] == "synthetic"
    return f"{study.study}/world/{name}" if made else f"resources/datasets/{name}"


def _models(study: Estimate) -> Row:
    """Weights fetched and imported, or the study's own, whose training is not counted."""
    weights = WEIGHTS * sum(study.costs.parameters.values())
    if study.config["models"]["source"] == "trained":
        place = Place(f"{study.study}/models", weights)
        return Row("own models", 7, "training from scratch", None, (place,))
    published = study.config["models"]["published"]
    name = published["checkpoint"]
    # it holds the UNet twice, as it was trained and its average
    file = round(UNUSED * (weights + WEIGHTS * study.costs.parameters["unet"]))
    places = [Place("resources/backbones", round(BACKBONES))]
    if kind(published["checkpoints"][name]) not in LOCAL:
        places.append(Place(model_path(published["checkpoints"], name), file))
    hours = sum(place.bytes for place in places) / DOWNLOAD / 3600 + IMPORT / 3600
    places.append(Place(f"resources/models/{name}", weights))
    return Row("models", 6, f"{name}, {study.costs.size}", hours, tuple(places))


def _waveforms(study: Estimate) -> Row:
    rate = study.config["audio"]["sample_rate"]
    sound = {name: part.total * part.duration for name, part in study.clips.items()}
    kept = tuple(
        Place(f"{study.study}/data/{name}/audio", round(length * rate * 4))
        for name, length in sound.items()
    )
    rules = ("make_manifest", "resample", "export_reference")
    hours = (sum(sound.values()) * DECODE + study.starts(*rules)) / 3600
    amount = f"{sum(sound.values()) / 3600:.1f} h of sound"
    return Row("waveforms", study.jobs(*rules), amount, hours, kept)


def _clap(study: Estimate) -> Row:
    names = plan.heard(study.config)
    total = sum(study.clips[name].total for name in names)
    work = total / BATCH * study.pass_of("hear") + study.starts("embed_audio", "embed_text")
    places = tuple(
        Place(f"{study.study}/data/{name}/clap", study.clips[name].total * 512 * 4)
        for name in names
    )
    memory = study.memory(WEIGHTS * study.costs.parameters["clap"], study.costs.hear.peak)
    jobs = study.jobs("embed_audio", "embed_text")
    return Row("CLAP", jobs, f"{total:,} clips", work / 3600, places, gpu_memory=memory)


def _latents(study: Estimate) -> Row:
    names = plan.encoded(study.config)
    total = sum(study.clips[name].total for name in names)
    size = latent_bytes(study.costs.latent)
    places = tuple(
        Place(f"{study.study}/data/{name}/latents", study.clips[name].total * size)
        for name in names
    )
    work = total / BATCH * study.pass_of("encode") + study.starts("encode_latents")
    memory = study.memory(WEIGHTS * study.costs.parameters["vae"], study.costs.encode.peak)
    jobs = study.jobs("encode_latents")
    return Row("latents", jobs, f"{total:,} clips", work / 3600, places, gpu_memory=memory)


def _training(study: Estimate) -> Row:
    config, names = study.config, plan.trained_datasets(study.config)
    runs, unet = plan.runs(config), study.costs.parameters["unet"]
    steps = runs * sum(config["training"]["steps"][name] for name in names)
    batches = steps * config["training"]["accumulate"]
    work = batches * study.pass_of("train", config["training"]["precision"])
    work += steps * STEP + study.starts("train")
    places = tuple(
        Place(
            f"{study.study}/runs/{name}",
            runs * plan.segments(config, name) * unet * WEIGHTS,
        )
        for name in names
    )
    # every run keeps its last state until the next segment has used it; one job is at work
    temporary = unet * STATE * (runs * len(names) + SAVES + 1)
    amount = f"{steps:,} steps of {config['training']['batch_size']}"
    memory = training_memory(study)
    return Row("training", study.jobs("train"), amount, work / 3600, places, temporary, memory)


def training_memory(study: Estimate) -> int:
    """Bytes of GPU memory that a training segment needs."""
    return study.memory(STATE * study.costs.parameters["unet"], study.costs.train.peak)


def sampling_memory(study: Estimate) -> int:
    """Bytes of GPU memory that sampling needs: all models are there at once."""
    parts = ("denoise", "decode", "vocode", "hear")
    peak = max(getattr(study.costs, part).peak for part in parts)
    return study.memory(WEIGHTS * sum(study.costs.parameters.values()), peak)


def _sampling(study: Estimate) -> Row:
    config = study.config
    sampling, systems = config["sampling"], plan.sampled(config)
    rate, candidates = config["audio"]["sample_rate"], sampling["candidates"]
    made = {name: systems[name] * study.clips[name].evaluation for name in systems}
    noise = candidates * NOISE * (sampling["eta"] > 0)
    form = sampling_precision(config)
    a_step = study.pass_of("denoise", form) / sampling["batch_size"] + noise
    rest = "fp32" if form == "fp32" else "tf32"
    sound = study.pass_of("decode", rest) + study.pass_of("vocode", rest)
    a_clip = sampling["steps"] * a_step + candidates * sound / BATCH
    if candidates > 1:
        a_clip += study.pass_of("hear") + candidates * DECODE * 10
    work, places = study.starts("sample"), []
    for name, clips in made.items():
        duration = config["datasets"][name]["generated_duration"]
        work += clips * a_clip * duration / config["audio"]["duration"]
        places.append(
            Place(f"{study.study}/systems/{name}", clips * (44 + 2 * round(duration * rate)))
        )
    amount = f"{sum(made.values()):,} clips, {sampling['steps']} steps, {candidates} candidates"
    temporary = 2 * max(place.bytes // systems[n] for n, place in zip(made, places, strict=True))
    memory = sampling_memory(study)
    jobs = study.jobs("sample")
    return Row("sampling", jobs, amount, work / 3600, tuple(places), temporary, memory)


def _corruptions(study: Estimate) -> Row:
    config = study.config
    name = config["figure1"]["dataset"]
    dataset, evaluation = config["datasets"][name], study.clips[name].evaluation
    share = dataset["nominal_duration"] / config["audio"]["duration"]
    vocoded = plan.SPECTRAL * evaluation * study.pass_of("vocode") / BATCH * share
    size = (
        plan.CORRUPTED
        * evaluation
        * 2
        * round(dataset["nominal_duration"] * config["audio"]["sample_rate"])
    )
    memory = study.memory(WEIGHTS * study.costs.parameters["vocoder"], study.costs.vocode.peak)
    return Row(
        "corruptions",
        plan.CORRUPTED,
        f"{plan.CORRUPTED * evaluation:,} clips",
        (vocoded + study.starts("corrupt")) / 3600,
        (Place(f"{study.study}/figures", size),),
        gpu_memory=memory,
    )
