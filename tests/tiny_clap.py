"""The smallest CLAP that transformers builds, and its front end on half a second."""

from __future__ import annotations

FRONT_END = {
    "sample_rate": 48000,
    "duration": 0.5,
    "n_fft": 1024,
    "hop_length": 480,
    "n_mels": 64,
    "f_min": 50,
    "f_max": 14000,
}
SIZES = {
    "projection_dim": 8,
    "audio": {
        "spec_size": 64,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [1, 2],
        "window_size": 4,
    },
    "text": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 16,
        "max_position_embeddings": 18,
    },
}
