"""Starts the backward pass of a stage without the stage's outputs, so that these can be freed once they were sent."""

from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor


class _Outlet(torch.autograd.Function):
    """Joins outputs to an empty tensor. Its backward pass gives them the gradients that were put into it."""

    @staticmethod
    def forward(ctx, *outputs):
        return outputs[0].new_empty(0)

    @staticmethod
    def backward(ctx, _):
        gradients, ctx.gradients = ctx.gradients, None
        return gradients


def outlet_of(outputs: Sequence[Tensor]) -> Tensor:
    """Returns an empty tensor that holds the graph of the outputs, but not the outputs. All of them require gradients."""
    return _Outlet.apply(*outputs)


def run_backward(outlet: Tensor, gradients: Sequence[Tensor]) -> None:
    """Runs the backward pass with the gradients of the outputs, in their order."""
    outlet.grad_fn.gradients = tuple(gradients)
    torch.autograd.backward(outlet, outlet.detach())
