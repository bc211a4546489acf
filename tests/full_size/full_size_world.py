"""The workflow on models of full size: seeded random weights in the published files' formats, a
few real recordings, and how much memory each job took."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch
import yaml

from audioldm_bench.features.panns import build_cnn14
from audioldm_bench.features.vggish import build_vggish

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("probe")
DATA = ROOT / "../shared/data"
ESC10, TOKENIZER = DATA / "esc10", DATA / "tokenizer"
MN04 = DATA / "models/mn04_as_mAP_432.pt"
NEEDED = (ESC10, TOKENIZER, MN04)
WIDTHS = (1, 2, 3, 5)  # of the UNet's levels, times its channels
SIZES = {  # name: checkpoint, channels and heads of the UNet, width and depths of HTSAT
    "S": ("audioldm-s-full", 128, [4, 8, 12, 20], 96, [2, 2, 6, 2]),
    "M": ("audioldm-m-full", 192, [6, 12, 18, 30], 128, [2, 2, 12, 2]),
    "L": ("audioldm-l-full", 256, [4, 8, 12, 20], 96, [2, 2, 6, 2]),
}
SCALE_FACTOR = 0.5


# ------------------------------------------------------------------------------ the weights
def _original():
    """tests/checkpoints/original.py: the layout of the authors' checkpoints."""
    path = ROOT / "tests/checkpoints/original.py"
    spec = importlib.util.spec_from_file_location("original_layout", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_weights(model: torch.nn.Module) -> torch.nn.Module:
    """Draws the weights so that signals keep their size: what the libraries start from lets them
    fade with the depth, until all sounds are one."""
    kinds = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.ConvTranspose1d)
    for module in model.modules():
        if isinstance(module, kinds):
            inputs = module.weight[0].numel()
            if isinstance(module, torch.nn.ConvTranspose1d):
                inputs = module.weight.shape[0] * module.kernel_size[0] / module.stride[0]
            torch.nn.init.normal_(module.weight, std=inputs**-0.5)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
    return model


def _unet(channels: int, heads: list[int]):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    widths = [channels * factor for factor in WIDTHS]
    return UNet2DConditionModel(
        in_channels=8,
        out_channels=8,
        down_block_types=["DownBlock2D"] + ["CrossAttnDownBlock2D"] * 3,
        up_block_types=["CrossAttnUpBlock2D"] * 3 + ["UpBlock2D"],
        block_out_channels=widths,
        cross_attention_dim=widths,
        attention_head_dim=heads,
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=512,
        class_embeddings_concat=True,
    )


def _vae():
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=[128, 256, 512],
        latent_channels=8,
        layers_per_block=2,
    )


def _vocoder():
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        model_in_dim=64,
        upsample_initial_channel=1024,
        upsample_rates=[5, 4, 2, 2, 2],
        upsample_kernel_sizes=[16, 16, 8, 4, 4],
        normalize_before=False,
    )
    return SpeechT5HifiGan(config)


def _clap(width: int, depths: list[int]):
    from transformers import ClapConfig, ClapModel

    audio = {"patch_embeds_hidden_size": width, "depths": depths, "hidden_size": 8 * width}
    return ClapModel(ClapConfig(text_config={}, audio_config=audio))


def write_checkpoint(path: Path, size: str) -> None:
    """An AudioLDM checkpoint of this size as the authors save them: raw and EMA UNet, VAE, vocoder
    and both CLAP towers. The EMA's weights are not the raw ones."""
    _, channels, heads, width, depths = SIZES[size]
    original = _original()
    torch.manual_seed(0)
    with torch.no_grad():
        unet = original.unet(random_weights(_unet(channels, heads)))
        raw = {f"diffusion_model.{k}": t for k, t in unet.items()}
        parts = {
            "model.": raw,
            "model_ema.": {name.replace(".", ""): 0.9 * tensor for name, tensor in raw.items()},
            "first_stage_model.": original.vae(random_weights(_vae())),
            "first_stage_model.vocoder.": original.vocoder(random_weights(_vocoder())),
            "cond_stage_model.model.": original.clap(random_weights(_clap(width, depths))),
        }
    state = {prefix + name: t for prefix, part in parts.items() for name, t in part.items()}
    state |= {"scale_factor": torch.tensor(SCALE_FACTOR), "betas": original.betas()}
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": state | original.unused(), "epoch": 1, "global_step": 100}, path)


