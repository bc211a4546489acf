"""A model hub on this machine: a folder of repositories, served as hubs serve theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import bad_server


@contextlib.contextmanager
def serving_hub(root: Path) -> Iterator[object]:
    """Serves <root>/<owner>/<name>/<file> at <url>/<owner>/<name>/resolve/<revision>/<file>.

    `.endpoint` is its address, `.paths` what was asked for; `.script` as of bad_server.
    """
    with bad_server.serving(b"") as made:
        made.paths, made.tag = [], ""
        made.endpoint = made.url.rpartition("/")[0]

        class Handler(bad_server.Handler):
            def do_GET(self):
                made.paths.append(self.path)
                owner, name, kind, revision, *rest = self.path.strip("/").split("/")
                file = root / owner / name / unquote("/".join(rest))
                if kind != "resolve" or revision == "gone" or not file.is_file():
                    self._404()
                    return
                made.data = file.read_bytes()  # files are asked for one after another
                super().do_GET()

        made.RequestHandlerClass = Handler
        yield made
