"""CLAP score: how near a generated sound is to its caption."""

from __future__ import annotations

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix


def clap_scores(sounds: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """(N,) cosine of each clip's CLAP embedding (N, P) with that of its caption (N, P).

    Both are of the same CLAP. The score of a system is the mean.
    """
    sounds = feature_matrix(sounds, least=1, metric="CLAP score")
    captions = feature_matrix(captions, least=1, metric="CLAP score")
    if sounds.shape != captions.shape:
        raise UserError(
            f"CLAP score: sounds {sounds.shape} and captions {captions.shape} do not match; "
            "both need the same clips and the same CLAP"
        )
    lengths = np.linalg.norm(sounds, axis=1) * np.linalg.norm(captions, axis=1)
    if not (lengths > 0).all():
        raise UserError("CLAP score: an embedding of length 0; make the feature file anew")
    return np.einsum("ij,ij->i", sounds, captions) / lengths
