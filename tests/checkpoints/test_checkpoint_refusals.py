"""What is not an AudioLDM checkpoint, whole and known to the last key, is refused by name."""

from __future__ import annotations

import os
import pickle

import pytest
import torch

from audioldm_bench.checkpoints import import_audioldm
from audioldm_bench.checkpoints.reader import read_state_dict
from audioldm_bench.errors import UserError

UNET, VAE, CLAP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.model."
FIRST_CONV = UNET + "input_blocks.1.0.in_layers.2.weight"
FIRST_CONV_EMA = "model_ema.diffusion_modelinput_blocks10in_layers2weight"


@pytest.fixture
def refused(system, save, tmp_path):
    """Imports a changed state dict; returns the message, having checked that nothing was left."""

    def attempt(change=None, head_channels=16, files=None) -> str:
        state = dict(system.state)
        if change is not None:
            change(state)
        out = tmp_path / "models" / "small"
        with pytest.raises(UserError) as caught:
            import_audioldm(
                save(state),
                out,
                tokenizer_files=files or system.tokenizer_files,
                clap_config=system.clap_config,
                head_channels=head_channels,
            )
        assert not list(out.parent.iterdir()), "something was left behind"
        assert "model.ckpt" in str(caught.value)
        return str(caught.value)

    return attempt


@pytest.mark.parametrize(
    "key",
    [
        UNET + "input_blocks.1.0.h_upd.weight",
        "model_ema.diffusion_modelinput_blocks10h_updweight",
        VAE + "encoder.down.0.attn.0.q.weight",
        VAE + "quantize.embedding.weight",
        VAE + "vocoder.conv_pre.weight_g",
        CLAP + "audio_branch.patch_embed.fusion_model.local_att.0.weight",
        "cond_stage_model.mel_transform.window",
        "logvar2",
    ],
)
def test_unknown_key(refused, key):
    message = refused(lambda state: state.update({key: torch.zeros(3)}))
    assert key in message and ("unknown" in message or "without an average" in message)


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (FIRST_CONV_EMA, FIRST_CONV_EMA),
        (UNET + "input_blocks.2.0.op.bias", "model_ema.diffusion_modelinput_blocks20opbias"),
        (VAE + "encoder.mid.attn_1.k.bias", "encoder.mid_block.attentions.0.to_k.bias"),
        (VAE + "encoder.conv_in.weight", VAE + "encoder.conv_in.weight"),
        (VAE + "vocoder.resblocks.3.convs2.1.bias", "resblocks.3.convs2.1.bias"),
        (CLAP + "logit_scale_t", "logit_scale_t"),
        (CLAP + "audio_branch.layers.1.downsample.norm.bias", "layers.1.downsample.norm.bias"),
        (CLAP + "audio_branch.norm.weight", CLAP + "audio_branch.norm.weight"),
        ("scale_factor", "scale_factor"),
        ("betas", "betas"),
    ],
)
def test_missing_key(refused, key, named):
    message = refused(lambda state: state.pop(key))
    assert named in message


@pytest.mark.parametrize(
    "key",
    [
        FIRST_CONV_EMA,
        VAE + "decoder.up.0.block.1.conv2.weight",
        VAE + "vocoder.ups.2.weight",
        CLAP + "text_branch.encoder.layer.1.output.dense.weight",
        CLAP + "audio_branch.layers.0.blocks.1.attn.qkv.weight",
    ],
)
def test_wrong_shape(refused, key):
    message = refused(lambda state: state.update({key: state[key][:-1]}))
    named = FIRST_CONV if key == FIRST_CONV_EMA else key
    assert named in message and "shape" in message


def test_unknown_key_with_its_average(refused):
    key = UNET + "input_blocks.1.0.h_upd.weight"
    average = "model_ema.diffusion_modelinput_blocks10h_updweight"
    message = refused(lambda state: state.update({key: torch.ones(2), average: torch.ones(2)}))
    assert f"1 unknown keys: {key}" in message


def test_no_averaged_weights(refused):
    def drop(state):
        for key in [key for key in state if key.startswith("model_ema.")]:
            del state[key]

    assert "no EMA weights" in refused(drop)


def test_names_that_collide_without_dots(refused):
    twin = UNET + "input_blocks.10.in_layers.2.weight"  # of input_blocks.1.0
    assert "mixed" in refused(lambda state: state.update({twin: torch.zeros(1)}))


