"""Sampling of this project against diffusers' AudioLDMPipeline at its defaults.

    python benchmarks/sampling.py --size s [--steps 10] [--clips 4] [--switches]

Same components (seeded random weights), conditions, noise and steps, in one process and in turn:
the pipeline clip by clip, as it is called for a prompt; the pipeline with all clips in a call; and
ours, with `--precision` as in `sampling.precision`. --switches adds ours with channels_last the
other way round and without a CUDA graph, --compile ours with torch.compile. Weights of all ways lie
in memory together; the GPU memory printed is that of a way's own weights and what it took beside
them.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sizes import SIZES, as_in_a_job, make_unet, read_config, torch_as_it_comes, world

from audioldm_bench import seeds
from audioldm_bench.components.vae import build_vae
from audioldm_bench.components.vocoder import build_vocoder
from audioldm_bench.diffusion.generation import FORMATS, Generator, generate, resolve_precision
from audioldm_bench.diffusion.noise import make_scheduler
from audioldm_bench.diffusion.samplers import RECORDED
from audioldm_bench.diffusion.unet import predict_noise
from audioldm_bench.pretrained import device, fan_in_weights

GOAL = {"cpu": 1.0, "cuda": 1.5}
KERNELS = "ours, no CUDA graph"
GUIDANCE, ETA = 2.5, 0.0  # the pipeline's defaults


def make_models(size: str, config: dict) -> tuple[torch.nn.Module, ...]:
    """UNet, VAE and vocoder with random weights that keep signals alive, float32."""
    unet = make_unet(size)
    torch.manual_seed(1)
    if size == "small":
        trained = config["models"]["trained"]
        vae = build_vae(trained["vae"]["model"], config["mel"]["n_mels"])
        rate = config["audio"]["sample_rate"]
        vocoder = build_vocoder(trained["vocoder"]["model"], config["mel"], rate)
        fan_in_weights(vocoder)
    else:
        vae, vocoder = world.random_weights(world._vae()), world.random_weights(world._vocoder())
    return tuple(m.to(device()).eval().requires_grad_(False) for m in (unet, vae, vocoder))


def make_pipeline(models: tuple, diffusion: dict, width: int):
    """diffusers' pipeline on the models; its text tower is not used: embeddings are given."""
    from diffusers.pipelines.deprecated.audioldm.pipeline_audioldm import AudioLDMPipeline
    from transformers import ClapTextConfig, ClapTextModelWithProjection

    small = {"vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    text = ClapTextConfig(**small, intermediate_size=8, projection_dim=width)
    unet, vae, vocoder = models
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated
        pipeline = AudioLDMPipeline(
            vae=vae,
            text_encoder=ClapTextModelWithProjection(text).to(device()),
            tokenizer=None,
            unet=unet,
            scheduler=make_scheduler(diffusion),
            vocoder=vocoder,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def with_format(models: tuple, precision: str, channels_last: bool, compiled: bool) -> tuple:
    unet, vae, vocoder = models
    own = copy.deepcopy(unet).to(FORMATS[precision])
    if channels_last:
        own = own.to(memory_format=torch.channels_last)
    if compiled:
        own.compile()
    return own, vae, vocoder


class Ways:
    """The ways of making the same sounds: name -> function and its models."""

    def __init__(self, wanted: argparse.Namespace, config: dict):
        self.wanted, self.diffusion = wanted, config["diffusion"]
        self.duration = config["audio"]["duration"]
        models = make_models(wanted.size, config)
        width = models[0].config.projection_class_embeddings_input_dim
        rows = torch.nn.functional.normalize(torch.randn(wanted.clips + 1, width), dim=-1)
        self.conditions, self.unconditional = rows[:-1].to(device()), rows[-1].to(device())
        pipeline = make_pipeline(models, self.diffusion, width)
        alone = [slice(k, k + 1) for k in range(wanted.clips)]
        self.all = {
            "pipeline, clip by clip": (self._theirs(pipeline, alone), models),
            "pipeline, one call": (self._theirs(pipeline, [slice(None)]), models),
        }
        half = wanted.precision != "fp32" and device().type == "cuda"
        kinds = {f"ours, {wanted.precision}": (half, False)}
        if wanted.switches:
            kinds[f"ours, channels_last {not half}"] = (not half, False)
            if device().type == "cuda":
                kinds[KERNELS] = (half, False)
        if wanted.compile:
            kinds["ours, torch.compile"] = (half, True)
        for name, switches in kinds.items():
            own = with_format(models, wanted.precision, *switches)
            if name == KERNELS:
                RECORDED[own[0]] = partial(predict_noise, own[0])
            self.all[name] = (self._ours(Generator(*own, self.diffusion)), own)

    def _sources(self) -> list[torch.Generator]:
        return [seeds.clip_generator(0, str(k), 0) for k in range(self.wanted.clips)]

    def _theirs(self, pipeline, parts: list[slice]) -> Callable[[], np.ndarray]:
        def run() -> np.ndarray:
            sources = self._sources()
            with torch_as_it_comes():
                return np.concatenate([self._call(pipeline, part, sources) for part in parts])

        return run

    def _call(self, pipeline, part: slice, sources: list[torch.Generator]) -> np.ndarray:
        rows = self.conditions[part]
        return pipeline(
            prompt_embeds=rows,
            negative_prompt_embeds=self.unconditional.expand_as(rows),
            audio_length_in_s=self.duration,
            num_inference_steps=self.wanted.steps,
            generator=sources[part],
        ).audios

    def _ours(self, generator: Generator) -> Callable[[], np.ndarray]:
        settings = {"sampler": "ddim", "steps": self.wanted.steps, "eta": ETA}
        settings["guidance_scale"] = GUIDANCE

        def run() -> np.ndarray:
            with as_in_a_job():
                return generate(
                    generator,
                    self.conditions,
                    self.unconditional,
                    self._sources(),
                    duration=self.duration,
                    sampling_config=settings,
                )

        return run


def measure(run: Callable[[], np.ndarray], models: tuple) -> tuple[float, int, np.ndarray]:
    """s, bytes of GPU memory (0 on a CPU) and the sounds of one run."""
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    begin = time.perf_counter()
    sounds = run()  # on the CPU, so the GPU is done
    seconds = time.perf_counter() - begin
    if not gpu:
        return seconds, 0, sounds
    weights = sum(p.numel() * p.element_size() for model in models for p in model.parameters())
    return seconds, torch.cuda.max_memory_allocated() - before + weights, sounds


def report(found: dict[str, list], ways: Ways) -> None:
    print("| way | s | clips/s | s of sound a s | GPU MB | largest difference, of the peak |")
    print("|---|---:|---:|---:|---:|---:|")
    clips, reference = ways.wanted.clips, found["pipeline, one call"][-1][2]
    times = {name: statistics.median(s for s, _, _ in runs[1:]) for name, runs in found.items()}
    for name, runs in found.items():
        rate, memory = clips / times[name], max(memory for _, memory, _ in runs) / 1e6
        apart = np.abs(runs[-1][2] - reference).max() / np.abs(reference).max()
        print(
            f"| {name} | {times[name]:.2f} | {rate:.4g} | {rate * ways.duration:.4g} |"
            f" {f'{memory:,.0f}' if memory else ''} | {apart:.1e} |"
        )
    ours = times[f"ours, {ways.wanted.precision}"]
    for name in ("pipeline, clip by clip", "pipeline, one call"):
        print(f"ours is {times[name] / ours:.2f} times as fast as the {name}")
    print(f"goal: {GOAL[device().type]} times the pipeline", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="s")
    parser.add_argument("--steps", type=int, default=10, help="of DDIM")
    parser.add_argument("--clips", type=int, default=4, help="all in one of our batches")
    parser.add_argument("--rounds", type=int, default=3, help="counted; one more goes before")
    parser.add_argument("--precision", choices=("auto", *FORMATS), default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--switches", action="store_true", help="channels_last, CUDA graph")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: a minute")
    wanted = parser.parse_args()
    wanted.precision = resolve_precision(wanted.precision)
    torch.set_num_threads(wanted.threads)
    torch.manual_seed(0)
    ways = Ways(wanted, read_config(wanted.size))
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(
        f"size {wanted.size}, {wanted.clips} clips of {ways.duration} s, {wanted.steps} steps,"
        f" {wanted.threads} threads, {where}, torch {torch.__version__}; medians of"
        f" {wanted.rounds} rounds",
        flush=True,
    )
    found: dict[str, list] = {name: [] for name in ways.all}
    for _ in range(wanted.rounds + 1):
        for name, (run, models) in ways.all.items():
            found[name].append(measure(run, models))
    report(found, ways)


if __name__ == "__main__":
    main()
