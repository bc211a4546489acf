"""A SLURM of one node on the loopback address, with two pretended GPUs, for the tests.

    python tests/interrupted/cluster.py start <folder>     # then sinfo, sbatch and the study work
    python tests/interrupted/cluster.py stop <folder>

It needs root and slurmctld, slurmd, munged (Debian: slurmctld slurmd slurm-client munge), none of
which it installs. All its files are in the folder, but for /etc/slurm/*.conf: the plugin takes
SLURM_CONF from its jobs. What was there is put back at the end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SETTINGS = Path("/etc/slurm")
MARK = "# of audioldm-bench's tests, in "
CPUS, MEMORY, GPUS = 8, 200_000, 2  # cores and MB that the node pretends to have
MUNGE = Path("/run/munge")
TOOLS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "setpriv")
CONFIG = """{mark}{folder}
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
TaskProlog={folder}/prolog
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=5
OverTimeLimit=0
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2
"""
# One line a step: job, CUDA_VISIBLE_DEVICES. What it prints would be taken for settings.
PROLOG = '#!/bin/sh\necho "$SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES:-none}}" >>{folder}/devices\n'


def missing() -> str | None:
    """Why no SLURM can be started here; None if one can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "SLURM's daemons need root on Linux"
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    if lacking:
        return f"SLURM is not installed: no {', '.join(lacking)}"
    here = SETTINGS / "slurm.conf"
    if here.exists() and not here.read_text().startswith(MARK) and _answers():
        return "this machine has a SLURM of its own"
    return None


def start(folder: Path) -> None:
    """Starts munged, slurmctld and slurmd; returns when the node is idle. RuntimeError if not."""
    before = SETTINGS / "slurm.conf"
    if before.exists() and before.read_text().startswith(MARK):  # tests that were killed
        stop(Path(before.read_text().partition("\n")[0].removeprefix(MARK)))
    for name in ("state", "spool", "before"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_settings(folder)
    _start_munge(folder)
    _daemon("slurmctld")
    _daemon("slurmd")
    _wait_for(lambda: "idle" in ask("sinfo", "-h", "-o", "%T"), 30, f"no idle node: see {folder}")


def stop(folder: Path) -> None:
    """Ends what `start` started, by the pid files, and puts back /etc/slurm."""
    if _answers():  # a job outlives the slurmd that started it
        ask("scancel", "--user=root")
        with contextlib.suppress(RuntimeError):
            _wait_for(lambda: not ask("squeue", "-h"), 60, "jobs that do not end")
    for name in ("slurmd", "slurmctld"):
        _end(folder / f"{name}.pid")
    if (folder / "munged.ours").exists():
        _end(MUNGE / "munged.pid")
        (folder / "munged.ours").unlink()
    for name in ("slurm.conf", "gres.conf"):
        (SETTINGS / name).unlink(missing_ok=True)
        if (folder / "before" / name).exists():
            shutil.move(folder / "before" / name, SETTINGS / name)


def ask(*command: str) -> str:
    """What a command of SLURM prints; empty if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=60)
    return done.stdout if done.returncode == 0 else ""


def _write_settings(folder: Path) -> None:
    SETTINGS.mkdir(exist_ok=True)
    for name in ("slurm.conf", "gres.conf"):
        if (SETTINGS / name).exists():
            shutil.move(SETTINGS / name, folder / "before" / name)
    for number in range(GPUS):  # device files must be there and differ: /dev/null, /dev/zero
        os.mknod(folder / f"gpu{number}", 0o600 | 0o020000, os.makedev(1, 3 + 2 * number))
    (folder / "prolog").write_text(PROLOG.format(folder=folder))
    (folder / "prolog").chmod(0o755)
    (folder / "devices").touch()
    controller, node = _free_ports(2)
    text = CONFIG.format(
        mark=MARK,
        folder=folder,
        host=socket.gethostname(),
        controller=controller,
        node=node,
        cpus=CPUS,
        memory=MEMORY,
        gpus=GPUS,
    )
    (SETTINGS / "gres.conf").write_text(f"{MARK}{folder}\nName=gpu File={folder}/gpu[0-1]\n")
    (SETTINGS / "slurm.conf").write_text(text)


def _start_munge(folder: Path) -> None:
    if _lives(_pid(MUNGE / "munged.pid")):
        return
    MUNGE.mkdir(exist_ok=True)
    shutil.chown(MUNGE, "munge", "munge")
    MUNGE.chmod(0o755)
    (folder / "munged.ours").touch()
    user = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    subprocess.run([*user, shutil.which("munged", path=_path())], check=True, timeout=30)
    _wait_for(lambda: _lives(_pid(MUNGE / "munged.pid")), 10, "munged did not start")


def _daemon(name: str) -> None:
    subprocess.run([shutil.which(name, path=_path())], check=True, timeout=30, env=_environment())


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM")}
    return kept | {"PATH": _path()}


def _path() -> str:
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


def _answers() -> bool:
    return " is UP" in ask("scontrol", "ping")


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _pid(path: Path) -> int | None:
    """The process that a pid file names; a file of a daemon that ended well is gone."""
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _lives(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # ended; nobody has reaped it yet


def _end(path: Path) -> None:
    pid = _pid(path)  # the daemon deletes the file before it ends
    if not _lives(pid):
        return
    os.kill(pid, signal.SIGTERM)
    try:
        _wait_for(lambda: not _lives(pid), 20, f"{path} did not go")
    except RuntimeError:
        os.kill(pid, signal.SIGKILL)


def _wait_for(holds, seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.1)


if __name__ == "__main__":
    command, where = sys.argv[1:]
    reason = missing()
    if reason:
        raise SystemExit(f"error: {reason}")
    {"start": start, "stop": stop}[command](Path(where).resolve())
