"""What a JSON schema cannot say of a config's signals: lengths, frequencies and noise that fit."""

from __future__ import annotations

from collections.abc import Iterator

from .config_rules import at


def broken_signals(config: dict) -> Iterator[str]:
    """A sentence for each rule of signals that the config breaks."""
    yield from _front_end(config, "mel", at(config, "audio", "sample_rate", kind=int))
    rate = at(config, "models", "clap", "sample_rate", kind=int)
    yield from _front_end(config, "models.clap", rate)
    yield from _frames(config)
    yield from _noise(config)


def _front_end(config: dict, key: str, rate: int) -> Iterator[str]:
    """Lengths and frequencies that a short-time Fourier transform can be computed with."""
    section = at(config, *key.split("."))
    sizes = {name: at(section, name, kind=int) for name in section}
    n_fft, hop, mels = (sizes.get(name, 0) for name in ("n_fft", "hop_length", "n_mels"))
    window = sizes.get("win_length") or n_fft
    low, high = (at(section, name, kind=float) for name in ("f_min", "f_max"))
    if n_fft and window > n_fft:
        yield f"`{key}.win_length` is {window}: it must be at most `{key}.n_fft` ({n_fft})."
    if window and hop > window:
        yield f"`{key}.hop_length` is {hop}: it must be at most the window ({window} samples)."
    if n_fft and mels > n_fft // 2 + 1:
        yield (
            f"`{key}.n_mels` is {mels}: it must be at most {n_fft // 2 + 1}, "
            f"the frequencies of `{key}.n_fft` ({n_fft})."
        )
    if rate and high > rate / 2:
        yield f"`{key}.f_max` is {high:g}: it must be at most {rate / 2:g}, half the sample rate."
    if high and low >= high:
        yield f"`{key}.f_min` is {low:g}: it must be less than `{key}.f_max` ({high:g})."


def _frames(config: dict) -> Iterator[str]:
    rate = at(config, "audio", "sample_rate", kind=int)
    hop = at(config, "mel", "hop_length", kind=int)
    seconds = at(config, "audio", "duration", kind=float)
    samples = round(seconds * rate)
    if hop > 0 and samples > 0 and samples % hop:
        near = max(1, round(samples / hop)) * hop / rate
        yield (
            f"`audio.duration` is {seconds:g}: its {samples} samples are no multiple of "
            f"`mel.hop_length` ({hop}); write {near:g}."
        )


def _noise(config: dict) -> Iterator[str]:
    steps = at(config, "sampling", "steps", kind=int)
    timesteps = at(config, "diffusion", "timesteps", kind=int)
    sampler = at(config, "sampling", "sampler", kind=str)
    first = steps
    if sampler == "ddim":  # it counts in strides of timesteps // steps, from step 1 on
        first = max(steps, (steps - 1) * (timesteps // max(1, steps)) + 1)
    if 0 < timesteps <= first:
        yield (
            f"`sampling.steps` is {steps}: it must be less than {timesteps}, `diffusion.timesteps`."
        )
    eta = at(config, "sampling", "eta", kind=float)
    if sampler == "dpm_solver_pp" and eta > 0:
        yield (
            f"`sampling.eta` is {eta:g}: it must be 0, for `sampling.sampler` dpm_solver_pp draws "
            "no fresh noise; 25 `sampling.steps` are enough for it."
        )
    first = at(config, "diffusion", "beta_start", kind=float)
    last = at(config, "diffusion", "beta_end", kind=float)
    if first > last > 0:
        yield f"`diffusion.beta_start` is {first:g}: it must be at most {last:g}, the `beta_end`."
