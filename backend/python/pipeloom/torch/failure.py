"""What a rank says when it can't go on, and how the others hear of it."""

from __future__ import annotations

import time
from typing import List, Optional

import torch.distributed as dist

class PipelineError(RuntimeError):
    """A step that can't go on. Names the rank, its slot, and the words of the rank that failed first, if it left some."""


class FailureBoard:
    """What ranks leave for each other when they stop, in the store of the default process group: a mark of each, and the
    words of the first."""

    def __init__(self, pipeline: int):
        self._key = f"pipeloom/{pipeline}"

    def post(self, words: str) -> None:
        """Leaves words, if nobody has."""
        store = _default_store()
        try:
            if store is not None and store.add(f"{self._key}/posts", 1) == 1:
                store.set(f"{self._key}/words", words)
        except RuntimeError:
            pass  # the store went with its process; the others see their connections break

    def read(self, rank: int, seconds: float) -> Optional[str]:
        """Marks that this rank has stopped. Returns the words, or None if nobody leaves some within so many seconds."""
        store = _default_store()
        end = time.monotonic() + seconds
        try:
            if store is not None:
                store.add(f"{self._key}/stopped/{rank}", 1)
            while store is not None:
                if store.add(f"{self._key}/posts", 0) > 0:
                    return store.get(f"{self._key}/words").decode()
                if time.monotonic() > end:
                    return None
                time.sleep(0.05)
        except RuntimeError:
            pass
        return None

    def silent(self, ranks: List[int]) -> List[int]:
        """Returns the ranks that have not marked that they stopped: a killed one, and those that have not noticed yet."""
        store = _default_store()
        try:
            return [it for it in ranks if store is not None and store.add(f"{self._key}/stopped/{it}", 0) == 0]
        except RuntimeError:
            return []


def _default_store():
    try:
        return dist.distributed_c10d._get_default_store()
    except (AttributeError, RuntimeError):
        return None  # a private name of torch's; without it errors still say which connection broke
