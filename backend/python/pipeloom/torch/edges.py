"""Messages between two ranks. Each ordered pair of ranks has a process group of its own and its receives are posted in the
order of its sends, which no plan can deadlock (Plan.check_messages)."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.distributed as dist
from torch import Tensor

_TYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.bool,
    torch.complex64,
    torch.complex128,
)
_TYPE_NUMBERS = {dtype: number for number, dtype in enumerate(_TYPES)}
_HEADER_NUMBERS = 256

# Of each tensor: shape, type, and whether it has a gradient.
Layout = Tuple[Tuple[Tuple[int, ...], torch.dtype, bool], ...]


def layout_of(tensors: Sequence[Tensor]) -> Layout:
    return tuple((tuple(it.shape), it.dtype, it.requires_grad) for it in tensors)


def layout_text(layout: Layout) -> str:
    return ", ".join(f"{list(shape)} {str(dtype)[6:]}" for shape, dtype, _ in layout)


class Edge:
    """What this rank sends to one other, or receives from it."""

    def __init__(self, group, peer: int, device: torch.device):
        self._group = group
        self._peer = peer  # in the default group
        self._device = device

    def __str__(self) -> str:
        return f"process {self._peer}"

    def send(self, tensors: Sequence[Tensor]) -> List[dist.Work]:
        """Begins to send contiguous tensors. They must not change until each of the works was waited for, once."""
        return [dist.isend(it, self._peer, self._group) for it in tensors]

    def receive(self, layout: Layout) -> Tuple[List[dist.Work], List[Tensor]]:
        """Begins to receive. The tensors are there when each of the works was waited for, once."""
        tensors = [torch.empty(shape, dtype=dtype, device=self._device) for shape, dtype, _ in layout]
        return [dist.irecv(it, self._peer, self._group) for it in tensors], tensors

    def send_layout(self, layout: Layout) -> dist.Work:
        numbers = [len(layout)]
        for shape, dtype, has_gradient in layout:
            numbers += [_TYPE_NUMBERS[dtype], has_gradient, len(shape), *shape]
        if len(numbers) > _HEADER_NUMBERS:
            raise ValueError(f"{len(layout)} tensors are too many between two stages")
        header = torch.zeros(_HEADER_NUMBERS, dtype=torch.int64)
        header[: len(numbers)] = torch.tensor(numbers)
        return dist.isend(header.to(self._device), self._peer, self._group)

    def receive_layout(self) -> Layout:
        """Blocks until the sender has said what it sends next."""
        header = torch.zeros(_HEADER_NUMBERS, dtype=torch.int64, device=self._device)
        dist.irecv(header, self._peer, self._group).wait()
        numbers = iter(header.tolist())
        layout = []
        for _ in range(next(numbers)):
            dtype, has_gradient, dimensions = _TYPES[next(numbers)], bool(next(numbers)), next(numbers)
            layout.append((tuple(next(numbers) for _ in range(dimensions)), dtype, has_gradient))
        return tuple(layout)


def _connect(group, source: int, target: int) -> None:
    """Sends one number. NCCL connects two ranks at their first message and blocks the host meanwhile; here all processes
    connect in one order."""
    on_gpu = dist.get_backend(group) == "nccl"
    number = torch.zeros(1, device=torch.device("cuda", torch.cuda.current_device()) if on_gpu else "cpu")
    if dist.get_rank() == source:
        dist.isend(number, target, group).wait()
    else:
        dist.irecv(number, source, group).wait()


class GroupMaker:
    """Makes the process groups of all pipelines of the world. Every process makes every group, in one order, as
    torch.distributed requires."""

    def __init__(self, wanted: Sequence[Tuple[int, ...]]):
        """`wanted`: ranks of the default group, of all pipelines. An ordered pair is an edge, as (source, target); other
        groups ascend."""
        self._groups: Dict[Tuple[int, ...], Optional[dist.ProcessGroup]] = {}
        for ranks in sorted(set(wanted)):
            self._groups[ranks] = dist.new_group(sorted(ranks))
        for ranks, group in self._groups.items():
            if len(ranks) == 2 and dist.get_rank() in ranks:
                _connect(group, *ranks)
        dist.barrier()  # nobody closes a connection that another process is still making

    def __getitem__(self, ranks: Tuple[int, ...]):
        return self._groups[ranks]

    def close(self) -> None:
        """Closes Gloo's connections, so that processes that wait for this one hear that it has stopped."""
        for ranks, group in self._groups.items():
            if dist.get_rank() in ranks and dist.get_backend(group) == "gloo":
                dist.destroy_process_group(group)
        self._groups = {}