def write_backbones(folder: Path) -> None:
    """Cnn14 with its state dict under "model", VGGish as a plain state dict; the small EfficientAT
    mn04 as it was published."""
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    torch.save(
        {"model": random_weights(build_cnn14()).state_dict()}, folder / "panns_cnn14_16k.pth"
    )
    torch.save(random_weights(build_vggish()).state_dict(), folder / "vggish.pth")
    shutil.copyfile(MN04, folder / "efficientat_mn04.pth")


# ------------------------------------------------------------------------------ the study
def write_recordings(folder: Path, trained: int, evaluated: int) -> None:
    """So many recordings of ESC-10, each of another class, with a csv of their own."""
    folder.mkdir(parents=True)
    with open(ESC10 / "esc10.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept: list[dict] = []
    for split, count in (("train", trained), ("test", evaluated)):
        used = {row["label"] for row in kept}
        others = [row for row in rows if row["split"] == split and row["label"] not in used]
        kept += list({row["label"]: row for row in others}.values())[:count]
    for number, row in enumerate(kept):
        shutil.copyfile(ESC10 / row["file"], folder / f"{number}.ogg")
        row["file"] = f"{number}.ogg"
    with open(folder / "clips.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "caption", "label", "split"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(kept)


def settings(size: str, recordings: Path, training: dict, sampling: dict, threads: int) -> dict:
    """What this study changes of config/config.yaml: one dataset, little work, no GPU."""
    dataset = {
        "adapter": "table",
        "source": "folder",
        "folder": str(recordings),
        "table": "clips.csv",
        "download": [],
        "licence": "CC BY 3.0",
        "split": {
            "kind": "official",
            "evaluation": 0,
            "validation": 0,
            "evaluation_folds": [],
            "stratify": False,
        },
        "evaluation_list": None,
        "caption_template": "{caption}",
        "nominal_duration": 5.0,
        "generated_duration": 10.24,
        "shards": 1,
    }
    return {
        "study": "full",
        "datasets": {"esc10": dataset},
        "models": {"published": {"checkpoint": SIZES[size][0]}},
        "training": {"datasets": ["esc10"], "warmup_steps": 0} | training,
        "sampling": sampling,
        "table1": {"datasets": ["esc10"]},
        "table2": {"datasets": ["esc10"]},
        "figure1": {"dataset": "esc10"},
        "figure2": {"dataset": "esc10"},
        "runtime": {"threads": threads, "gpus_per_job": 0},
    }


def prepare(
    folder: Path,
    size: str,
    *,
    clips: tuple[int, int],
    training: dict,
    sampling: dict,
    threads: int,
) -> None:
    """Lays everything that a study downloads into `folder`, and its changes.yaml.

    `clips` to train on and to evaluate; `training` and `sampling` as in the config.
    """
    write_checkpoint(folder / f"resources/downloads/{SIZES[size][0]}.ckpt", size)
    write_backbones(folder / "resources/backbones")
    shutil.copytree(TOKENIZER, folder / "resources/tokenizer")
    write_recordings(folder / "recordings", *clips)
    changes = settings(size, folder / "recordings", training, sampling, threads)
    (folder / "changes.yaml").write_text(yaml.safe_dump(changes))


def run(folder: Path, *targets: str, threads: int) -> None:
    """Makes `targets` with Snakemake, as a user's command does."""
    peaks = folder / "peaks"
    peaks.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "snakemake", *targets, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--cores", str(threads)]
    done = subprocess.run(
        [*command, "--configfile", str(folder / "changes.yaml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROBE), "FULL_SIZE_PEAKS": str(peaks)},
    )
    if done.returncode:
        mistakes = [line for line in done.stdout.splitlines() if "rror" in line]
        raise RuntimeError("\n".join([*mistakes, "...", done.stdout[-2000:]]))


def read_jobs(folder: Path) -> list[dict]:
    """For each job that ran, in the order they ended: rule, wildcards, mem_mb (what the rule asks
    for), peak_mb (10^6 bytes of resident memory), seconds and cpu_seconds (imports included)."""
    return [json.loads(path.read_text()) for path in sorted((folder / "peaks").glob("*.json"))]


def as_table(jobs: list[dict]) -> str:
    """Markdown: a row a job."""
    lines = ["| job | s | CPU s | peak, MB | mem_mb of the rule |", "|---|---:|---:|---:|---:|"]
    for job in jobs:
        values = " ".join(v for k, v in job["wildcards"].items() if k in ("system", "step"))
        name = f"`{job['rule']}` {values}".strip()
        times = f"{job['seconds']:.0f} | {job['cpu_seconds']:.0f}"
        lines.append(f"| {name} | {times} | {job['peak_mb']:,} | {job['mem_mb']:,} |")
    return "\n".join(lines)
