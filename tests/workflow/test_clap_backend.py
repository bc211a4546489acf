"""Another code for CLAP in a real workflow: what is made anew, and who makes it."""

import sys

import numpy as np
import pytest
import soundfile
import torch
import yaml
from study import planned, run

from audioldm_bench.clap_front_end import write_front_end
from audioldm_bench.config_clap import LAION_FRONT_END
from audioldm_bench.store import Store
from audioldm_bench.tokenizer import train_tokenizer

DATA = "results/x/data/sounds"
TARGETS = (f"{DATA}/clap/shard-00000.h5", f"{DATA}/text.h5")
STUDY = {
    "study": "x",
    "datasets": {
        "sounds": {
            "adapter": "table",
            "source": "folder",
            "folder": "sounds",
            "table": "sounds.csv",
            "download": [],
            "licence": "CC0",
            "split": {
                "kind": "random",
                "evaluation": 1,
                "validation": 0,
                "evaluation_folds": [],
                "stratify": False,
            },
            "evaluation_list": None,
            "caption_template": "{caption}",
            "nominal_duration": 1.0,
            "generated_duration": 1.28,
            "shards": 1,
        }
    },
    "training": {"datasets": ["sounds"], "steps": {"sounds": 20000}},
    **{name: {"datasets": ["sounds"]} for name in ("table1", "table2")},
    **{name: {"dataset": "sounds"} for name in ("figure1", "figure2")},
    "runtime": {"threads": 1, "gpus_per_job": 0},
}
LAION = {"models": {"clap": {"backend": "laion"}}, "runtime": {"laion_python": sys.executable}}


def _clap(folder):
    """A small CLAP where an import of the published one would put it."""
    from transformers import ClapConfig, ClapModel

    train_tokenizer(["a dog barks"], folder, 270)
    torch.manual_seed(0)
    text = {"vocab_size": 261, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    audio = {"patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [1, 2]}
    audio |= {"hidden_size": 16, "num_hidden_layers": 2}
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
    ClapModel(config).save_pretrained(folder)
    write_front_end(folder, LAION_FRONT_END)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """A study whose embeddings transformers made."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "sounds").mkdir()
    rows = ["file,caption,label,fold,split"]
    for number in range(3):
        noise = np.random.default_rng(number).standard_normal(16000) * 0.1
        soundfile.write(folder / f"sounds/{number}.wav", noise, 16000)
        rows.append(f"{number}.wav,a dog barks {number},dog,1,train")
    (folder / "sounds" / "sounds.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    _clap(folder / "resources/models/audioldm-s-full/clap")
    run(folder, *TARGETS, configs=(folder / "study.yaml",))
    return folder


@pytest.mark.slow
def test_another_backend_redoes_the_embeddings_alone(embedded):
    with Store(embedded / TARGETS[1]) as texts:
        assert len(texts) == 3
    configs = (embedded / "study.yaml",)
    assert planned(embedded, *TARGETS, configs=configs) == {}
    jobs = planned(embedded, *TARGETS, configs=configs, changes=LAION)
    assert jobs == {"embed_audio": 1, "embed_text": 1}  # and imports no model anew


@pytest.mark.slow
def test_laion_clap_is_asked_for_in_its_own_python(embedded):
    """This one has no laion_clap, or finds that it has no model of this size."""
    done = run(embedded, TARGETS[1], configs=(embedded / "study.yaml",), changes=LAION, check=False)
    assert done.returncode == 1
    assert "laion_clap is not installed for" in done.stdout or "laion-clap has HTSAT" in done.stdout
    log = (embedded / "results/x/logs/embed_text/sounds.log").read_text()
    assert log.startswith("error: ") and "Traceback" not in log + done.stdout
