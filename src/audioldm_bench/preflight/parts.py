"""The parts of a study at their real size, and what each costs a time (counting.py).

Of published checkpoints the size is known before they are downloaded: the paper's authors
published three ([code] audioldm/utils.py), and the name says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from ..limits import training_gpus
from ..metrics.registry import needed_backbones
from ..published import size_of
from .counting import Cost

# First level's channels, channels an attention head, CLAP's audio tower. [code]
SIZES = {"s": (128, 32, "tiny"), "m": (192, 32, "base"), "l": (256, 64, "tiny")}
_TOWERS = {"tiny": (96, [2, 2, 6, 2]), "base": (128, [2, 2, 12, 2])}  # HTSAT: width, depths
_VAE = {"block_out_channels": [128, 256, 512], "latent_channels": 8, "layers_per_block": 2}
_VOCODER = {
    "upsample_initial_channel": 1024,
    "upsample_rates": [5, 4, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 8, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
}
_TEXT = {"hidden_size": 768, "num_hidden_layers": 12, "vocab_size": 50265}
BATCH = 8  # clips a pass of VAE, vocoder and CLAP, as in their stages
FEATURE_BATCH = 4  # clips a pass of a backbone
FEATURE_DURATION = 10.0  # s of the clips that a backbone's cost is counted on


@dataclass(frozen=True)
class Costs:
    """One pass of each part, at the batch sizes of the config; clips of audio.duration."""

    size: str  # S, M or L, or "own" of a trained study
    parameters: Mapping[str, int]  # of unet, vae, vocoder and clap
    latent: tuple[int, int, int]  # (C, T, F)
    train: Cost  # forward and backward of a GPU's share of training.batch_size, AdamW, EMA
    denoise: Cost  # one sampler step of sampling.batch_size clips: all candidates, guided
    encode: Cost
    decode: Cost
    vocode: Cost
    hear: Cost  # CLAP's audio tower
    features: Mapping[str, Cost] = field(default_factory=dict)  # by backbone


def published_unet(size: str) -> dict:
    """The UNet's settings of a published size, by UNet2DConditionModel's names."""
    channels, head, _ = SIZES[size]
    levels = [channels * times for times in (1, 2, 3, 5)]
    return {
        "sample_size": 128,
        "in_channels": _VAE["latent_channels"],
        "out_channels": _VAE["latent_channels"],
        "block_out_channels": levels,
        "down_block_types": ["DownBlock2D", *["CrossAttnDownBlock2D"] * 3],
        "up_block_types": [*["CrossAttnUpBlock2D"] * 3, "UpBlock2D"],
        "layers_per_block": 2,
        "attention_head_dim": [width // head for width in levels],
        "cross_attention_dim": levels,
        "projection_class_embeddings_input_dim": 512,
    }


def costs(config: Mapping, base: Path = Path()) -> Costs:
    """Counts every part that the config's study uses. `base`: the folder that it runs in."""
    from .counting import without_values

    models, trained = config["models"], config["models"]["trained"]
    if models["source"] == "trained":
        size, settings = "own", trained["diffusion"]["unet"]
    else:
        size = size_of(models["published"]["checkpoint"])
        settings = _imported(config, base) or published_unet(size)
        size = size.upper()
    with without_values():
        vae, vocoder = _vae_and_vocoder(config)
        latent, passes = _spectral_passes(config, vae, vocoder)
        unet, train, denoise = _diffusion_passes(config, settings, latent)
    clap, hear = _clap_pass(config, size)
    networks = {"unet": unet, "vae": vae, "vocoder": vocoder, "clap": clap}
    return Costs(
        size,
        {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()},
        latent,
        train=train,
        denoise=denoise,
        hear=hear,
        features=_feature_passes(config),
        **passes,
    )


def _imported(config: Mapping, base: Path) -> dict | None:
    """The settings of the study's UNet if the checkpoint is there already."""
    from ..diffusion.unet import read_settings

    folder = base / "resources/models" / config["models"]["published"]["checkpoint"] / "unet"
    return dict(read_settings(folder)) if (folder / "config.json").is_file() else None


def _vae_and_vocoder(config: Mapping) -> tuple:
    from ..components.vae import build_vae
    from ..components.vocoder import build_vocoder

    trained, mel = config["models"]["trained"], config["mel"]
    own = config["models"]["source"] == "trained"
    vae = build_vae(trained["vae"]["model"] if own else _VAE, mel["n_mels"])
    settings = trained["vocoder"]["model"] if own else _VOCODER
    return vae.eval(), build_vocoder(settings, mel, config["audio"]["sample_rate"]).eval()


