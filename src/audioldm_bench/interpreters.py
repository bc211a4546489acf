"""A function of the package is run here or by another Python, which has other libraries.

The other one gets the function's name and arguments as JSON, and no path of this one's libraries
but the package's own. A mistake of the user comes back as the same sentence.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path

from .errors import UserError
from .job import WORKFLOW, end_with_workflow
from .progress import Progress

MISTAKE = 3  # exit status of a process that ended with a UserError


def clap_python(backend: str, laion_python: str | None) -> str | None:
    """The interpreter for models.clap.backend; None: this process itself.

    laion-clap always gets a process of its own: Snakemake puts its own libraries on the path of a
    script that conda's Python runs, and they are not those that laion-clap wants.
    """
    return (laion_python or sys.executable) if backend == "laion" else None


def call(function: str, arguments: dict, python: str | None = None) -> None:
    """Runs `function` ("package.module:name") with `arguments`, in `python` if that is given.

    Paths arrive as text in another interpreter. What it writes to stderr is passed on line by
    line. UserError as the function raises it, or if `python` cannot be started; RuntimeError, with
    the traceback as its note, if it fails otherwise.
    """
    if python is None:
        _function(function)(**arguments)
        return
    request = json.dumps(
        {"function": function, "arguments": arguments, "job": Progress.job}, default=os.fspath
    )
    # The child reads its request to the end before it answers, so one pipe at a time is enough.
    with _start(python) as process:
        try:
            process.stdin.write(request)
            process.stdin.close()
        except BrokenPipeError:  # it ended before; its last words follow
            pass
        try:
            for line in process.stderr:
                sys.stderr.write(line)
            answer = process.stdout.read()
        except BaseException:
            process.terminate()
            raise
    if process.returncode == MISTAKE:
        raise UserError(answer)
    if process.returncode:
        last = (answer.splitlines() or [f"exit status {process.returncode}"])[-1]
        error = RuntimeError(f"{function} in {python}: {last}")
        error.add_note(answer)
        raise error


def _function(name: str):
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _start(python: str) -> subprocess.Popen:
    """`python` at work on this module, with the package on its path."""
    places = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTHONIOENCODING": "utf-8",
        WORKFLOW: str(os.getpid()),
    }
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            [python, "-m", __name__],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
    except OSError as error:
        raise UserError(
            f"runtime.laion_python: {python} cannot be started ({error.strerror}); give the path "
            "of the python of an environment made from workflow/envs/laion.txt"
        ) from None


def _main() -> int:
    """The other side: a request on stdin, progress to stderr, last words to stdout."""
    answer, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    request = json.load(sys.stdin)
    end_with_workflow()
    Progress.job = request["job"]
    warnings.simplefilter("ignore")  # as in job.py
    try:
        _function(request["function"])(**request["arguments"])
    except UserError as mistake:
        answer.write(str(mistake))
        return MISTAKE
    except Exception:
        answer.write(traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
