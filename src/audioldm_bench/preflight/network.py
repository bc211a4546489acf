"""Whether what a study still has to download answers. Asks for heads, not for bodies."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from audioldm_bench import __version__

from ..config_rules import used_datasets
from ..hub import clap_files, file_url, model_files
from ..metrics.registry import needed_backbones
from ..published import clap_path, kind, model_path
from .results import Result, ok, problem, size, warning

TIMEOUT, TRIES, PAUSE = 10.0, 2, 1.0  # s an answer may take, times asked, s between two
YOUTUBE = "https://www.youtube.com/robots.txt"
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_NO_HEAD = {400, 403, 405, 406, 501}  # what servers say that answer GET alone
_NETWORK = "check the network and the proxy of this machine, or the address in the config"
_TROUBLE = (OSError, http.client.HTTPException, ValueError)  # ValueError: no address at all


@dataclass(frozen=True)
class Needed:
    """A file that the study still lacks: its key in the config, and its address."""

    key: str
    url: str


@dataclass(frozen=True)
class Answer:
    """HTTP status (0: none, with the reason) and the file's bytes, if the server tells them."""

    status: int
    bytes: int | None = None
    reason: str = ""


def needed(config: Mapping, base: Path = Path()) -> list[Needed]:
    """The addresses of all that the study downloads and that is not there yet."""
    found = [*_needed_data(config, base), *_needed_models(config, base)]
    first = {item.url: item for item in reversed(found)}
    return [item for item in found if first[item.url] is item]


def _needed_data(config: Mapping, base: Path) -> Iterator[Needed]:
    for name in used_datasets(dict(config)):
        dataset = config["datasets"][name]
        youtube = dataset["adapter"] in ("audiocaps", "audioset")
        place = base / "resources/datasets" / name / ("missing.csv" if youtube else "")
        if dataset["source"] == "download" and not place.exists():
            for number, source in enumerate(dataset["download"]):
                yield Needed(f"datasets.{name}.download[{number}]", source["url"])
            if youtube:
                yield Needed(f"datasets.{name}", YOUTUBE)
        chosen = Path(dataset["evaluation_list"] or "")
        if chosen.name in config["lists"] and not (base / chosen).is_file():
            yield Needed(f"lists.{chosen.name}", config["lists"][chosen.name]["url"])


def _needed_models(config: Mapping, base: Path) -> Iterator[Needed]:
    """Of published models: weights and tokenizer until they are imported, and backbones."""
    models, published = config["models"], config["models"]["published"]
    if models["source"] != "published":
        return
    name, resources = published["checkpoint"], base / "resources"
    if not (resources / "models" / name / "source.json").is_file():
        yield from _needed_checkpoint(published, name, base)
    for backbone in needed_backbones(config["metrics"]):
        source = published["backbones"].get(backbone)
        if source and not (resources / "backbones" / f"{backbone}.pth").is_file():
            yield Needed(f"models.published.backbones.{backbone}", source["url"])


def _needed_checkpoint(published: Mapping, name: str, base: Path) -> Iterator[Needed]:
    """What the import of a checkpoint reads: a .ckpt, or a folder and what has its CLAP."""
    entries = published["checkpoints"]
    entry, key = entries[name], f"models.published.checkpoints.{name}"
    if not (base / model_path(entries, name)).exists():
        yield from _of_entry(key, entry, published["endpoint"], model_files)
    clap = clap_path(entries, name)
    if clap and not (base / clap).exists():
        source, key = entry["clap"], f"{key}.clap"
        if other := source.get("checkpoint"):
            source, key = entries[other], f"models.published.checkpoints.{other}"
        yield from _of_entry(key, source, published["endpoint"], clap_files)
    tokenizers = published["tokenizer"] if kind(entry) in ("url", "file") else {}
    for file, source in tokenizers.items():
        if not (base / "resources/tokenizer" / file).is_file():
            yield Needed(f"models.published.tokenizer.{file}", source["url"])


def _of_entry(
    key: str, entry: Mapping, endpoint: str, files: Callable[[str], list[str]]
) -> Iterator[Needed]:
    """The addresses of a file, or of a repository's `files`."""
    if entry.get("url"):
        yield Needed(key, entry["url"])
    elif repository := entry.get("repository"):
        for file in files(entry["weights"]):
            yield Needed(key, file_url(endpoint, repository, entry["revision"], file))


