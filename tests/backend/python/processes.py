"""Runs a function in several processes that share a Gloo group, as a trainer under torchrun has it."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
import traceback
from typing import Any, Callable, List


def _run(rank: int, world: int, store: str, function: Callable, arguments: tuple, results) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    try:
        results.put((rank, True, function(rank, *arguments)))
    except BaseException as error:
        results.put((rank, False, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))


def run_processes(world: int, function: Callable, *arguments: Any) -> List[Any]:
    """Returns what function(rank, *arguments) returned in each process. Raises what a process raised as RuntimeError."""
    with Processes(world, function, *arguments) as processes:
        outcomes = processes.outcomes(timeout_s=120)
    failed = [text for succeeded, text in outcomes if not succeeded]
    if failed:
        raise RuntimeError("\n".join(failed))
    return [value for _, value in outcomes]


class Processes:
    """Processes that are ended, whatever happens, with the block that opened them."""

    def __init__(self, world: int, function: Callable, *arguments: Any):
        # Forked from a process that knows PyTorch: to import it anew would take longer than most tests.
        context = multiprocessing.get_context("fork")
        self._folder = tempfile.TemporaryDirectory()
        self._results = context.Queue()
        store = os.path.join(self._folder.name, "store")
        self.all = [
            context.Process(target=_run, args=(rank, world, store, function, arguments, self._results))
            for rank in range(world)
        ]

    def __enter__(self) -> "Processes":
        for it in self.all:
            it.start()
        return self

    def __exit__(self, *_) -> None:
        for it in self.all:
            it.kill()
            it.join()
        self._folder.cleanup()

    def outcomes(self, timeout_s: float, ranks=None) -> List[Any]:
        """Returns (succeeded, value or words) of each rank, by rank. Raises TimeoutError if one is late."""
        wanted = set(range(len(self.all)) if ranks is None else ranks)
        found = {}
        end = time.monotonic() + timeout_s
        while wanted - found.keys():
            try:
                rank, succeeded, value = self._results.get(timeout=max(end - time.monotonic(), 0.01))
            except Exception:
                raise TimeoutError(f"ranks {sorted(wanted - found.keys())} did not end in {timeout_s} s") from None
            found[rank] = succeeded, value
        return [found[rank] for rank in sorted(wanted)]
