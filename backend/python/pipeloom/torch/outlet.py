"""Starts the backward pass of a stage without the stage's outputs, so that these can be freed once they were sent."""

from __future__ import annotations

from typing import Any, Sequence

import torch
from torch import Tensor


class _Joint(torch.autograd.Function):
    """Joins outputs to an empty tensor. Its backward pass gives them the gradients that were put into it."""

    @staticmethod
    def forward(ctx, *outputs):
        return outputs[0].new_empty(0)

    @staticmethod
    def backward(ctx, _):
        gradients, ctx.gradients = ctx.gradients, None
        return gradients


def _joint_of(outputs: Sequence[Tensor]) -> Tensor:
    return _Joint.apply(*outputs) if outputs else None


def _run_joint(joint: Tensor, gradients: Sequence[Tensor]) -> None:
    joint.grad_fn.gradients = tuple(gradients)
    torch.autograd.backward(joint, joint.detach())


def _edges_of(outputs: Sequence[Tensor]) -> Any:
    return [torch.autograd.graph.get_gradient_edge(it) for it in outputs]


def _starts_at_edges() -> bool:
    """True if this PyTorch can start a backward pass at the edges of a graph (2.6 and later)."""
    try:
        x = torch.ones((), requires_grad=True)
        torch.autograd.backward(_edges_of([x * 1]), [torch.ones(())])
        return x.grad is not None
    except (AttributeError, TypeError, RuntimeError):
        return False


if _starts_at_edges():
    outlet_of, run_backward = _edges_of, torch.autograd.backward
else:
    outlet_of, run_backward = _joint_of, _run_joint

# outlet_of(outputs): what holds the graph of the outputs, but not the outputs. All of them require gradients.
# run_backward(outlet, gradients): runs the backward pass with the gradients of the outputs, in their order.
