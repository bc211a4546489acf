"""The authors' packages, imported from checkouts that the user names.

Nothing of them is copied here. What their imports ask for and these computations never use is
replaced by empty stand-ins; tests/golden/README.md lists them.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path


class Unused:
    """Stands for a class or function that is imported and not used."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass


def _stand_in(name: str, **content: object) -> types.ModuleType:
    """An empty module `name`, also as an attribute of the module above it."""
    module = types.ModuleType(name)
    module.__dict__.update(content)
    module.__path__ = []
    sys.modules[name] = module
    above, _, leaf = name.rpartition(".")
    if above in sys.modules:
        setattr(sys.modules[above], leaf, module)
    return module


def _replace_torchvision() -> None:
    """torchvision's builds want the torch of CUDA."""
    import torch

    class Resize:
        """Of the spectrogram for CLAP's fusion variant, which AudioLDM switches off."""

        def __init__(self, size: list[int]) -> None:
            self.size = size

        def __call__(self, image: torch.Tensor) -> torch.Tensor:
            return torch.zeros(*image.shape[:-2], *self.size)

    names = ("Normalize", "Compose", "RandomResizedCrop", "InterpolationMode", "ToTensor")
    _stand_in("torchvision", __version__="0")
    _stand_in(
        "torchvision.transforms",
        Resize=Resize,
        CenterCrop=Unused,
        **dict.fromkeys(names, Unused),
    )
    sys.modules["torchvision.transforms"].InterpolationMode = types.SimpleNamespace(BICUBIC=3)
    _stand_in("torchvision.datasets")
    _stand_in("torchvision.utils", make_grid=Unused)
    _stand_in("torchvision.ops")
    _stand_in("torchvision.ops.misc", FrozenBatchNorm2d=Unused)


def _open_torchaudio() -> None:
    """torchaudio without its compiled part, which wants the torch of CUDA."""
    _stand_in(
        "torchaudio._extension",
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _load_lib=lambda name: False,
        fail_if_no_align=lambda function: function,
    )
    import torchaudio

    def load(path: str):
        import soundfile
        import torch

        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    torchaudio.load = load


def _roberta_without_the_hub(tokenizer_folder: Path) -> None:
    """roberta-base's tokenizer from a folder, and its architecture with any weights."""
    import transformers

    read = transformers.RobertaTokenizer.from_pretrained
    config = transformers.RobertaConfig(
        vocab_size=50265,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        attn_implementation="eager",
    )

    def tokenizer(cls: type, name: str):
        return read(str(tokenizer_folder), local_files_only=True)

    def model(cls: type, name: str):
        return cls(config)

    transformers.RobertaTokenizer.from_pretrained = classmethod(tokenizer)
    transformers.RobertaModel.from_pretrained = classmethod(model)


def _mel_by_position() -> None:
    """librosa.filters.mel takes names only since 0.10; the authors' code gives positions."""
    import librosa.filters

    mel = librosa.filters.mel

    def by_position(*values: object, **named: object):
        names = ("sr", "n_fft", "n_mels", "fmin", "fmax")
        return mel(**dict(zip(names, values, strict=False)), **named)

    librosa.filters.mel = by_position


def prepare(audioldm: Path, training: Path, tokenizer_folder: Path) -> None:
    """Makes `audioldm` and `audioldm_train` importable."""
    # Both look for torchvision when they are imported, so they come first.
    import pytorch_lightning  # noqa: F401
    import transformers.modeling_utils  # noqa: F401

    _replace_torchvision()
    _open_torchaudio()
    _roberta_without_the_hub(tokenizer_folder)
    _mel_by_position()
    _stand_in("progressbar")
    _stand_in("tkinter", E=None)
    sys.path[:0] = [str(audioldm), str(training)]


def training_modules() -> tuple[types.ModuleType, types.ModuleType]:
    """ddpm.py and dataset.py of the training repository."""
    # Encoders of conditions that AudioLDM's configuration does not name, with many requirements.
    _stand_in("audioldm_train.conditional_models", CLAPAudioEmbeddingClassifierFreev2=Unused)
    _stand_in("audioldm_train.dataset_plugin")
    ddpm = importlib.import_module("audioldm_train.modules.latent_diffusion.ddpm")
    dataset = importlib.import_module("audioldm_train.utilities.data.dataset")
    return ddpm, dataset


def open_audioldm_eval(checkout: Path) -> None:
    """Makes `audioldm_eval` importable; what its FD, IS, KL and FAD do not use is left empty."""
    import transformers  # noqa: F401  (looks for torchaudio when it is imported)

    _open_torchaudio()
    for name in ("skimage", "ssr_eval"):
        _stand_in(name)
    unused = {"peak_signal_noise_ratio": Unused, "structural_similarity": Unused}
    _stand_in("skimage.metrics", **unused)
    _stand_in("ssr_eval.metrics", AudioMetrics=Unused)
    _mel_by_position()
    sys.path.insert(0, str(checkout))


def hub_vggish(checkout: Path, weights: dict) -> object:
    """VGGish as torch.hub gives it, from a checkout, with these weights in place of a download."""
    import torch

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvggish"]:
        del sys.modules[name]
    # the checkout's package has no __init__, so that an installed one of its name would go before
    _stand_in("torchvggish").__path__ = [str(checkout / "torchvggish")]
    whole = torch.hub.load(str(checkout), "vggish", source="local", pretrained=False)
    missing, unknown = whole.load_state_dict(weights, strict=False)
    if unknown or any(not key.startswith("pproc.") for key in missing):  # pproc: PCA, unused
        raise RuntimeError(f"VGGish: missing {missing}, unknown {unknown}")
    return whole