def test_another_noise_schedule(refused):
    other = torch.linspace(1e-4, 2e-2, 1000)
    assert "betas" in refused(lambda state: state.update(betas=other))
    assert "(500,)" in refused(lambda state: state.update(betas=state["betas"][:500]))


@pytest.mark.parametrize("value", [torch.tensor(float("nan")), torch.tensor(0.0), torch.ones(2)])
def test_scale_factor_that_is_none(refused, value):
    assert "scale_factor" in refused(lambda state: state.update(scale_factor=value))


def test_size_that_is_not_published(refused):
    assert "pass head_channels" in refused(head_channels=None)


def test_vocoder_with_other_kernels(refused):
    def widen(state):
        key = VAE + "vocoder.ups.0.weight"
        state[key] = torch.nn.functional.pad(state[key], (0, 1))

    assert "[17, 16, 8, 4, 4]" in refused(widen)


def test_tokenizer_of_another_size(refused, system, tmp_path):
    from audioldm_bench.tokenizer import train_tokenizer

    train_tokenizer(["nothing"], tmp_path / "other", 261)
    files = {"vocab": tmp_path / "other" / "vocab.json", "merges": tmp_path / "other/merges.txt"}
    assert "the text model embeds" in refused(files=files)
    assert "cannot be read" in refused(files=files | {"vocab": tmp_path / "none.json"})


def test_other_checkpoint(refused):
    def replace(state):
        state.clear()
        state["conv.weight"] = torch.zeros(3)

    assert "not an AudioLDM checkpoint" in refused(replace)


def test_a_good_import_outlives_a_bad_one(system, save, tmp_path):
    out = tmp_path / "small"
    arguments = {
        "tokenizer_files": system.tokenizer_files,
        "clap_config": system.clap_config,
        "head_channels": 16,
    }
    import_audioldm(save(system.state), out, **arguments)
    before = (out / "source.json").read_bytes()
    with pytest.raises(UserError):
        import_audioldm(save(system.state | {"more": torch.zeros(1)}), out, **arguments)
    assert (out / "source.json").read_bytes() == before


# ---------------------------------------------------------------------------- the file itself
def test_files_that_are_no_checkpoints(tmp_path, save, system):
    with pytest.raises(UserError, match="does not exist"):
        read_state_dict(tmp_path / "none.ckpt")
    page = tmp_path / "page.ckpt"
    page.write_text("<html>404 Not Found</html>")
    with pytest.raises(UserError, match="cannot be read"):
        read_state_dict(page)
    whole = save(system.state)
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UserError, match="cannot be read"):
        read_state_dict(cut)
    (tmp_path / "empty.ckpt").touch()
    with pytest.raises(UserError, match="cannot be read"):
        read_state_dict(tmp_path / "empty.ckpt")


@pytest.mark.parametrize("content", [{"model": {}}, {"state_dict": {}}, [1, 2], {"state_dict": 3}])
def test_checkpoints_without_a_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match="state_dict"):
        read_state_dict(tmp_path / "x.ckpt")


def test_values_that_are_no_tensors(save):
    with pytest.raises(UserError, match="no tensors: name"):
        read_state_dict(save({"name": "AudioLDM"}))


class Bookkeeping:
    """An object such as training frameworks put beside the weights."""

    built = 0

    def __init__(self):
        self.best = 1.5

    def __setstate__(self, state):
        Bookkeeping.built += 1


def test_foreign_objects_are_not_built(save):
    path = save({"weight": torch.arange(3.0)}, callbacks=[Bookkeeping()])
    state = read_state_dict(path)
    assert torch.equal(state["weight"], torch.arange(3.0)) and Bookkeeping.built == 0
    with pytest.raises(pickle.UnpicklingError):  # nothing stays allowed afterwards
        torch.load(path, weights_only=True)


class Evil:
    def __init__(self, function, argument):
        self.call = (function, (argument,))

    def __reduce__(self):
        return self.call


def test_code_in_the_file_does_not_run(save, tmp_path):
    trace = tmp_path / "trace"
    with pytest.raises(UserError, match="cannot be read"):
        read_state_dict(save({"w": torch.zeros(1)}, evil=Evil(os.system, f"touch {trace}")))
    harmful = Evil(eval, f"open({str(trace)!r}, 'w')")
    state = read_state_dict(save({"w": torch.zeros(1)}, evil=harmful))
    assert list(state) == ["w"] and not trace.exists()


def test_format_of_old_torch_is_read(tmp_path):
    path = tmp_path / "old.ckpt"
    state = {"state_dict": {"w": torch.arange(4.0)}}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_state_dict(path)["w"], torch.arange(4.0))
