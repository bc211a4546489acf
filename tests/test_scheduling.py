"""Snakemake's scheduler, which wakes itself up."""

import threading
import time
from types import SimpleNamespace

from snakemake.scheduling.job_scheduler import JobScheduler

from audioldm_bench.scheduling import wake_once_at_a_time


def alarms(scheduler, calls, wait):
    """How often the scheduler was woken up after so many rounds."""
    for delay in calls:
        scheduler._schedule_reevalutation(delay)
    time.sleep(wait)
    woken = 0
    while scheduler._open_jobs.acquire(blocking=False):
        woken += 1
    return woken


class Scheduler(SimpleNamespace):
    """Snakemake's own method, without the workflow that its class asks for."""

    _schedule_reevalutation = JobScheduler._schedule_reevalutation


def test_of_many_rounds_one_alarm_is_left():
    """The first line tells when Snakemake has mended it: then scheduling.py can go."""
    scheduler = Scheduler(_open_jobs=threading.Semaphore(0))
    assert alarms(scheduler, [0.05] * 20, wait=0.5) == 20
    wake_once_at_a_time(scheduler)
    assert alarms(scheduler, [0.05] * 20, wait=0.5) == 1
    assert alarms(scheduler, [0.05] * 20, wait=0.5) == 1, "the next round sets the next one"
    assert alarms(scheduler, [0.05, 0.1, 0.05], wait=0.5) == 2, "one for each delay"


def test_a_scheduler_of_another_make_is_left_alone():
    other = SimpleNamespace()
    wake_once_at_a_time(other)
    assert vars(other) == {}
