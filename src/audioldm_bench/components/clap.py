"""CLAP, trained from scratch: audio and text towers together, by contrast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..clap import Clap, prompt
from ..clap_front_end import ClapLogMel, extractor_config, write_front_end
from ..errors import UserError
from ..pretrained import device, fan_in_weights, save_pretrained
from ..tokenizer import FILES, load_tokenizer
from ..vae import prepare
from .cnn import targets
from .corpus import Clip, Corpus, batches
from .job import Figure, Job, component_job, known_fields

MAX_LOGIT_SCALE = 100.0  # as CLIP and CLAP are trained


def train_clap(
    audio_shards: Sequence[Path],
    manifest: Path,
    tokenizer_folder: Path,
    out_folder: Path,
    *,
    settings: dict,
    clap_config: dict,
    audio_config: dict,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
) -> None:
    """Train a ClapModel and write its folder, with tokenizer and front end.

    `settings`: the config's models.trained.clap; `clap_config`: models.clap. UserError for a
    setting that the model's classes lack.
    """
    with component_job(
        "clap",
        audio_shards=audio_shards,
        manifest=manifest,
        out_folder=out_folder,
        settings=settings,
        audio_config=audio_config,
        seed=seed,
        state=state,
        save_every=save_every,
        progress_every=progress_every,
        inputs={"clap": clap_config, "tokenizer": Path(tokenizer_folder)},
    ) as job:
        job.seed_weights()
        clap = build_clap(settings, clap_config, tokenizer_folder)
        learner = Learner(clap, job.corpus.labels)
        history = job.train(learner, lambda: _loss(job, learner))

        def save(folder: Path) -> None:
            save_pretrained(clap.model, folder)
            write_front_end(folder, clap_config)
            for name in (*FILES, "tokenizer_config.json"):
                (folder / name).write_bytes((Path(tokenizer_folder) / name).read_bytes())

        job.finish(save, retrieval(clap, job.corpus, settings["wordings"]), history)


def build_clap(settings: dict, clap_config: dict, tokenizer_folder: Path) -> Clap:
    """Both towers with random weights; settings.audio and .text hold fields of their configs."""
    from transformers import ClapAudioConfig, ClapConfig, ClapModel, ClapTextConfig

    tokenizer = load_tokenizer(tokenizer_folder)
    key = "models.trained.clap"
    text = known_fields(ClapTextConfig, settings["text"], f"{key}.text")
    sound = known_fields(ClapAudioConfig, settings["audio"], f"{key}.audio")
    _check_size(sound["spec_size"], clap_config)
    stages = len(sound["depths"])
    config = ClapConfig(
        text_config={**text, "vocab_size": len(tokenizer)},
        audio_config={
            **sound,
            "num_mel_bins": clap_config["n_mels"],
            "hidden_size": sound["patch_embeds_hidden_size"] * 2 ** (stages - 1),
            "num_hidden_layers": stages,
        },
        projection_dim=settings["projection_dim"],
    )
    model = ClapModel(config)
    fan_in_weights(model)
    front_end = ClapLogMel(extractor_config(clap_config)).to(device())
    return Clap(model.to(device()), tokenizer, front_end)


def _check_size(spec_size: int, clap_config: dict) -> None:
    """UserError unless the tower's square image has room for the frames of models.clap."""
    rate, bands = clap_config["sample_rate"], clap_config["n_mels"]
    frames = round(clap_config["duration"] * rate) // clap_config["hop_length"] + 1
    room = spec_size * (spec_size // bands)
    if spec_size % bands or frames > room:
        raise UserError(
            f"models.trained.clap.audio.spec_size {spec_size} holds {room} frames of {bands} mel "
            f"bands, but models.clap gives {frames}: take a larger multiple of n_mels, or change "
            "models.clap.duration or models.clap.hop_length"
        )


class Learner(torch.nn.Module):
    """The model together with an anchor, a unit vector (P,), for each label.

    Two untrained towers give each other next to no direction. Anchors that both are drawn to give
    one from the first step; they are not kept.
    """

    def __init__(self, clap: Clap, labels: Sequence[str]):
        super().__init__()
        self.clap, self.labels = clap, labels
        self.model = clap.model
        self.anchors = torch.nn.Parameter(torch.randn(len(labels), clap.dimension, device=device()))

    def anchored(self, vectors: torch.Tensor, clips: Sequence[Clip]) -> torch.Tensor:
        """Cross-entropy of unit vectors (B, P) against the anchors of their clips' labels."""
        anchors = torch.nn.functional.normalize(self.anchors, dim=-1)
        truth = targets(clips, self.labels).to(vectors.device)
        return contrast(vectors @ anchors.T, truth, self.model.logit_scale_a)


def wording(clip: Clip, settings: dict) -> str:
    """A text for the clip, drawn at random, in small letters every second time.

    With chance `wording_share` its labels are put into sentences by `wordings` (label to texts)
    and joined by one of `joiners`: keyword-to-caption augmentation (Wu et al. 2023), without
    which a model of class names understands no caption. Else one of `templates` is filled.
    """
    wordings = settings["wordings"]
    told = [wordings[label] for label in clip.labels if label in wordings]
    if told and len(told) == len(clip.labels) and torch.rand(()) < settings["wording_share"]:
        order = torch.randperm(len(told)).tolist()
        text = _pick(settings["joiners"]).join(_pick(told[i]) for i in order)
    else:
        template = _pick(settings["templates"])
        text = prompt(template, caption=clip.caption, label=";".join(clip.labels) or clip.caption)
    return text.lower() if torch.rand(()) < 0.5 else text


def _pick(texts: Sequence[str]) -> str:
    return texts[int(torch.randint(len(texts), ()))]


def _sound(clap: Clap, corpus: Corpus, clip: Clip) -> np.ndarray:
    """The clip, from a random moment on, as the stage that embeds a dataset gives it to CLAP."""
    waveform = corpus.native(clip)
    rolled = np.roll(waveform, int(torch.randint(len(waveform), ())))
    return clap.front_end.prepare(prepare(rolled, corpus.n_samples), corpus.sample_rate)


def agreement(clips: Sequence[Clip], others: Sequence[Clip]) -> torch.Tensor:
    """(N, M) of how much of their tags two clips share, from 0 to 1 (Jaccard index).

    As a target of the contrast it keeps two clips of a class from being each other's negatives:
    the towers need not tell apart what the captions do not.
    """
    rows = [[len(a.tags & b.tags) / len(a.tags | b.tags) for b in others] for a in clips]
    return torch.tensor(rows)


def _loss(job: Job, learner: Learner) -> dict[str, torch.Tensor]:
    """Symmetric cross-entropy of audio-text similarities against `agreement`, and the anchors'.

    `extra_texts` more clips take part with their texts alone: a text is cheap, and a small batch
    has few negatives.
    """
    clap, size = learner.clap, job.settings["batch_size"]
    told = job.corpus.draw(size + job.settings["extra_texts"])
    heard = told[:size]
    waveforms = np.stack([_sound(clap, job.corpus, clip) for clip in heard])
    tokens = clap.tokenize([wording(clip, job.settings) for clip in told])
    with torch.no_grad():
        features = clap.front_end(torch.from_numpy(waveforms).to(device()))
    model = clap.model
    sounds = model.get_audio_features(input_features=features).pooler_output
    texts = model.get_text_features(**tokens).pooler_output
    similar = sounds @ texts.T
    target = agreement(heard, told).to(similar.device)
    by_sound = contrast(similar, target, model.logit_scale_a)
    by_text = contrast(similar.T, target.T, model.logit_scale_t)
    pair = (by_sound + by_text) / 2
    anchor = (learner.anchored(sounds, heard) + learner.anchored(texts, told)) / 2
    return {"loss": pair + job.settings["anchor_weight"] * anchor, "pair": pair, "anchor": anchor}


def contrast(similar: torch.Tensor, target: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the rows against their targets; rows that match nothing are left out."""
    logits = similar * log_scale.exp().clamp(max=MAX_LOGIT_SCALE)
    total = target.sum(dim=1, keepdim=True)
    losses = -(target / total.clamp_min(1e-9) * logits.log_softmax(dim=1)).sum(dim=1)
    matched = total[:, 0] > 0
    return losses[matched].sum() / matched.sum().clamp_min(1)


def retrieval(clap: Clap, corpus: Corpus, wordings: dict[str, Sequence[str]]) -> list[Figure]:
    """Recall@1 of the class on held-out clips, by text, by sound, and by the bare class name.

    Texts are the held-out captions and the wordings of their labels. A hit has a tag in common.
    """
    clips = corpus.heldout
    ready = (corpus.waveforms(some).cpu().numpy() for some in batches(clips))
    sounds = np.concatenate([clap.embed_audio(list(w), corpus.sample_rate) for w in ready])
    texts = {clip.caption: clip.tags for clip in clips}
    names = sorted({tag for clip in clips for tag in clip.tags})
    texts |= {text: {name} for name in names for text in wordings.get(name, ())}
    of_clips, of_texts = [clip.tags for clip in clips], list(texts.values())
    similar = sounds @ clap.embed_text(list(texts)).T
    by_name = sounds @ clap.embed_text(names).T
    return [
        _recall("recall@1 text to audio", similar.T, of_texts, of_clips),
        _recall("recall@1 audio to text", similar, of_clips, of_texts),
        _recall("recall@1 audio to class name", by_name, of_clips, [{n} for n in names]),
    ]


def _recall(
    name: str, similar: np.ndarray, asked: Sequence[set[str]], found: Sequence[set[str]]
) -> Figure:
    """Share of the rows whose most similar column has a label of theirs; chance: any column."""
    hits = np.array([[bool(a & b) for b in found] for a in asked])
    best = similar.argmax(axis=1)
    value = hits[np.arange(len(asked)), best].mean()
    return Figure(name, float(value), float(hits.mean()), "share", len(asked), "higher")
