"""Keeps Snakemake's scheduler from looking for work ever more often as a study goes on."""

from __future__ import annotations

import threading


def wake_once_at_a_time(scheduler) -> None:
    """Lets a scheduler of Snakemake set itself no second alarm while one of the same delay waits.

    Snakemake 9 (9.27 is the one looked at) sets an alarm of a second in each round of
    JobScheduler.schedule, for its limit of jobs per timespan, and each alarm and each finished job
    makes a round: while jobs wait for a core there are as many rounds a second as jobs that have
    finished, and each asks the file system for all inputs of all that wait
    (benchmarks/scheduler.py). A Snakemake without that method is left as it is.
    """
    if not hasattr(scheduler, "_schedule_reevalutation"):  # spelt so there
        return
    waiting: set[float] = set()

    def set_alarm(delay: float) -> None:  # called by the scheduler's own thread alone
        if delay in waiting:
            return
        waiting.add(delay)

        def wake() -> None:
            waiting.discard(delay)  # before the round that may set the next one
            scheduler._open_jobs.release()

        alarm = threading.Timer(delay, wake)
        alarm.daemon = True  # nobody waits for it at the end
        alarm.start()

    scheduler._schedule_reevalutation = set_alarm
