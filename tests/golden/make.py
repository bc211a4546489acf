"""Makes the golden numbers from the authors' code. tests/golden/README.md says how to call it.

    python tests/golden/make.py --audioldm DIR --training DIR --tokenizer DIR [--sizes S M L]

The weights are those of tests/parity/parity_draws.py, in the original modules; what these give
for drawn inputs is written to <size>.npz beside this file, and the names and shapes of their
weights to layout.json.gz.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity")]

import originals  # noqa: E402
import parity_inputs as inputs  # noqa: E402
from parity_draws import average_key, record, weight  # noqa: E402

FULL_NAMES = {"S": "audioldm-s-full", "M": "audioldm-m-full", "L": "audioldm-l-full"}
CONSTANT = ("stft.", "logmel_extractor.", "logvar", "model_ema.decay", "model_ema.num_updates")
IN_USE = ("betas", "relative_position_index")  # constants that the import reads
FILM = "film_clap_cond1"


def fill(model: torch.nn.Module, key_of=str) -> dict[str, dict[str, list[int]]]:
    """Puts the drawn weights into `model`; returns the shapes of what was drawn and of the rest.

    `key_of`: the name in a checkpoint of a name in `model`.
    """
    drawn = {name for name, _ in model.named_parameters()}
    drawn |= {n for n, _ in model.named_buffers() if "running" in n or n.startswith("model_ema.")}
    drawn |= {"scale_factor"}
    drawn = {name for name in drawn if not any(part in name for part in CONSTANT)}
    shapes = {"drawn": {}, "constant": {}}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            key = key_of(name)
            if name in drawn:
                tensor.copy_(weight(key, tuple(tensor.shape)))
            shapes["drawn" if name in drawn else "constant"][key] = list(tensor.shape)
    return shapes


def settings(size: str) -> dict:
    """The authors' own parameters of a size, for the CPU, without dropped conditions."""
    from audioldm.utils import default_audioldm_config

    parameters = default_audioldm_config(FULL_NAMES[size])["model"]["params"]
    parameters["device"] = "cpu"
    parameters["cond_stage_config"]["params"]["unconditional_prob"] = 0.0
    return parameters


# ------------------------------------------------------------------------- signal front ends
def signals(dataset_module) -> dict[str, np.ndarray]:
    """Resampler, and a file's way to a log-mel spectrogram, as the training repository goes it."""
    import soundfile
    import torchaudio

    kept = {}
    for rate_in, rate_out in inputs.RATES:
        given = torch.from_numpy(inputs.white(rate_in))
        name = f"resample_{rate_in}_{rate_out}"
        kept |= record(name, torchaudio.functional.resample(given, rate_in, rate_out))
    dataset = dataset_module.AudioDataset.__new__(dataset_module.AudioDataset)
    dataset.mel_basis, dataset.hann_window = {}, {}
    dataset.filter_length, dataset.hop_length, dataset.win_length = 1024, 160, 1024
    dataset.n_mel, dataset.mel_fmin, dataset.mel_fmax = 64, 0, 8000
    dataset.sampling_rate, dataset.duration, dataset.target_length = 16000, 10.24, 1024
    dataset.pad_wav_start_sample, dataset.trim_wav, dataset.waveform_only = 0, False, False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        soundfile.write(path, inputs.sound(), inputs.SOUND_RATE, subtype="FLOAT")
        log_mel, _, waveform, _ = dataset.read_audio_file(str(path))
    return kept | record("waveform", waveform[0]) | record("log_mel", log_mel)


# ---------------------------------------------------------------------------------- networks
@torch.no_grad()
def autoencoder(model) -> dict[str, np.ndarray]:
    """VAE and vocoder."""
    posterior = model.encode_first_stage(inputs.mel_for_vae()[:, None])
    sound = model.mel_spectrogram_to_waveform(inputs.mel_for_vocoder()[:, None])
    return (
        record("vae_mean", posterior.mean)
        | record("vae_logvar", posterior.logvar)
        | record("vae_decoded", model.decode_first_stage(inputs.latents_for_vae())[:, 0])
        | record("vocoder", sound[:, 0])
    )


@torch.no_grad()
def clap(encoder) -> dict[str, np.ndarray]:
    """Embeddings of sounds and texts, and the texts' tokens."""
    encoder.embed_mode = "audio"
    kept = {}
    with mock.patch("numpy.random.randint", lambda low, high: 0):  # the cut: from the first sample
        for name, sound in inputs.clap_sounds().items():
            kept |= record(f"clap_audio_{name}", encoder(torch.from_numpy(sound)[None])[:, 0])
    encoder.embed_mode = "text"
    kept |= record("clap_text", encoder(list(inputs.TEXTS))[:, 0])
    tokens = encoder.tokenizer(list(inputs.TEXTS))
    longest = int(tokens["attention_mask"].sum(dim=1).max())
    for name in ("input_ids", "attention_mask"):
        kept[name] = tokens[name][:, :longest].numpy().astype(np.int32)
    return kept


