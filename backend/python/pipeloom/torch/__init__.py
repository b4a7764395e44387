"""Runs any plan on the stages of your own PyTorch model, over torch.distributed.

    plan = pipeloom.load_plan("my.plan")
    pipeline = pipeloom.torch.Pipeline(plan, build_stage, loss_fn)
    optimizer = torch.optim.AdamW(pipeline.parameters())
    loss = pipeline.step(inputs, targets)
    optimizer.step()
    optimizer.zero_grad()

docs/pytorch.md says what the stages must be like, and what was tried.
"""

from pipeloom.torch.deferral import later
from pipeloom.torch.failure import PipelineError
from pipeloom.torch.pipeline import Pipeline

__all__ = ["Pipeline", "PipelineError", "later"]
