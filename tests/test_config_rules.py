"""The config's check: keys that do not agree with each other, or with the disk."""

from __future__ import annotations

import pytest

from config_cases import DEFAULT, TRAINED, check_named, laying, removing, setting

# (what is done to the default config, key that the message names, words of its cure)
MISTAKES = {
    "unknown dataset": (
        setting("table1/datasets", ["esc51"]),
        "`table1.datasets` names the unknown dataset `esc51`",
        "did you mean esc50?",
    ),
    "unknown dataset of a figure": (
        setting("figure1/dataset", "clotho"),
        "`figure1.dataset` names the unknown dataset `clotho`",
        "describe it under `datasets`",
    ),
    "steps of an unknown dataset": (
        setting("training/steps/esc5O", 20000),
        "`training.steps` names the unknown dataset `esc5O`",
        "did you mean esc50?",
    ),
    "dataset that is not trained": (
        setting("training/datasets", ["esc50", "urbansound8k"]),
        "`table2.datasets` names `audiocaps`, which is not trained",
        "add `audiocaps` to `training.datasets`",
    ),
    "figure that is not trained": (
        setting("figure2/dataset", "audioset"),
        "`figure2.dataset` names `audioset`, which is not trained",
        "add `audioset` to `training.datasets`",
    ),
    "adapter beside random weights": (
        setting("training/lora", {"rank": 4, "alpha": 4, "targets": ["to_q"]}),
        "`training.initialisations` has `scratch`",
        "write [pretrained]",
    ),
    "checkpoints chosen on no clips": (
        setting("table2/select_on", ["evaluation", "validation"]),
        "`table2.select_on` has `validation`, but `datasets.esc50.split.validation` is 0",
        "set it to a number of clips",
    ),
    "no steps": (
        removing("training/steps/esc50"),
        "`training.steps.esc50` is missing",
        "at which step its training ends",
    ),
    "folder that is not there": (
        laying(datasets={"esc50": {"source": "folder", "folder": "confg"}}),
        '`datasets.esc50.folder` is "confg", where there is no folder',
        "did you mean config?",
    ),
    "cookies that are not there": (
        setting("runtime/youtube/cookies", "READ.md"),
        '`runtime.youtube.cookies` is "READ.md", where there is no file',
        "did you mean README.md?",
    ),
    "no folder": (
        setting("datasets/esc50/source", "folder"),
        "`datasets.esc50.folder` is missing",
        "give the folder's path",
    ),
    "csv that is not there": (
        laying(
            datasets={
                "esc50": {
                    "adapter": "table",
                    "source": "folder",
                    "folder": "config",
                    "table": "confi.yaml",
                }
            }
        ),
        '`datasets.esc50.table` is "confi.yaml", a file that is not in',
        "did you mean config.yaml?",
    ),
    "no csv": (
        laying(datasets={"esc50": {"adapter": "table", "source": "folder", "folder": "config"}}),
        "`datasets.esc50.table` is missing",
        "add it",
    ),
    "synthetic without sizes": (
        setting("datasets/esc50/source", "synthetic"),
        "`datasets.esc50.synthetic` is missing",
        "how many clips",
    ),
    "synthetic clips of another layout": (
        laying(
            datasets={
                "esc50": {
                    "source": "synthetic",
                    "synthetic": {"clips": {"classes": None, "train": 9}, "duration": 5.0},
                }
            }
        ),
        "`datasets.esc50.synthetic.clips.per_class` is missing",
        "the layout esc50 needs this number",
    ),
    "synthetic table": (
        laying(datasets={"esc50": {"adapter": "table", "source": "synthetic"}}),
        "`datasets.esc50.adapter` is table but `datasets.esc50.source` is synthetic",
        "set the source to folder",
    ),
    "nothing to download": (
        setting("datasets/esc50/download", []),
        "`datasets.esc50.download` names no file",
        "give its url and sha256",
    ),
    "no folds": (
        laying(datasets={"esc50": {"split": {"kind": "fold", "evaluation_folds": []}}}),
        "`datasets.esc50.split.evaluation_folds` is empty",
        "name the folds",
    ),
    "no evaluation clips": (
        setting("datasets/esc50/split/evaluation", 0),
        "`datasets.esc50.split.evaluation` is 0",
        "how many clips",
    ),
    "list beside a random split": (
        setting("datasets/audiocaps/split", {**DEFAULT["datasets"]["esc50"]["split"]}),
        "`datasets.audiocaps.evaluation_list`",
        "set `datasets.audiocaps.split.kind` to official, or the list to null",
    ),
    "split that the layout lacks": (
        setting("datasets/esc50/split/kind", "official"),
        "`datasets.esc50.split.kind` is official",
        "use random or fold",
    ),
    "folds that the layout lacks": (
        laying(
            datasets={
                "audiocaps": {
                    "evaluation_list": None,
                    "split": {"kind": "fold", "evaluation_folds": [5]},
                }
            }
        ),
        "`datasets.audiocaps.split.kind` is fold",
        "use random or official",
    ),
    "list that is not there": (
        setting("datasets/audiocaps/evaluation_list", "my/list.json"),
        '`datasets.audiocaps.evaluation_list` is "my/list.json"',
        "correct the path",
    ),
    "list that is not described": (
        setting("datasets/audiocaps/evaluation_list", "resources/lists/audioset_eval.json"),
        "`datasets.audiocaps.evaluation_list`",
        "did you mean audioset_eval_data_subset.json?",
    ),
    "unknown field": (
        setting("datasets/esc50/caption_template", "a sound of {lable}"),
        "`datasets.esc50.caption_template`",
        "only {caption} and {label} are replaced",
    ),
    "open brace": (
        setting("datasets/esc50/caption_template", "{caption"),
        "`datasets.esc50.caption_template`",
        "braces do not match",
    ),
    "template without a field": (
        setting("datasets/esc50/caption_template", "a sound"),
        "`datasets.esc50.caption_template`",
        "must contain {caption} or {label}",
    ),
    "no trained models": (
        setting("models/source", "trained"),
        "`models.trained` is empty",
        "set the source to published",
    ),
    "trained on an unknown dataset": (
        laying(models={"source": "trained", "trained": {**TRAINED, "dataset": "wide"}}),
        "`models.trained.dataset` names the unknown dataset `wide`",
        "describe it under `datasets`",
    ),
    "unknown checkpoint": (
        setting("models/published/checkpoint", "audioldm-m-fool"),
        '`models.published.checkpoint` is "audioldm-m-fool"',
        "did you mean audioldm-m-full?",
    ),
    "unknown backbone": (
        setting("metrics/fad", "vgish"),
        '`metrics.fad` is "vgish"',
        "did you mean vggish?",
    ),
    "trained backbone of a published study": (
        setting("metrics/fd", "tagger"),
        '`metrics.fd` is "tagger"',
        "panns_cnn14_32k, vggish, efficientat_mn04 (`models.source` is published)",
    ),
    "unknown backbone of a trained study": (
        laying(
            models={"source": "trained", "trained": TRAINED},
            metrics={"fd": "tager", "is": "tagger", "kl": "tagger", "fad": "embedder"},
        ),
        '`metrics.fd` is "tager"',
        "did you mean tagger? it must be one of tagger, embedder, panns_cnn14_16k",
    ),
    "backbone without classes": (
        setting("metrics/kl", "vggish"),
        '`metrics.kl` is "vggish"',
        "it must be one of panns_cnn14_16k, panns_cnn14_32k, efficientat_mn04",
    ),
    "frequency above Nyquist's": (
        setting("mel/f_max", 8001),
        "`mel.f_max` is 8001",
        "at most 8000, half the sample rate",
    ),
    "CLAP's frequency above Nyquist's": (
        setting("models/clap/sample_rate", 16000),
        "`models.clap.f_max` is 14000",
        "at most 8000",
    ),
    "frequencies the wrong way round": (
        setting("models/clap/f_min", 15000),
        "`models.clap.f_min` is 15000",
        "less than `models.clap.f_max`",
    ),
    "hop over the window": (
        setting("mel/hop_length", 2048),
        "`mel.hop_length` is 2048",
        "at most the window (1024 samples)",
    ),
    "window over the transform": (
        setting("mel/n_fft", 512),
        "`mel.win_length` is 1024",
        "at most `mel.n_fft` (512)",
    ),
    "more bands than frequencies": (
        setting("mel/n_mels", 514),
        "`mel.n_mels` is 514",
        "at most 513",
    ),
    "half a frame": (
        setting("audio/duration", 10.245),
        "`audio.duration` is 10.245",
        "write 10.24",
    ),
    "more steps than the schedule has": (
        setting("sampling/steps", 1001),
        "`sampling.steps` is 1001",
        "less than 1000",
    ),
    "fresh noise of a sampler that draws none": (
        laying(sampling={"sampler": "dpm_solver_pp", "steps": 25}),
        "`sampling.eta` is 1",
        "must be 0",
    ),
    "noise that falls": (
        setting("diffusion/beta_start", 0.5),
        "`diffusion.beta_start` is 0.5",
        "at most 0.0195",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_cure(name: str) -> None:
    check_named(*MISTAKES[name])
