"""pyproject.toml, requirements.lock and environment.yml say the same of the environment; so do the
two files of laion-clap's."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import audioldm_bench

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pin_lines(path: str) -> list[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


LOCK_LINES, LAION_LINES = pin_lines("requirements.lock"), pin_lines("workflow/envs/laion.txt")
LOCK, LAION = pins(LOCK_LINES), pins(LAION_LINES)
LAION_PYTHON = os.environ.get("AUDIOLDM_BENCH_LAION_PYTHON")
CLASSIFIER = "Programming Language :: Python :: 3."
PYTHONS = [c.rpartition(":: ")[2] for c in PROJECT["classifiers"] if c.startswith(CLASSIFIER)]
MACHINES = [
    ("linux", "Linux", "x86_64"),
    ("linux", "Linux", "aarch64"),
    ("darwin", "Darwin", "arm64"),
]

# What the study is said to be built on.
NAMED = {"torch", "snakemake", "diffusers", "librosa", "h5py", "numpy", "scipy", "matplotlib"}
NAMED |= {"panns-inference"}


def pinned(name: str, lock: dict[str, Requirement] = LOCK) -> Version:
    (specifier,) = lock[canonicalize_name(name)].specifier
    return Version(specifier.version)


def installed(name: str) -> Version | None:
    try:
        return Version(Version(version(name)).public)  # without "+cpu"
    except PackageNotFoundError:
        return None


def environments(python: str) -> list[dict[str, str]]:
    return [
        {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": machine,
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        for sys_platform, system, machine in MACHINES
    ]


def needed(environment: dict[str, str]) -> list[Requirement]:
    """What the project and its extra dev need, and all that these need, by installed metadata."""
    todo = [Requirement(text) for text in PROJECT["dependencies"] + EXTRAS["dev"]]
    seen: dict[str, Requirement] = {}
    while todo:
        requirement = todo.pop()
        if str(requirement) in seen:
            continue
        seen[str(requirement)] = requirement
        if installed(requirement.name) is None:
            continue  # a package for another Python only
        for child in map(Requirement, distribution(requirement.name).requires or []):
            extras = [{**environment, "extra": extra} for extra in ("", *requirement.extras)]
            if child.marker is None or any(map(child.marker.evaluate, extras)):
                todo.append(child)
    return list(seen.values())


@pytest.mark.parametrize("lines", [LOCK_LINES, LAION_LINES], ids=["lock", "laion"])
def test_a_lock_is_pins_only(lines: list[str]) -> None:
    """No local paths, addresses, options or builds for one kind of machine."""
    pin = re.compile(r'[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*(; python_version >= "3\.\d+")?')
    assert [line for line in lines if not pin.fullmatch(line)] == []
    assert sorted(lines, key=str.lower) == lines
    assert len(pins(lines)) == len(lines)


@pytest.mark.parametrize("text", PROJECT["dependencies"] + EXTRAS["dev"])
def test_each_dependency_is_pinned_within_its_range(text: str) -> None:
    requirement = Requirement(text)
    assert len(requirement.specifier) == 2, "a range has both ends"
    assert LOCK[canonicalize_name(requirement.name)].marker is None
    assert requirement.specifier.contains(pinned(requirement.name))


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_is_whole(python: str) -> None:
    """All that is needed in turn is pinned, at a version that whoever needs it allows."""
    for environment in environments(python):
        for requirement in needed(environment):
            pin = LOCK.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{requirement} on {environment}"
            assert pin.marker is None or pin.marker.evaluate(environment), str(pin)
            assert requirement.specifier.contains(pinned(requirement.name)), str(requirement)


def test_the_lock_holds_nothing_else() -> None:
    """Packages for newer Pythons only are let be: where they lack, so does what they need."""
    wanted = {
        canonicalize_name(requirement.name)
        for python in PYTHONS
        for environment in environments(python)
        for requirement in needed(environment)
    }
    extra = {name for name, pin in LOCK.items() if name not in wanted and pin.marker is None}
    assert extra == set()


def test_what_only_a_cuda_build_brings_is_left_to_torch() -> None:
    for lock in (LOCK, LAION):
        assert [name for name in lock if re.match(r"(nvidia|cuda|triton)", name)] == []
        assert lock["torch"].marker is None


@pytest.mark.skipif(
    installed("audioldm-bench") is None, reason="not an environment that make or conda has made"
)
def test_what_is_installed_is_what_is_locked() -> None:
    wrong = {
        name: str(installed(name))
        for name, pin in LOCK.items()
        if (pin.marker is None or pin.marker.evaluate()) and installed(name) != pinned(name)
    }
    assert wrong == {}


def test_conda_installs_the_lock_pin_by_pin() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["name"] == "audioldm-bench"
    assert environment["channels"] == ["conda-forge"]
    *packages, pip = environment["dependencies"]
    assert [package.split()[0] for package in packages] == ["python", "pip"]
    assert pip == {"pip": LOCK_LINES}, "make environment.yml"


def test_conda_installs_laion_claps_environment_pin_by_pin() -> None:
    environment = yaml.safe_load((ROOT / "workflow/envs/laion.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    python, *others, pip = environment["dependencies"]
    assert others == ["pip"] and pip == {"pip": LAION_LINES}, "make workflow/envs/laion.yml"
    # The package is imported there too; numpy below 2 has wheels up to Python 3.12.
    allowed = SpecifierSet(python.removeprefix("python "))
    below = [python for python in PYTHONS if Version(python) < Version("3.13")]
    assert [python for python in PYTHONS if python in allowed] == below


def test_laion_claps_environment_is_what_laion_clap_needs() -> None:
    """By its metadata, which names no torchvision, and by torchvision's, which wants one torch."""
    assert pinned("laion-clap", LAION).major == 1
    assert pinned("numpy", LAION) < Version("2")
    torch, torchvision = pinned("torch", LAION), pinned("torchvision", LAION)
    assert torch.major == 2 and torchvision == Version(f"0.{torch.minor + 15}.{torch.micro}")
    for name in ("torch", "transformers", "tokenizers", "safetensors", "h5py"):
        assert pinned(name, LAION) == pinned(name), f"{name} is to be that of requirements.lock"


