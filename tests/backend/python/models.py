"""A small transformer in stages, and its whole as the reference."""

from __future__ import annotations

from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn

VOCABULARY, WIDTH, TOKENS = 11, 8, 5


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 2 * WIDTH)
        self.down = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm(x))))


class Stage(nn.Module):
    """A block; the first stage embeds tokens, the last one predicts them. Two tensors go from stage to stage: a skip of the
    embedding goes with the activations, and comes together with them in the last stage."""

    def __init__(self, stage: int, stages: int):
        super().__init__()
        generator = torch.Generator().manual_seed(stage)
        self.embedding = nn.Embedding(VOCABULARY, WIDTH) if stage == 0 else None
        self.block = Block()
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False) if stage == stages - 1 else None
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)

    def forward(self, x: Tensor, skip: Tensor = None):
        if self.embedding is not None:
            x = skip = self.embedding(x)
        x = self.block(x)
        return (x, skip) if self.head is None else self.head(x + skip)


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), targets.reshape(-1))


def ties_of(stages: int) -> List:
    return [[(0, "embedding.weight"), (stages - 1, "head.weight")]]


def batch_of(rows: int, seed: int) -> Tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(0, VOCABULARY, (rows, TOKENS + 1), generator=generator)
    return text[:, :-1], text[:, 1:]


def reference(stages: int, tied: bool, batches: List[Tuple[Tensor, Tensor]]) -> Tuple[float, Dict]:
    """Returns loss and gradients, by (stage, name), of the mean over the batches, without any pipeline."""
    modules = [Stage(stage, stages) for stage in range(stages)]
    if tied:
        modules[-1].head.weight = modules[0].embedding.weight
    loss = torch.zeros(())
    for inputs, targets in batches:
        x = (inputs,)
        for module in modules:
            x = module(*x)
            x = x if isinstance(x, tuple) else (x,)
        loss = loss + loss_of(x[0], targets) / len(batches)
    loss.backward()
    gradients = {(s, name): it.grad for s, module in enumerate(modules) for name, it in module.named_parameters()}
    return loss.item(), gradients