def _spectral_passes(config: Mapping, vae, vocoder) -> tuple[tuple[int, int, int], dict]:
    import torch

    from ..vae import stride
    from .counting import count

    audio, mel = config["audio"], config["mel"]
    frames = round(audio["duration"] * audio["sample_rate"]) // mel["hop_length"]
    latent = (vae.config.latent_channels, frames // stride(vae), mel["n_mels"] // stride(vae))
    spectrum = torch.empty(BATCH, frames, mel["n_mels"])
    with torch.no_grad():
        return latent, {
            "encode": count(lambda: vae.encode(spectrum[:, None])),
            "decode": count(lambda: vae.decode(torch.empty(BATCH, *latent))),
            "vocode": count(lambda: vocoder(spectrum)),
        }


def sampling_precision(config: Mapping) -> str:
    """What sampling.precision stands for on the device that the config asks for."""
    wanted = config["sampling"]["precision"]
    if wanted != "auto":
        return wanted
    return "fp16" if config["runtime"]["gpus_per_job"] else "fp32"


def _diffusion_passes(config: Mapping, settings: Mapping, latent: tuple) -> tuple:
    import torch

    from ..diffusion.generation import FORMATS
    from ..diffusion.unet import build_unet, predict_noise
    from .counting import count

    training, sampling = config["training"], config["sampling"]
    unet = build_unet(settings).train()
    width = unet.config.projection_class_embeddings_input_dim

    form = FORMATS[sampling_precision(config)]
    torch.set_default_dtype(form)  # tensors without values cannot be converted in their places
    frozen = build_unet(settings)
    torch.set_default_dtype(torch.float32)

    def predict(model, batch: int, **kind):
        noisy, steps = torch.empty(batch, *latent, **kind), torch.zeros(batch, dtype=torch.long)
        return predict_noise(model, noisy, steps, torch.empty(batch, width, **kind))

    share = -(-training["batch_size"] // max(1, training_gpus(config)))
    train = count(_training_step(unet, lambda: predict(unet, share), training))
    guided = 1 if sampling["guidance_scale"] == 1 else 2
    rows = sampling["batch_size"] * sampling["candidates"] * guided
    with torch.no_grad():
        denoise = count(lambda: predict(frozen, rows, dtype=form))
    return unet, train, denoise


def _training_step(unet, predict: Callable, training: Mapping) -> Callable[[], None]:
    """A step as diffusion.trainer makes it, with its own optimizer and EMA.

    The tensors without values are a CPU's, whose autocast is not all that a GPU's is.
    """
    import torch

    from ..diffusion.ema import EMA

    ema = EMA(unet, training["ema_decay"])
    optimizer = torch.optim.AdamW(unet.parameters(), fused=True)
    for parameter in unet.parameters():  # the state that a first step would make
        optimizer.state[parameter] = {
            "step": torch.zeros(()),
            "exp_avg": torch.empty_like(parameter, requires_grad=False),
            "exp_avg_sq": torch.empty_like(parameter, requires_grad=False),
        }

    half = training["precision"] in ("bf16", "fp16")

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            found = predict()
        torch.nn.functional.mse_loss(found.float(), torch.empty(found.shape)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ema.update()

    return step


def _clap_pass(config: Mapping, size: str) -> tuple:
    import torch
    from transformers import ClapConfig, ClapModel

    from .counting import count

    clap, own = config["models"]["clap"], config["models"]["trained"] or {}
    if size == "own":
        sound, text = dict(own["clap"]["audio"]), own["clap"]["text"]
    else:
        width, depths = _TOWERS[SIZES[size.lower()][2]]
        sound, text = {"patch_embeds_hidden_size": width, "depths": depths}, _TEXT
    stages = len(sound["depths"])
    sound |= {
        "num_mel_bins": clap["n_mels"],
        "hidden_size": sound["patch_embeds_hidden_size"] * 2 ** (stages - 1),
        "num_hidden_layers": stages,
    }
    frames = round(clap["duration"] * clap["sample_rate"]) // clap["hop_length"] + 1
    with torch.device("meta"):  # the class draws numbers from its tensors: meta ones, not fake ones
        model = ClapModel(ClapConfig(text_config=dict(text), audio_config=sound)).eval()
        heard = torch.empty(BATCH, 1, frames, clap["n_mels"])
    short = torch.zeros(BATCH, 1, dtype=torch.bool)
    with torch.no_grad():
        return model, count(lambda: model.get_audio_features(heard, short))


def _feature_passes(config: Mapping) -> dict[str, Cost]:
    names = needed_backbones(config["metrics"])
    return {name: _BACKBONES[name](config) for name in names if name in _BACKBONES}


def _backbone(network, *shape: int) -> Cost:
    import torch

    from .counting import count

    network = network.eval().to("meta")
    with torch.no_grad():
        return count(lambda: network(torch.empty(*shape, device="meta")))


def _cnn14(name: str) -> Callable[[Mapping], Cost]:
    def counted(_: Mapping) -> Cost:
        from ..features.panns import FRONT_ENDS, build_cnn14

        samples = round(FEATURE_DURATION * FRONT_ENDS[name]["sample_rate"])
        return _backbone(build_cnn14(FRONT_ENDS[name]), FEATURE_BATCH, samples)

    return counted


def _vggish(_: Mapping) -> Cost:
    from ..features.vggish import build_vggish

    return _backbone(build_vggish(), FEATURE_BATCH * int(FEATURE_DURATION / 0.96), 1, 96, 64)


def _mn04(_: Mapping) -> Cost:
    from ..features.efficientat import N_MELS, Mn04

    return _backbone(Mn04(), FEATURE_BATCH, N_MELS, round(FEATURE_DURATION * 100))


# The published networks, as a GPU runs them. A backbone that is not named here is not counted; the
# estimate says so, but for CLAP, which it has from `hear`.
_BACKBONES: dict[str, Callable[[Mapping], Cost]] = {
    "panns_cnn14_16k": _cnn14("panns_cnn14_16k"),
    "panns_cnn14_32k": _cnn14("panns_cnn14_32k"),
    "vggish": _vggish,
    "efficientat_mn04": _mn04,
}


def latent_bytes(latent: tuple[int, int, int]) -> int:
    """Of a clip's mean and log-variance in float16."""
    return 2 * 2 * prod(latent)
