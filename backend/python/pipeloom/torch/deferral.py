"""Parts the weights' gradients (W) from the input's (I): what I's backward pass defers is run in W's slot.

A linear layer's two backward products need nothing from each other. Its W keeps the layer's input and the gradient of its
output, no more than F saved, and repeats nothing of I.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, List, Optional

import torch
from torch import Tensor, nn

# What the I that is running has deferred; None while none is running. A rank runs one backward pass at a time, but on
# GPUs not in the thread that started it, so this is no thread-local.
_queue: Optional[List[Callable[[], None]]] = None


def later(work: Callable[[], None]) -> None:
    """Runs `work` in W's slot, if I is running, else at once. Gradients are off while it runs.

    To be called in the backward pass of an autograd function of one's own, with what adds to the weights' `.grad`; that
    backward pass then returns None for the weights.
    """
    if _queue is None:
        with torch.no_grad():
            work()
    else:
        _queue.append(work)


def start() -> List[Callable[[], None]]:
    """Returns the list that collects what backward passes defer, until stop()."""
    global _queue
    _queue = []
    return _queue


def stop() -> None:
    global _queue
    _queue = None


def defer_weights(module: nn.Module) -> None:
    """Makes every nn.Linear of `module` defer its weights' gradients. Subclasses stay as they are: all of their
    backward pass runs in I."""
    for layer in module.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = DeferredLinear


class DeferredLinear(nn.Linear):
    """An nn.Linear whose weights' gradients can be deferred."""

    def forward(self, x: Tensor) -> Tensor:
        return _LinearFunction.apply(x, self.weight, self.bias)


class _LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        y = nn.functional.linear(x, weight, bias)
        # Under autocast the product was of numbers of y's type; keeping x in that type takes less memory.
        ctx.save_for_backward(x if x.dtype == y.dtype else x.to(y.dtype))
        # As attributes: activation checkpointing gives back saved tensors as detached copies, which have no .grad.
        ctx.weight, ctx.bias, ctx.input_type = weight, bias, x.dtype
        return y

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        weight, bias = ctx.weight, ctx.bias
        for_x, for_weight, for_bias = ctx.needs_input_grad
        x_gradient = None
        if for_x:
            x_gradient = gradient.matmul(weight if weight.dtype == gradient.dtype else weight.to(gradient.dtype))
            if x_gradient.dtype != ctx.input_type:
                x_gradient = x_gradient.to(ctx.input_type)
        weight = weight if for_weight else None
        bias = bias if for_bias else None
        if _queue is not None and _takes_gradients(weight) and _takes_gradients(bias):
            _queue.append(partial(_add_gradients, x, gradient, weight, bias))
            return x_gradient, None, None
        rows = gradient.reshape(-1, gradient.shape[-1])
        weight_gradient = None if weight is None else _weight_gradient(x, rows).to(weight.dtype)
        bias_gradient = None if bias is None else rows.sum(0).to(bias.dtype)
        return x_gradient, weight_gradient, bias_gradient


def _takes_gradients(parameter: Optional[Tensor]) -> bool:
    """True if adding to its .grad is all that autograd would do: a leaf without hooks."""
    if parameter is None:
        return True
    hooks = parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None)
    return parameter.is_leaf and not hooks


def _weight_gradient(x: Tensor, rows: Tensor) -> Tensor:
    return rows.t().mm(x.reshape(-1, x.shape[-1]))


def _add_gradients(x: Tensor, gradient: Tensor, weight: Optional[Tensor], bias: Optional[Tensor]) -> None:
    rows = gradient.reshape(-1, gradient.shape[-1])
    if weight is not None:
        if weight.grad is None:
            weight.grad = _weight_gradient(x, rows).to(weight.dtype)
        elif weight.grad.dtype == rows.dtype:
            weight.grad.addmm_(rows.t(), x.reshape(-1, x.shape[-1]))
        else:
            weight.grad += _weight_gradient(x, rows)
    if bias is not None:
        if bias.grad is None:
            bias.grad = rows.sum(0).to(bias.dtype)
        else:
            bias.grad += rows.sum(0)
