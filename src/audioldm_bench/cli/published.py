"""The published weights of backbones, for those who have the package without its repository.

A test holds this list equal to `models.published.backbones` of config/config.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A file of weights: where it is, what it is known by, under which terms it is given."""

    url: str
    sha256: str | None  # None: not readable where this was written; recorded at first download
    licence: str


PUBLISHED: dict[str, Published] = {
    "panns_cnn14_16k": Published(
        "https://zenodo.org/records/3987831/files/Cnn14_16k_mAP%3D0.438.pth?download=1",
        "e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
        "CC BY 4.0",
    ),
    "panns_cnn14_32k": Published(
        "https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1",
        "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        "CC BY 4.0",
    ),
    "vggish": Published(
        "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
        "10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
        "Apache-2.0",
    ),
    "efficientat_mn04": Published(
        "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
        "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
        "MIT",
    ),
}
