"""The numbers of docs/paper-run.md: `python benchmarks/plan.py --write docs/paper-run.md`.

Without an option it prints them. `--check` measures parts of the S model on one CPU thread and
compares with what the counts say: as far as the method can be checked without a GPU.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import yaml

from audioldm_bench.preflight import devices
from audioldm_bench.preflight.clips import study_clips
from audioldm_bench.preflight.counting import Cost, count, without_values
from audioldm_bench.preflight.devices import DEVICES, Device, seconds
from audioldm_bench.preflight.estimate import STEP, estimate
from audioldm_bench.preflight.parts import BATCH, FEATURE_BATCH, Costs, costs, published_unet
from audioldm_bench.preflight.results import size
from audioldm_bench.preflight.rows import Row

ROOT = Path(__file__).resolve().parents[1]
SIZES = {size: f"audioldm-{size.lower()}-full" for size in "SML"}


def merged(config: object, changes: object) -> object:
    """The config with the changes laid over it, section by section."""
    if not isinstance(config, dict) or not isinstance(changes, dict):
        return copy.deepcopy(changes)
    both = {key: merged(config.get(key), value) for key, value in changes.items()}
    return {**copy.deepcopy(config), **both}


def study(preset: str = "config", model: str = "S", precision: str | None = None) -> dict:
    """A preset's config, of another size or precision where asked."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    if preset != "config":
        changes = yaml.safe_load((ROOT / f"config/{preset}.yaml").read_text(encoding="utf-8"))
        config = merged(config, changes)
    config["models"]["published"]["checkpoint"] = SIZES[model]
    config["training"]["precision"] = precision or config["training"]["precision"]
    return config


@cache
def _counted(preset: str, model: str, half: str | None) -> Costs:
    return costs(study(preset, model, half), base=ROOT / "no-such-folder")


def counted(preset: str, model: str, precision: str | None) -> Costs:
    """Of single precision the count is one, with TF32 products or without."""
    exact = study(preset, model, precision)["training"]["precision"]
    return _counted(preset, model, "fp32" if exact == "tf32" else exact)


def rows(preset: str, device: Device, model: str = "S", precision: str | None = None) -> list[Row]:
    """The stages of a preset on a device."""
    config = study(preset, model, precision)
    clips = study_clips(config, base=ROOT / "no-such-folder")
    return estimate(config, counted(preset, model, precision), device, clips)


def table(head: list[str], lines: list[list[str]]) -> str:
    """A table in Markdown; columns after the first are aligned right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])


def _hours(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def stages(preset: str) -> str:
    """Stage by stage: jobs, disk, memory, and hours on each GPU."""
    by_device = [rows(preset, device) for device in DEVICES]
    lines = []
    for same in zip(*by_device, strict=True):
        row = same[0]
        disk = size(row.disk) + (f" + {size(row.temporary)}" if row.temporary else "")
        memory = size(row.gpu_memory) if row.gpu_memory else "-"
        lines.append([row.stage, f"{row.jobs:,}", disk, memory, *(_hours(r.hours) for r in same)])
    sums = [sum(row.hours or 0 for row in these) for these in by_device]
    first = by_device[0]
    disk = f"{size(sum(r.disk for r in first))} + {size(sum(r.temporary for r in first))}"
    jobs, memory = sum(row.jobs for row in first), max(row.gpu_memory for row in first)
    lines.append(["**sum**", f"{jobs:,}", disk, size(memory), *map(_hours, sums)])
    head = ["stage", "jobs", "disk + temporary", "GPU memory", *(d.name for d in DEVICES)]
    return table(head, lines)


def sizes() -> str:
    """Training and sampling by model size and precision."""
    lines = []
    for model in SIZES:
        for precision in ("tf32", "bf16"):
            by_stage = [
                {row.stage: row for row in rows("config", device, model, precision)}
                for device in DEVICES
            ]
            training, sampling = by_stage[0]["training"], by_stage[0]["sampling"]
            hours = [
                f"{_hours(found['training'].hours)} + {_hours(found['sampling'].hours)}"
                for found in by_stage
            ]
            memory = [size(training.gpu_memory), size(sampling.gpu_memory)]
            lines.append([model, precision, *memory, size(training.disk), *hours])
    head = ["size", "training in", "memory, training", "memory, sampling", "checkpoints"]
    return table([*head, *(device.name for device in DEVICES)], lines)


def parts() -> str:
    """What one pass of each part costs."""
    lines = []

    def line(name: str, parameters: int, cost: Cost, clips: int) -> None:
        figures = [cost.flops / clips / 1e9, cost.traffic / clips / 1e9]
        peak = f"{cost.peak / clips / 1e6:,.0f}"
        share = f"{parameters / 1e6:,.0f}" if parameters else ""
        operations = f"{len(cost.operations):,}"
        lines.append([name, share, *(f"{f:,.1f}" for f in figures), operations, peak])

    for model in SIZES:
        for precision in ("fp32", "bf16"):
            found = counted("config", model, precision)
            unet = found.parameters["unet"]
            line(f"UNet {model}, training step, {precision}", unet, found.train, 8)
            if precision == "fp32":
                line(
                    f"UNet {model}, sampler step, fp16, 3 candidates, guided",
                    unet,
                    found.denoise,
                    8,
                )
    found = counted("config", "S", "fp32")
    line("VAE, encode", found.parameters["vae"], found.encode, BATCH)
    line("VAE, decode", found.parameters["vae"], found.decode, BATCH)
    line("vocoder", found.parameters["vocoder"], found.vocode, BATCH)
    line("CLAP audio tower, HTSAT-tiny", found.parameters["clap"], found.hear, BATCH)
    for name, cost in found.features.items():
        line(f"{name}, 10 s", 0, cost, FEATURE_BATCH)
    head = ["part", "parameters (M)", "GFLOP a clip", "GB moved a clip", "operations a pass"]
    return table([*head, "MB held a clip"], lines)


def gpus() -> str:
    """The devices' rates and what they make of a training step."""
    lines = []
    for device in DEVICES:
        parts = {kind: counted("config", "S", kind) for kind in ("fp32", "tf32", "bf16")}
        steps = [
            STEP + seconds(cost.train, device, kind, replayed=True) for kind, cost in parts.items()
        ]
        steps.append(seconds(parts["fp32"].denoise, device, "fp16", replayed=True))
        rates = [rate / 1e12 for rate in (device.fp32, device.tf32, device.half)]
        rates.append(device.bandwidth / 1e9)
        figures = [*rates, *(1e3 * step for step in steps)]
        lines.append([device.name, *(f"{figure:,.0f}" for figure in figures)])
    return table(
        [
            "GPU",
            f"fp32 TFLOP/s ({devices.FP32_SHARE:.0%} of peak)",
            f"tf32 ({devices.TF32_SHARE:.0%})",
            f"bf16, fp16 ({devices.HALF_SHARE:.0%})",
            f"GB/s ({devices.BANDWIDTH_SHARE:.0%})",
            "training step fp32 (ms)",
            "tf32 (ms)",
            "bf16 (ms)",
            "sampler step of 8 clips (ms)",
        ],
        lines,
    )


BLOCKS: dict[str, Callable[[], str]] = {
    "paper": lambda: stages("config"),
    "sizes": sizes,
    "pilot": lambda: stages("pilot"),
    "parts": parts,
    "gpus": gpus,
}


def written(text: str) -> str:
    """The document with every block between its markers made anew."""
    for name, make in BLOCKS.items():
        text = _replaced(text, name, make())
    return text


def _replaced(text: str, name: str, block: str) -> str:
    pattern = rf"(<!-- plan:{name} -->\n).*?(<!-- end -->)"
    text, count = re.subn(pattern, lambda found: f"{found[1]}{block}\n{found[2]}", text, flags=re.S)
    if count != 1:
        raise SystemExit(f"the markers of block {name} are there {count} times, not once")
    return text


def check() -> str:
    """S model: seconds of one CPU thread beside what the counts say, and the rate that each part
    reaches. The process's own time, so that other programs do not matter."""
    import torch

    from audioldm_bench.components.vae import build_vae
    from audioldm_bench.components.vocoder import build_vocoder
    from audioldm_bench.diffusion.unet import build_unet, predict_noise
    from audioldm_bench.preflight import parts as shapes

    def predict(unet: torch.nn.Module, batch: int) -> torch.Tensor:
        noisy, at = torch.randn(batch, 8, 256, 16), torch.zeros(batch, dtype=torch.long)
        return predict_noise(unet, noisy, at, torch.randn(batch, 512))

    torch.set_num_threads(1)
    config = study()
    config["training"] |= {"batch_size": 1}
    config["sampling"] |= {"batch_size": 1, "candidates": 1, "precision": "fp32"}
    cpu = devices.measured(torch.device("cpu"), "this CPU", clock=time.process_time)
    shapes.BATCH = 1
    found = costs(config, base=ROOT / "no-such-folder")
    with without_values():
        twin = build_unet(published_unet("s"))
        both_ways = count(lambda: predict(twin, 1).sum().backward())
    unet, vae = build_unet(published_unet("s")), build_vae(shapes._VAE, 64).eval()
    vocoder = build_vocoder(shapes._VOCODER, config["mel"], 16_000).eval()

    work: Mapping[str, tuple[Cost, Callable[[], object], bool]] = {
        "UNet, sampler step, guided": (found.denoise, lambda: predict(unet, 2), False),
        "UNet, forward and backward": (both_ways, lambda: predict(unet, 1).sum().backward(), True),
        "VAE, encode": (found.encode, lambda: vae.encode(torch.randn(1, 1, 1024, 64)), False),
        "VAE, decode": (found.decode, lambda: vae.decode(torch.randn(1, *found.latent)), False),
        "vocoder": (found.vocode, lambda: vocoder(torch.randn(1, 1024, 64)), False),
    }
    lines = []
    for name, (cost, run, gradients) in work.items():
        with torch.set_grad_enabled(gradients):
            took = min(_timed(run) for _ in range(2))
        told = seconds(cost, cpu)
        rate = cost.flops / took / 1e9
        lines.append([name, f"{took:.2f}", f"{told:.2f}", f"{took / told:.2f}", f"{rate:,.0f}"])
    head = ["part, one clip", "s measured", "s by the counts", "ratio", "GFLOP/s reached"]
    trial = f"{cpu.fp32 / 1e9:,.0f} GFLOP/s, {cpu.bandwidth / 1e9:,.1f} GB/s"
    return f"trial: {trial}\n\n{table(head, lines)}"


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="document whose blocks are made anew")
    parser.add_argument("--check", action="store_true", help="measure on this CPU")
    asked = parser.parse_args()
    if asked.check:
        print(check())
    elif asked.write:
        text = asked.write.read_text(encoding="utf-8")
        asked.write.write_text(written(text), encoding="utf-8")
    else:
        for name, make in BLOCKS.items():
            print(f"{name}\n\n{make()}\n", file=sys.stdout)


if __name__ == "__main__":
    main()
