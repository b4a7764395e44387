"""Plans pipeline-parallel training: load a job, compare schedules, plan, search, and read the order of every rank.

    import pipeloom
    job = pipeloom.load_job("samples/deepseek-v3.txtpb")
    plan = pipeloom.plan(job, "dualpipe")
    plan.step_ns, plan.memory()[0], plan.order(rank=0)["kind"]

Times are in nanoseconds, sizes in bytes, unless a name says otherwise. pipeloom.torch runs a plan on PyTorch modules.
"""

from pipeloom._native import (
    Error,
    Job,
    Plan,
    __version__,
    compare,
    load_job,
    load_plan,
    plan,
    schedules,
    search,
    simple_job,
)

__all__ = [
    "Error",
    "Job",
    "Plan",
    "compare",
    "load_job",
    "load_plan",
    "plan",
    "schedules",
    "search",
    "simple_job",
]
