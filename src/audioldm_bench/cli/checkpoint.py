"""What belongs to a checkpoint: the models around its UNet, and how its study samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.config_rules import nearby
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, read_json

AROUND = ("vae", "vocoder", "clap")
WEIGHTS = "diffusion_pytorch_model.safetensors"
# As config/config.yaml has them; a test holds them equal.
DIFFUSION = {
    "timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
}
SAMPLING = {"sampler": "ddim", "steps": 200, "eta": 1.0, "guidance_scale": 2.5, "candidates": 3}
DURATION = 10.24  # s
_RUNS = ("*", "*/*", "runs/*/*", "*/runs/*/*")  # below a dataset's runs/, runs/, a study, results/
_SHOWN = 12  # steps or runs in a sentence; the miniature has 12 runs
_CURE = "; name a step of a run (results/<study>/runs/<dataset>/<run>/step-<n>), or a UNet's folder"
OTHER_SAMPLERS = {"dpm_solver_pp": {"steps": 25, "eta": 0.0}}  # docs/sampling.md


@dataclass(frozen=True)
class Checkpoint:
    """The folders of unet, vae, vocoder and clap; of a study's checkpoint where it belongs to."""

    folders: dict[str, Path]
    study: Path | None = None
    dataset: str | None = None  # None: of the pre-trained model
    system: str | None = None


def find_checkpoint(path: Path, models: Path | None = None) -> Checkpoint:
    """The models that a checkpoint's UNet sounds with.

    `path`: a step of a run, a study's models/unet, any UNet folder of diffusers, or a folder with
    unet/ in it. The others come from `models`, if given, or from `path` itself, its study, or
    resources/models beside results. UserError that says what is missing and where it was sought.
    """
    unet, home = _unet_folder(path)
    if not (unet / WEIGHTS).is_file():
        raise UserError(f"{unet / WEIGHTS} is missing (docs/models.md imports other formats)")
    study, dataset, system = _study_of(unet.resolve())
    if models is not None and not models.is_dir():
        raise UserError(f"--models {models}: there is no such folder")
    places = [home] if home else []
    if models is not None:
        places = [models, *places]
    elif study is not None:
        places += [study / "models", *_published(study)]
    found = {"unet": unet}
    for part in AROUND:
        there = [place / part for place in places if (place / part / "config.json").is_file()]
        if not there:
            raise UserError(_missing(part, places, models))
        found[part] = there[0]
    return Checkpoint(found, study, dataset, system)


def _missing(part: str, places: list[Path], models: Path | None) -> str:
    sought = ", ".join(str(place / part) for place in places) or "no study around the checkpoint"
    cure = "put it there" if models else "name a folder that holds clap, vae and vocoder: --models"
    return f"no {part} model for this checkpoint (looked in: {sought}); {cure}"


def _unet_folder(path: Path) -> tuple[Path, Path | None]:
    """The UNet's folder; and the one around it, where that holds models of one origin too."""
    if path.is_file():
        raise UserError(
            f"--checkpoint {path}: is a file; name a folder (docs/models.md imports a .ckpt)"
        )
    if not path.is_dir():
        around = next(folder for folder in path.parents if folder.is_dir())
        raise UserError(
            f"--checkpoint {path}: there is no such folder{_steps(around) or '; ' + nearby(path)}"
        )
    if (path / "unet" / "config.json").is_file():
        return path / "unet", path
    if not (path / "config.json").is_file():
        raise UserError(f"--checkpoint {path}: no UNet's config.json there{_steps(path) or _CURE}")
    try:
        kind = read_json(path / "config.json").get("_class_name", "UNet2DConditionModel")
    except (ValueError, AttributeError):
        raise UserError(f"{path / 'config.json'}: is not readable as JSON") from None
    if kind != "UNet2DConditionModel":
        raise UserError(f"--checkpoint {path}: is a {kind}, not a UNet2DConditionModel")
    around = path.resolve().parent
    return path, around if (around / "vae").is_dir() else None


def _steps(folder: Path) -> str:
    """The steps of a run, or the last one of each run of a study, as the end of a sentence."""
    found = sorted(folder.glob("step-*"))[-_SHOWN:]
    if not found:
        within = sorted(path for pattern in _RUNS for path in folder.glob(f"{pattern}/step-*"))
        found = list({path.parent: path for path in within}.values())
    more = f" and {len(found) - _SHOWN} more runs" if len(found) > _SHOWN else ""
    named = ", ".join(map(str, found[:_SHOWN]))
    return f"; name one of these steps: {named}{more}" if found else ""


def _study_of(unet: Path) -> tuple[Path | None, str | None, str | None]:
    """Study, dataset and system of <study>/runs/<dataset>/<run>/step-<n> or <study>/models/unet."""
    parts = unet.parts
    if len(parts) > 5 and parts[-4] == "runs" and parts[-1].startswith("step-"):
        system = f"{parts[-2]}-{parts[-1].removeprefix('step-')}"
        return unet.parents[3], parts[-3], system
    if parts[-2:] == ("models", "unet"):
        return unet.parents[1], None, "baseline-text"
    return None, None, None


def _published(study: Path) -> list[Path]:
    """The imported model that the study started from, in resources/models beside results/."""
    folder = study.parent.parent / "resources" / "models"
    found = sorted(path.parent for path in folder.glob("*/vae"))
    if len(found) < 2:
        return found
    known = {about["checkpoint_sha256"] for about in _sampled(study, "*", "baseline-*")}
    same = [path for path in found if known and file_sha256(path / "unet" / WEIGHTS) in known]
    if len(same) != 1:
        names = ", ".join(map(str, found))
        raise UserError(f"which model did {study} start from? Name one by --models: {names}")
    return same


def _sampled(study: Path, dataset: str, system: str) -> list[dict]:
    """clips.json of the study's systems that were sampled."""
    paths = sorted((study / "systems").glob(f"{dataset}/{system}/clips.json"))
    return [about for about in map(read_json, paths) if "sampler" in about]


def study_settings(checkpoint: Checkpoint) -> dict:
    """How its study samples this checkpoint; {} if it has not sampled yet, or there is none.

    Keys of SAMPLING, generated_duration and, of newer studies, diffusion (the noise schedule).
    """
    if checkpoint.study is None:
        return {}
    dataset = checkpoint.dataset or "*"
    for system in (checkpoint.system, "*"):
        for about in _sampled(checkpoint.study, dataset, system):
            keys = (*SAMPLING, "generated_duration", "diffusion")
            return {key: about[key] for key in keys if key in about}
    return {}


def choose_sampling(asked: dict, study: dict) -> dict:
    """`sampling` of the config: what is `asked` (None: nothing) over the study's over the paper's.

    Another sampler than the study's brings its own steps and eta. UserError for more steps than the
    noise schedule can give.
    """
    most = study.get("diffusion", DIFFUSION)["timesteps"] - 1  # make_sampler has the same
    if asked.get("steps") and asked["steps"] > most:
        raise UserError(f"--steps {asked['steps']}: must be from 1 to {most} (docs/sampling.md)")
    settings = {key: study.get(key, value) for key, value in SAMPLING.items()}
    sampler = asked.get("sampler")
    if sampler and sampler != settings["sampler"]:
        settings |= OTHER_SAMPLERS.get(sampler, {key: SAMPLING[key] for key in ("steps", "eta")})
    return settings | {key: value for key, value in asked.items() if value is not None}