@pytest.mark.parametrize("text", PROJECT["dependencies"])
def test_laion_claps_environment_is_within_the_projects_ranges(text: str) -> None:
    requirement = Requirement(text)
    if canonicalize_name(requirement.name) in LAION:
        assert requirement.specifier.contains(pinned(requirement.name, LAION))


@pytest.mark.skipif(not LAION_PYTHON, reason="AUDIOLDM_BENCH_LAION_PYTHON names no python")
def test_laion_claps_environment_is_whole() -> None:
    done = subprocess.run(
        [LAION_PYTHON, "-m", "pip", "freeze", "--all"], capture_output=True, text=True, check=True
    )
    there = pins(done.stdout.splitlines())
    found = {name: Version(pinned(name, there).public) for name in LAION}
    assert found == {name: pinned(name, LAION) for name in LAION}
    others = {name for name in there if not re.match(r"(pip$|nvidia|cuda|triton)", name)}
    assert others == set(LAION)
    subprocess.run([LAION_PYTHON, "-m", "pip", "check"], check=True)


def test_the_pythons_agree() -> None:
    """Those that the lock is made for, conda's range, the classifiers and the linter's target."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = SpecifierSet(environment["dependencies"][0].removeprefix("python "))
    assert PYTHONS
    assert [p for p in (f"3.{minor}" for minor in range(8, 30)) if p in conda] == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + PYTHONS[0].replace(".", "")


def test_the_packages_that_the_study_names_are_there() -> None:
    named = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert named >= NAMED


def test_each_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in PROJECT["dependencies"] + sum(EXTRAS.values(), []):
        assert re.search(rf'^    "{re.escape(requirement)}", # \w', text, re.MULTILINE), requirement


def test_the_version_is_said_once() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == audioldm_bench.__version__
    assert citation["license"] == PROJECT["license"]
    assert "version" in PROJECT["dynamic"]


def test_every_file_beside_the_code_is_packaged() -> None:
    """A template that the wheel lacks is missed only by those who install it."""
    package = ROOT / "src/audioldm_bench"
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["audioldm_bench"]
    others = [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    missed = [
        name
        for name in others
        if not any(fnmatch.fnmatch(name, pattern.replace("**/", "*")) for pattern in patterns)
    ]
    assert missed == []


def test_every_folder_with_code_is_a_package() -> None:
    package = ROOT / "src/audioldm_bench"
    folders = {path.parent for path in package.rglob("*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []
