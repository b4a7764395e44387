"""What a rank says when it can't go on, and how the others hear of it."""

from __future__ import annotations

import time
from typing import Optional

import torch.distributed as dist

# How long a rank whose connection broke looks for the words of the rank that failed.
_LOOK_SECONDS = 1.0


class PipelineError(RuntimeError):
    """A step that can't go on. Names the rank, its slot, and the words of the rank that failed first, if it left some."""


class FailureBoard:
    """Words that the first failing rank leaves for the others, in the store of the default process group."""

    def __init__(self, pipeline: int):
        self._key = f"pipeloom/failure/{pipeline}"

    def post(self, words: str) -> None:
        store = _default_store()
        try:
            if store is not None and not store.check([self._key]):
                store.set(self._key, words)
        except RuntimeError:
            pass  # the store went with its process; the others see their connections break

    def read(self) -> Optional[str]:
        """Returns the words, or None if nobody left some."""
        store = _default_store()
        end = time.monotonic() + _LOOK_SECONDS
        try:
            while store is not None and time.monotonic() < end:
                if store.check([self._key]):
                    return store.get(self._key).decode()
                time.sleep(0.05)
        except RuntimeError:
            pass
        return None


def _default_store():
    try:
        return dist.distributed_c10d._get_default_store()
    except (AttributeError, RuntimeError):
        return None