@torch.no_grad()
def ddim(model, eta: float) -> torch.Tensor:
    """Latents that the authors' sampler makes of given noise, with guidance."""
    from audioldm.latent_diffusion.ddim import DDIMSampler

    condition, unconditional = inputs.ddim_conditions()
    first, *later = inputs.ddim_noise()
    steps = iter(later)
    with mock.patch("audioldm.latent_diffusion.ddim.noise_like", lambda *_: next(steps)):
        return DDIMSampler(model).sample(
            inputs.STEPS,
            len(first),
            tuple(first.shape[1:]),
            condition[:, None],
            eta=eta,
            x_T=first,
            unconditional_guidance_scale=inputs.GUIDANCE,
            unconditional_conditioning=unconditional[:, None],
            verbose=False,
        )[0]


def training_loss(ddpm, folder: Path) -> dict[str, np.ndarray]:
    """Loss and gradient of the training repository's LatentDiffusion, in evaluation mode.

    Built without its constructor, which loads the authors' CLAP and VAE from fixed paths.
    """
    import pytorch_lightning
    import yaml

    [path] = folder.rglob("audioldm_original.yaml")
    parameters = yaml.safe_load(path.read_text())["model"]["params"]
    model = ddpm.LatentDiffusion.__new__(ddpm.LatentDiffusion)
    pytorch_lightning.LightningModule.__init__(model)
    model.parameterization, model.loss_type = parameters["parameterization"], "l2"
    model.num_timesteps_cond, model.conditioning_key = 1, [FILM]
    model.v_posterior = model.original_elbo_weight = 0.0
    model.l_simple_weight, model.learn_logvar = 1.0, False
    model.model = ddpm.DiffusionWrapper(parameters["unet_config"], [FILM])
    schedule = {key: parameters[key] for key in ("timesteps", "linear_start", "linear_end")}
    model.register_schedule(beta_schedule="linear", **schedule)
    model.logvar = torch.nn.Parameter(torch.zeros(1000), requires_grad=False)
    model.scale_factor = weight("scale_factor", ())
    unet = model.model.diffusion_model
    fill(unet, average_key)
    model.eval()
    given = inputs.loss()
    moments = torch.cat([given.mean, given.logvar], dim=1)
    posterior = ddpm.DiagonalGaussianDistribution(moments)
    with mock.patch("torch.randn", lambda *_: given.posterior_noise):
        latents = model.get_first_stage_encoding(posterior)
    condition = {FILM: given.condition[:, None]}
    loss, _ = model.p_losses(latents, condition, given.timesteps, noise=given.noise)
    loss.backward()
    gradients = [p.grad for p in unet.parameters() if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([g.double().norm() for g in gradients]))
    return (
        record("loss", loss.detach())
        | record("gradient_norm", norm)
        | record("gradient_film", unet.film_emb.weight.grad)
        | record("gradient_first", unet.input_blocks[0][0].weight.grad)
    )


# ---------------------------------------------------------------------------------- the sizes
def size_s(arguments) -> tuple[dict[str, np.ndarray], dict]:
    """The whole system, loaded as the authors load a checkpoint; the UNet has its average."""
    from audioldm import LatentDiffusion

    model = LatentDiffusion(**settings("S")).eval()
    shapes = fill(model)
    state = model.state_dict()
    kept = {name: state[next(k for k in state if k.endswith(name))].numpy() for name in IN_USE}
    x, t, condition = inputs.unet()
    with model.ema_scope(), torch.no_grad():
        kept |= record("unet", model.apply_model(x, t, condition[:, None]))
        for eta in inputs.ETAS:
            kept |= record(f"ddim_eta{eta:.0f}", ddim(model, eta))
    kept |= autoencoder(model) | clap(model.cond_stage_model)
    del model, state
    ddpm, dataset = originals.training_modules()
    kept |= signals(dataset) | training_loss(ddpm, arguments.training)
    return kept, shapes


def unet_only(size: str) -> tuple[dict[str, np.ndarray], dict]:
    from audioldm.latent_diffusion.openaimodel import UNetModel

    model = UNetModel(**settings(size)["unet_config"]["params"]).eval()
    fill(model, average_key)
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    x, t, condition = inputs.unet()
    with torch.no_grad():
        return record("unet", model(x, t, y=condition)), {"unet": shapes}


def size_m(arguments) -> tuple[dict[str, np.ndarray], dict]:
    """The UNet, and CLAP with its larger audio tower."""
    from audioldm.clap.encoders import CLAPAudioEmbeddingClassifierFreev2

    kept, layout = unet_only("M")
    encoder = CLAPAudioEmbeddingClassifierFreev2(**settings("M")["cond_stage_config"]["params"])
    layout["clap"] = fill(encoder.eval(), lambda name: "cond_stage_model." + name)
    return kept | clap(encoder), layout


def size_l(arguments) -> tuple[dict[str, np.ndarray], dict]:
    """The UNet: the rest is as in S."""
    return unet_only("L")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("audioldm", "training", "tokenizer"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=list(FULL_NAMES), choices=FULL_NAMES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    originals.prepare(arguments.audioldm, arguments.training, arguments.tokenizer)
    path = HERE / "layout.json.gz"
    layout = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
    for size in arguments.sizes:
        kept, layout[size] = {"S": size_s, "M": size_m, "L": size_l}[size](arguments)
        np.savez_compressed(HERE / f"{size.lower()}.npz", **kept)
    path.write_bytes(gzip.compress(json.dumps(layout).encode(), mtime=0))


if __name__ == "__main__":
    main()
