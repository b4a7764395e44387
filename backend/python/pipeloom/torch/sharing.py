"""Parameters that several ranks hold: copies of a stage, tied parameters, data-parallel replicas. They begin equal, and
their gradients are added up at the end of a step."""

from __future__ import annotations

from typing import Dict, List, Sequence, Set, Tuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

Key = Tuple[int, str]  # stage, and the parameter's name in it

_BUCKET_BYTES = 25 << 20


class Ties:
    """Which parameters are one. Each tie lists (stage, name) of parameters that are the same one."""

    def __init__(self, ties: Sequence[Sequence[Key]]):
        self._first: Dict[Key, Key] = {}
        self.stages: List[Tuple[int, ...]] = []
        for tie in ties:
            keys = sorted((int(stage), str(name)) for stage, name in tie)
            for key in keys:
                if key in self._first:
                    raise ValueError(f"tied: {key[1]} of stage {key[0]} is in two ties")
                self._first[key] = keys[0]
            self.stages.append(tuple(sorted({stage for stage, _ in keys})))

    def key_of(self, stage: int, name: str) -> Key:
        return self._first.get((stage, name), (stage, name))

    def stages_of(self, key: Key) -> Set[int]:
        """Returns the stages that hold the parameter."""
        stages = {stage for (stage, name), first in self._first.items() if first == key}
        return stages or {key[0]}

    def check(self, modules: Dict[int, nn.Module]) -> None:
        """Raises if a tie names a parameter that its stage does not have, where this rank holds the stage."""
        for stage, name in self._first:
            if stage in modules and name not in dict(modules[stage].named_parameters()):
                raise ValueError(f"tied: stage {stage} has no parameter {name}")

    def join(self, modules: Dict[int, nn.Module]) -> Dict[Key, nn.Parameter]:
        """Returns the rank's parameters by key. Tied parameters of one rank become one object."""
        parameters: Dict[Key, nn.Parameter] = {}
        for stage, module in sorted(modules.items()):
            for name, parameter in list(module.named_parameters()):
                key = self.key_of(stage, name)
                if key not in parameters:
                    parameters[key] = parameter
                elif parameters[key] is not parameter:
                    _replace(module, name, parameters[key])
        return parameters


def _replace(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
    *path, last = name.split(".")
    for part in path:
        module = getattr(module, part)
    if getattr(module, last).shape != parameter.shape:
        raise ValueError(f"tied: {name} is {list(getattr(module, last).shape)}, not {list(parameter.shape)}")
    setattr(module, last, parameter)


class SharedParameters:
    """The parameters of one rank that the same other ranks hold too."""

    def __init__(self, group, source: int, parameters: Dict[Key, nn.Parameter], replicas: int):
        """`source`: the lowest rank of the group, in the default group."""
        self._group = group
        self._source = source
        self._replicas = replicas
        self._parameters = [it for _, it in sorted(parameters.items())]
        self._before: List = []

    def make_equal(self) -> None:
        """Gives every rank the values of the source."""
        with torch.no_grad():
            for parameter in self._parameters:
                dist.broadcast(parameter.data, self._source, self._group)

    def put_gradients_aside(self) -> None:
        """To be called before a step: what .grad holds then was reduced already."""
        self._before = [it.grad for it in self._parameters]
        for it in self._parameters:
            it.grad = None

    def reduce_gradients(self) -> None:
        """Adds up the gradients of all ranks, as the mean over replicas, and adds what was put aside. A parameter without a
        gradient counts as zero."""
        for bucket in self._buckets():
            flat = torch.cat([_wide_gradient(it).reshape(-1) for it in bucket])
            dist.all_reduce(flat, group=self._group)
            if self._replicas > 1:
                flat /= self._replicas
            for it, sums in zip(bucket, flat.split([it.numel() for it in bucket])):
                it.grad = sums.to(it.dtype, copy=True).view_as(it)
        for it, before in zip(self._parameters, self._before):
            if before is not None:
                it.grad = before if it.grad is None else before + it.grad
        self._before = []

    def _buckets(self) -> List[List[nn.Parameter]]:
        buckets: List[List[nn.Parameter]] = []
        size, dtype = 0, None
        for it in self._parameters:
            if not it.requires_grad:
                continue
            if not buckets or it.dtype != dtype or size >= _BUCKET_BYTES:
                buckets.append([])
                size, dtype = 0, it.dtype
            buckets[-1].append(it)
            size += it.numel() * it.element_size()
        return buckets


def _wide_gradient(parameter: nn.Parameter) -> Tensor:
    """Returns the gradient; 16-bit ones in 32 bits, because sums of them round, and old Gloo can't add bfloat16."""
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return gradient.float() if gradient.element_size() < 4 else gradient


def descriptions_of(parameters: Dict[Key, nn.Parameter]) -> List[Tuple]:
    """Returns what must be equal on all ranks that hold the parameters."""
    return [(key, list(it.shape), str(it.dtype), it.requires_grad) for key, it in sorted(parameters.items())]


def check_equal(rank: int, descriptions: List[Tuple], other_rank: int, others: List[Tuple]) -> None:
    """Raises if two ranks that hold the same parameters have different ones."""
    for one, two in zip(descriptions, others):
        if one != two:
            raise ValueError(f"ranks {rank} and {other_rank} hold the same parameters, but differ: {one}, {two}")
    if len(descriptions) != len(others):
        raise ValueError(
            f"ranks {rank} and {other_rank} hold the same stages, but have {len(descriptions)} and {len(others)} parameters"
        )
