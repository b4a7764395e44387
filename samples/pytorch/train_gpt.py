"""Trains a small GPT on a text, under any of Pipeloom's schedules or without Pipeloom.

    python3 train_gpt.py                                                    one process, no pipeline
    python3 -m torch.distributed.run --nproc_per_node 4 train_gpt.py --schedule dualpipe
    python3 -m torch.distributed.run --nproc_per_node 4 train_gpt.py --plan my.plan --trace my.trace

All three print the same losses. What is Pipeloom's stands in train_pipeline(); the model is plain PyTorch.
"""

import argparse
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional

CONTEXT = 64
CHARACTERS = 128


class Block(nn.Module):
    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        rows, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(rows, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5
        future = torch.ones(tokens, tokens, dtype=torch.bool, device=x.device).triu(1)
        mixed = scores.masked_fill(future, -torch.inf).softmax(-1) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, tokens, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Stage(nn.Module):
    """Some layers of the model. The first stage embeds characters, and the last predicts them; the head's weights are the
    embedding's."""

    def __init__(self, layers, width, first, last):
        super().__init__()
        self.embedding = self.positions = self.norm = self.head = None
        if first:
            torch.manual_seed(1000)
            self.embedding, self.positions = nn.Embedding(CHARACTERS, width), nn.Embedding(CONTEXT, width)
            nn.init.normal_(self.embedding.weight, std=0.02)
        blocks = []
        for layer in layers:
            torch.manual_seed(layer)  # equal layers, however they are cut
            blocks.append(Block(width))
        self.blocks = nn.Sequential(*blocks)
        if last:
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CHARACTERS, bias=False)

    def forward(self, x):
        if self.embedding is not None:
            x = self.embedding(x) + self.positions(torch.arange(x.shape[1], device=x.device))
        x = self.blocks(x)
        return x if self.head is None else self.head(self.norm(x))


def loss_of(logits, targets):
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def batches_of(text, rows):
    generator = torch.Generator().manual_seed(1)
    while True:
        begins = torch.randint(len(text) - CONTEXT - 1, (rows,), generator=generator)
        cut = torch.stack([text[it : it + CONTEXT + 1] for it in begins])
        yield cut[:, :-1], cut[:, 1:]


def train_alone(options, batches):
    model = Stage(range(options.layers), options.width, first=True, last=True)
    model.head.weight = model.embedding.weight
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(options.steps):
        inputs, targets = next(batches)
        begin = time.perf_counter()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step}: loss {loss.item():.6f}, {time.perf_counter() - begin:.3f} s")


def train_pipeline(options, batches):
    import pipeloom
    import pipeloom.torch

    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if options.plan:
        plan = pipeloom.load_plan(options.plan)
    else:
        plan = pipeloom.plan(pipeloom.simple_job(dist.get_world_size(), options.micro_batches), options.schedule)

    def build_stage(stage):
        cuts = [options.layers * it // plan.stages for it in (stage, stage + 1)]
        return Stage(range(*cuts), options.width, first=stage == 0, last=stage == plan.stages - 1)

    tied = [[(0, "embedding.weight"), (plan.stages - 1, "head.weight")]]
    pipeline = pipeloom.torch.Pipeline(plan, build_stage, loss_of, tied=tied)
    optimizer = torch.optim.AdamW(pipeline.parameters(), lr=1e-3)
    for step in range(options.steps):
        inputs, targets = next(batches)
        begin = time.perf_counter()
        loss = pipeline.step(inputs, targets, trace=options.trace if step == options.steps - 1 else None)
        optimizer.step()
        optimizer.zero_grad()
        if dist.get_rank() == 0:
            print(f"step {step}: loss {loss.item():.6f}, {time.perf_counter() - begin:.3f} s")
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedule", help="a name that `pipeloom list-schedules` prints")
    parser.add_argument("--plan", help="a file that `pipeloom plan -o` wrote")
    parser.add_argument("--trace", help="file for a trace of the last step, for `pipeloom diff`")
    parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rows", type=int, default=16, help="sequences in a batch")
    parser.add_argument("--micro-batches", type=int, default=8)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with open(options.text, "rb") as file:
        text = torch.tensor([min(it, CHARACTERS - 1) for it in file.read()])
    train = train_pipeline if options.schedule or options.plan else train_alone
    train(options, batches_of(text, options.rows))


if __name__ == "__main__":
    main()
