"""Makes audioldm_eval.json from the authors' evaluation code.

    git clone https://github.com/haoheliu/audioldm_eval  # at 8dc07ee; outside this repository
    git clone https://github.com/harritaylor/torchvggish  # at f3f9096; what torch.hub would fetch
    pip install --no-deps --target EXTRA torchaudio  # its Python code resamples
    PYTHONPATH=EXTRA python tests/golden/make_audioldm_eval.py audioldm_eval torchvggish \
        --esc10 ESC10

Runs their functions, of which nothing is copied here: calculate_fid, calculate_isc, calculate_kl
and FrechetAudioDistance on drawn features, and on two folders of ESC-10 recordings their loader,
their Cnn14 and their VGGish with drawn weights as well. What was adapted, outside their tree:

- scipy.linalg.sqrtm takes no `disp` from SciPy 1.18 on: a wrapper takes it and drops it.
- their package's __init__ imports scikit-image, ssr_eval and more for metrics that the paper does
  not use: empty modules stand in.
- torchaudio's compiled part wants another torch; soundfile reads the files (originals.py).
- the networks are given the drawn weights in place of downloads.
- FrechetAudioDistance's data loader starts 8 processes: 0 here, which changes no number.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import audioldm_eval_inputs as inputs  # noqa: E402
import numpy as np  # noqa: E402
import originals  # noqa: E402
import scipy.linalg  # noqa: E402
import torch  # noqa: E402

COMMIT = "8dc07ee7c42f9dc6e295460a1034175a0d49b436"


def adapt(checkout: Path) -> None:
    """Makes the authors' package importable and runnable here."""
    originals.open_audioldm_eval(checkout)
    root = scipy.linalg.sqrtm

    def sqrtm(matrix, disp=True):
        return root(matrix) if disp else (root(matrix), None)

    scipy.linalg.sqrtm = sqrtm


def metrics(embeddings: list, logits: list, names: list[str]) -> dict[str, float]:
    """FD, IS and KL of (generated, target) features by the authors' functions."""
    from audioldm_eval import calculate_fid, calculate_isc, calculate_kl

    sides = [
        {"2048": torch.as_tensor(e), "logits": torch.as_tensor(k), "file_path_": names}
        for e, k in zip(embeddings, logits, strict=True)
    ]
    kl, _, _ = calculate_kl(*sides, "logits", True)
    found = calculate_isc(
        sides[0], feat_layer_name="logits", rng_seed=2020, samples_shuffle=True, splits=10
    )
    return {
        "fd": calculate_fid(*sides, feat_layer_name="2048")["frechet_distance"],
        "is": found["inception_score_mean"],
        "is_std": found["inception_score_std"],
        "kl": kl["kullback_leibler_divergence_softmax"],
        "kl_sigmoid": kl["kullback_leibler_divergence_sigmoid"],
    }


def fad(embeddings: list[np.ndarray]) -> float:
    """FAD of (generated, target) features by the authors' functions."""
    from audioldm_eval.metrics.fad import FrechetAudioDistance

    blank = object.__new__(FrechetAudioDistance)  # its constructor loads a network
    a, b = (blank.calculate_embd_statistics(side) for side in embeddings)
    return float(blank.calculate_frechet_distance(*a, *b))


def of_features(case: str) -> dict[str, float]:
    drawn = inputs.drawn(case)
    embeddings, logits = (
        [drawn[f"{side} {kind}"] for side in ("generated", "target")]
        for kind in ("embeddings", "logits")
    )
    names = [f"{number}.wav" for number in range(len(logits[0]))]
    found = metrics(embeddings, logits, names)
    if embeddings[0].shape[1] > 128:
        return found  # FAD is of VGGish's 128 dimensions
    return found | {"fad": fad(embeddings)}


def of_recordings(esc10: Path, vggish: Path, work: Path) -> dict[str, float]:
    """All by their code: WaveDataset, Cnn14, VGGish, metrics."""
    from audioldm_eval.datasets.load_mel import WaveDataset
    from audioldm_eval.feature_extractors.panns import Cnn14
    from audioldm_eval.metrics import fad as fad_module

    from audioldm_bench.features.panns import FRONT_ENDS, build_cnn14
    from audioldm_bench.features.vggish import build_vggish

    folders = inputs.recordings(esc10, work / "clips")
    drawn = build_cnn14()
    inputs.fill(drawn)
    weights = work / ".cache" / "audioldm_eval" / "ckpt" / "Cnn14_16k_mAP=0.438.pth"
    weights.parent.mkdir(parents=True)
    torch.save({"model": drawn.state_dict()}, weights)
    weights.with_name("Cnn14_mAP=0.431.pth").touch()  # else their code downloads
    with mock.patch.dict(os.environ, HOME=str(work)):
        network = Cnn14(
            features_list=["2048", "logits"], classes_num=527, **FRONT_ENDS["panns_cnn14_16k"]
        ).eval()
    embeddings, logits = [], []
    for folder in folders:
        with torch.no_grad():
            clips = WaveDataset(str(folder), 16000)  # never ends by itself: beyond its last file
            found = [network(clips[i][0]) for i in range(len(clips))]  # it takes the next again
        embeddings.append(torch.cat([one["2048"] for one in found]))
        logits.append(torch.cat([one["logits"] for one in found]))
    names = sorted(path.name for path in folders[0].iterdir())
    small = build_vggish()
    inputs.fill(small)
    whole = originals.hub_vggish(vggish, small.state_dict())
    with (
        mock.patch.object(fad_module.torch.hub, "load", lambda *_: whole),
        mock.patch.object(fad_module, "DataLoader", _in_this_process),
    ):
        distance = fad_module.FrechetAudioDistance()
        score = distance.score(*map(str, folders))
    return metrics(embeddings, logits, names) | {"fad": float(score["frechet_audio_distance"])}


def _in_this_process(dataset, **settings):
    return torch.utils.data.DataLoader(dataset, **(settings | {"num_workers": 0}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="of audioldm_eval")
    parser.add_argument("vggish", type=Path, help="checkout of torchvggish")
    parser.add_argument("--esc10", type=Path, required=True, help="folder with esc10.csv")
    options = parser.parse_args()
    adapt(options.checkout)
    torch.set_num_threads(1)
    found: dict = {"made with": versions(), "features": {}}
    with contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as work:
        found["recordings"] = of_recordings(options.esc10, options.vggish, Path(work))
        for case in inputs.CASES:
            found["features"][case] = of_features(case)
    (HERE / "audioldm_eval.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def versions() -> dict[str, str]:
    import torchaudio

    packages = (np, scipy, torch, torchaudio)
    return {"audioldm_eval": COMMIT} | {p.__name__: p.__version__ for p in packages}


if __name__ == "__main__":
    main()