class _KeepMethod(urllib.request.HTTPRedirectHandler):
    """Asks the next address for its head too, not for its body."""

    def redirect_request(
        self, req: urllib.request.Request, *args: object
    ) -> urllib.request.Request | None:
        onward = super().redirect_request(req, *args)
        if onward is not None:
            onward.method = req.get_method()
        return onward


def ask(url: str, timeout: float = TIMEOUT, tries: int = TRIES, pause: float = PAUSE) -> Answer:
    """What the server says of `url`: HEAD, or GET of one byte where HEAD is refused."""
    for left in reversed(range(tries)):
        answer = _request(url, "HEAD", timeout)
        if answer.status in _NO_HEAD:
            answer = _request(url, "GET", timeout)
        if answer.status and answer.status not in _BUSY:
            break
        if left:
            time.sleep(pause)
    return answer


def _request(url: str, method: str, timeout: float) -> Answer:
    headers = {"User-Agent": f"audioldm-bench/{__version__}", "Accept-Encoding": "identity"}
    if method == "GET":
        headers["Range"] = "bytes=0-0"
    try:
        request = urllib.request.Request(url, headers=headers, method=method)
        with urllib.request.build_opener(_KeepMethod).open(request, timeout=timeout) as response:
            return Answer(response.status, _length(response.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, reason=str(error.reason))
    except _TROUBLE as error:
        return Answer(0, reason=str(getattr(error, "reason", error)) or type(error).__name__)


def _length(headers: Mapping[str, str]) -> int | None:
    """Bytes of the whole file, also where only a part of it is sent."""
    whole = re.search(r"/(\d+)$", headers.get("Content-Range", ""))
    if whole:
        return int(whole[1])
    length = headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def check_downloads(
    items: Sequence[Needed], free: int, ask: Callable[[str], Answer] = ask
) -> list[Result]:
    """Asks each address, hosts side by side and each of them one thing at a time; then the sizes
    that were told against the `free` bytes where downloads go."""
    if not items:
        return [ok("downloads", "nothing is left to download")]
    hosts: dict[str, list[Needed]] = defaultdict(list)
    for item in items:
        hosts[_host(item.url)].append(item)

    def of_host(group: Sequence[Needed]) -> list[tuple[Needed, Answer]]:
        return [(item, ask(item.url) if _is_http(item.url) else Answer(0)) for item in group]

    with ThreadPoolExecutor(max_workers=8) as pool:
        told = {
            item: answer for pairs in pool.map(of_host, hosts.values()) for item, answer in pairs
        }
    answers = [(item, told[item]) for item in items]
    if all(_is_http(item.url) and not answer.status for item, answer in answers):
        finding = f"none of {len(hosts)} hosts answers ({', '.join(sorted(hosts))}): "
        return [problem("downloads", finding + answers[0][1].reason, _NETWORK)]
    return [*(_verdict(item, answer) for item, answer in answers), _room(answers, free)]


def _host(url: str) -> str:
    """With its port; of what is no address the whole."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return url


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _verdict(item: Needed, answer: Answer) -> Result:
    where = f"{item.key}: {item.url}"
    if not _is_http(item.url):
        return problem("download", where, "only http:// and https:// can be downloaded")
    if 200 <= answer.status < 300:
        told = size(answer.bytes) if answer.bytes is not None else "size not told"
        return ok("download", f"{where} ({told})")
    if not answer.status:
        return problem("download", f"{where} does not answer ({answer.reason})", _NETWORK)
    said = f"{where} says {answer.status} {answer.reason}"
    if answer.status in _BUSY:
        return warning(
            "download", said, "the server is busy; downloads try again, later and longer"
        )
    return problem("download", said, "correct the address in the config, or fetch the file by hand")


def _room(answers: Sequence[tuple[Needed, Answer]], free: int) -> Result:
    told = [answer.bytes for _, answer in answers if answer.bytes is not None]
    silent = len(answers) - len(told)
    finding = f"{len(answers)} to fetch, {size(sum(told))} in all"
    finding += f" ({silent} of unknown size)" if silent else ""
    if sum(told) > free:
        cure = "free that much where resources/ is, or make it a link to a larger disk"
        return problem("downloads", f"{finding}, {size(free)} free", cure)
    return ok("downloads", f"{finding}, {size(free)} free")
