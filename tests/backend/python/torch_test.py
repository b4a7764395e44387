"""Plans on PyTorch modules against the same model without a pipeline, on processes of this machine."""

from __future__ import annotations

import copy
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import with_torch  # ends the program where there is no PyTorch

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.checkpoint import checkpoint

import pipeloom
from models import Block, Stage, batch_of, loss_of, reference, ties_of
from pipeloom.torch import Pipeline, PipelineError, deferral, later
from processes import Processes, run_processes

_LARGEST_ERROR = 1e-12  # in float64


def named_plans(ranks, micro_batches):
    """Returns every named schedule that can run so."""
    job = pipeloom.simple_job(ranks, micro_batches)
    return [pipeloom.plan(job, row["schedule"]) for row in pipeloom.compare(job) if row["runs"]]


def searched_plans(ranks, micro_batches):
    """Returns orders that nobody wrote down: their passes last as no named schedule expects."""
    job = pipeloom.simple_job(ranks, micro_batches, "F=3,I=4,W=2,link=1")
    limits = {"moves": 3000, "workers": 1}
    return [pipeloom.search(job, placement=it, **limits) for it in ("linear", "v", "bidirectional")] + [
        pipeloom.search(pipeloom.simple_job(ranks, micro_batches, chunks=2), placement="looped", **limits),
        pipeloom.search(job, placement="v", memory_cap=[ranks + 1], **limits),
    ]


def train_and_compare(rank, plans, replicas, tied):
    """Returns the largest relative error of losses and gradients, over two steps of each plan."""
    worst = 0.0
    for plan in plans:
        stages, ties = plan.stages, ties_of(plan.stages) if tied else ()
        pipeline = Pipeline(plan, lambda it: Stage(it, stages), loss_of, replicas=replicas, tied=ties)
        batches = [batch_of(plan.micro_batches, seed) for seed in range(replicas)]
        expected_loss, expected = reference(plan.stages, tied, batches)
        for steps in (1, 2):  # the second adds to the gradients of the first
            loss = pipeline.step(*batches[pipeline.replica])
            worst = max(worst, abs(loss.item() / expected_loss - 1))
            for stage, module in pipeline.modules.items():
                for name, parameter in module.named_parameters():
                    gradient = expected.get((stage, name), expected[(0, "embedding.weight")] if tied else None)
                    if tied and name == "head.weight":
                        gradient = expected[(0, "embedding.weight")]
                    error = (parameter.grad / steps - gradient).abs().max() / gradient.abs().max()
                    worst = max(worst, error.item())
        worst = max(worst, abs(pipeline.evaluate(*batches[pipeline.replica]).item() / expected_loss - 1))
    return worst


class Gradients(unittest.TestCase):
    def expect_equal(self, plans, replicas=1, tied=True):
        worst = run_processes(plans[0].ranks * replicas, train_and_compare, plans, replicas, tied)
        self.assertLess(max(worst), _LARGEST_ERROR)

    def test_of_every_schedule_on_four_ranks(self):
        plans = named_plans(4, 8)
        self.assertGreater(len(plans), 20)
        self.expect_equal(plans)

    def test_of_every_schedule_on_two_ranks(self):
        plans = named_plans(2, 4)
        self.assertGreater(len(plans), 15)
        self.expect_equal(plans)

    def test_of_searched_orders(self):
        self.expect_equal(searched_plans(4, 8))
        self.expect_equal(searched_plans(2, 6))

    def test_of_many_micro_batches_and_of_the_fewest(self):
        few, many = pipeloom.simple_job(4, 4), pipeloom.simple_job(4, 24)
        self.expect_equal([pipeloom.plan(few, it) for it in ("1f1b", "zb-v", "chimera")])
        self.expect_equal([pipeloom.plan(many, it) for it in ("zb-h1", "dualpipe", "dualpipev")])

    def test_of_replicas(self):
        job = pipeloom.simple_job(2, 4)
        self.expect_equal([pipeloom.plan(job, it) for it in ("1f1b", "zb-h1", "dualpipe", "zb-v")], replicas=2)

    def test_without_ties(self):
        job = pipeloom.simple_job(4, 8)
        self.expect_equal([pipeloom.plan(job, it) for it in ("dualpipe", "dualpipev")], tied=False)


class Holdings:
    """Counts the (stage, micro-batch) of which the memory of some saved tensor is alive."""

    def __init__(self):
        self._of_cell, self.peak = {}, 0

    def saving(self, cell, parameters):
        always_there = {it.data_ptr() for it in parameters}

        def pack(tensor):
            if tensor.is_floating_point() and tensor.data_ptr() not in always_there:
                self._of_cell.setdefault(cell, []).append(StorageWeakRef(tensor.storage()))
                self.peak = max(self.peak, self.alive())
            return tensor

        return torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)

    def alive(self):
        return sum(any(not it.expired() for it in storages) for storages in self._of_cell.values())


def peak_held(rank, plans):
    peaks = []
    for plan in plans:
        holdings, calls = Holdings(), {}

        class CountedStage(Stage):
            def forward(self, *inputs):
                calls[self] = calls.get(self, 0) + 1
                with holdings.saving((self, calls[self]), self.parameters()):
                    return super().forward(*inputs)

        pipeline = Pipeline(plan, lambda it: CountedStage(it, plan.stages), loss_of)
        pipeline.step(*batch_of(plan.micro_batches, 1))
        peaks.append((holdings.peak, holdings.alive()))
    return peaks


class Memory(unittest.TestCase):
    def test_holds_what_the_plan_says_and_nothing_after_the_step(self):
        plans = named_plans(4, 8)
        for rank, peaks in enumerate(run_processes(4, peak_held, plans)):
            for plan, (peak, left) in zip(plans, peaks):
                with self.subTest(schedule=plan.schedule, rank=rank):
                    self.assertEqual(peak, plan.peak_micro_batches()[rank])
                    self.assertEqual(left, 0)


class Deferral(unittest.TestCase):
    """What I leaves to W."""

    def setUp(self):
        torch.manual_seed(1)
        self.x = torch.randn(3, 4, 8, dtype=torch.float64)

    def gradients(self, module, run, deferred):
        """Returns gradients of input and parameters; and asserts that W, not I, made those of the linear layers."""
        x = self.x.clone().requires_grad_()
        if not deferred:
            run(module, x).sum().backward()
            return [x.grad] + [it.grad for it in module.parameters()]
        deferral.defer_weights(module)
        y = run(module, x)
        queue = deferral.start()
        y.sum().backward()
        deferral.stop()
        self.assertIsNone(module.up.weight.grad)
        self.assertEqual(len(queue), 2)
        for work in queue:
            work()
        return [x.grad] + [it.grad for it in module.parameters()]

    def expect_equal(self, run, change=lambda module: module):
        one = change(Block().double())
        two = copy.deepcopy(one)
        for a, b in zip(self.gradients(one, run, False), self.gradients(two, run, True)):
            if a is None or b is None:
                self.assertIs(a, b)
            else:
                self.assertLess((a - b).abs().max().item(), _LARGEST_ERROR)

    def test_leaves_the_gradients_of_linear_layers(self):
        self.expect_equal(lambda module, x: module(x))

    def test_works_with_both_kinds_of_checkpointing(self):
        for reentrant in (True, False):
            self.expect_equal(lambda module, x: checkpoint(module, x, use_reentrant=reentrant))

    def test_leaves_frozen_parameters_alone(self):
        def freeze(module):
            module.up.bias.requires_grad_(False)
            module.norm.weight.requires_grad_(False)
            return module

        self.expect_equal(lambda module, x: module(x), freeze)

    def test_works_for_a_layer_that_is_used_twice(self):
        module = torch.nn.Linear(8, 8).double()
        (module(module(self.x)) * self.x).sum().backward()
        expected, module.weight.grad = module.weight.grad, None
        deferral.defer_weights(module)
        y = (module(module(self.x)) * self.x).sum()
        queue = deferral.start()
        y.backward()
        deferral.stop()
        with torch.no_grad():
            for work in queue:
                work()
        self.assertLess((module.weight.grad - expected).abs().max().item(), _LARGEST_ERROR)

    def test_does_not_defer_past_hooks(self):
        module = torch.nn.Linear(8, 8).double()
        module.weight.register_hook(lambda gradient: gradient * 2)
        module(self.x).sum().backward()
        expected, module.weight.grad = module.weight.grad, None
        deferral.defer_weights(module)
        queue = deferral.start()
        module(self.x).sum().backward()
        deferral.stop()
        self.assertEqual(queue, [])
        self.assertTrue(torch.equal(module.weight.grad, expected))

    def test_runs_what_is_left_for_later_at_once_outside_of_i(self):
        ran = []
        later(lambda: ran.append("at once"))
        queue = deferral.start()
        later(lambda: ran.append("in W"))
        deferral.stop()
        self.assertEqual(ran, ["at once"])
        queue[0]()
        self.assertEqual(ran, ["at once", "in W"])


class OverlappedStage(Stage):
    """Runs pairs itself, as DeepSeek's DualPipe lets stages do."""

    pairs = 0

    @classmethod
    def overlapped_forward_backward(cls, module0, inputs0, criterion0, labels0, module1, loss1, outputs1, gradients1):
        cls.pairs += 1
        outputs0 = module0(*inputs0)
        outputs0 = outputs0 if isinstance(outputs0, tuple) else (outputs0,)
        loss0 = criterion0(*outputs0, *labels0) if criterion0 else None
        if loss1 is not None:
            loss1.backward()
        else:
            torch.autograd.backward(outputs1, gradients1)
        return outputs0, loss0


def overlapped_pairs(rank):
    """Returns how many pairs the stage's own code ran, how many the plan has, and the largest error."""
    plan = pipeloom.plan(pipeloom.simple_job(4, 12), "dualpipe")
    pipeline = Pipeline(plan, lambda it: OverlappedStage(it, 4), loss_of, tied=ties_of(4))
    batch = batch_of(12, 1)
    pipeline.step(*batch)
    _, expected = reference(4, True, [batch])
    worst = max(
        (parameter.grad - expected[(stage, name)]).abs().max().item()
        for stage, module in pipeline.modules.items()
        for name, parameter in module.named_parameters()
        if name not in ("embedding.weight", "head.weight")
    )
    return OverlappedStage.pairs, plan.order(rank)["kind"].count("FB"), worst


class MaskedStage(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, x, mask):
        return x * self.weight * mask


def masked_losses(rank):
    pipeline = Pipeline(linear_plan(), lambda stage: MaskedStage(), lambda y, _: y.sum(), fixed_shapes=False)
    losses = []
    for rows in (4, 8):  # other shapes at every step
        x = torch.arange(rows * 3.0).view(rows, 3)
        mask = (x % 2 == 0).double()
        losses.append((pipeline.step(x, x, mask=mask) - (x * mask).sum() / 4).item())
    return losses


def loss_beside_another(rank):
    """Returns the error of a pipeline of two of the four processes; the others run one with another plan."""
    groups = [torch.distributed.new_group(it) for it in ([0, 1], [2, 3])]
    plan = linear_plan(schedule=("1f1b", "dualpipe")[rank // 2])
    pipeline = Pipeline(plan, stage_of_two, loss_of, groups[rank // 2], tied=ties_of(2))
    batch = batch_of(4, seed=rank // 2)
    return pipeline.step(*batch).item() - reference(2, True, [batch])[0]


def train_with_many_copies(rank):
    plan = pipeloom.plan(pipeloom.simple_job(4, 8, pipes=4), "chimera")
    return plan.pipes, train_and_compare(rank, [plan], 1, True)


class Features(unittest.TestCase):
    def test_two_pipelines_in_one_world(self):
        for error in run_processes(4, loss_beside_another):
            self.assertLess(abs(error), _LARGEST_ERROR)

    def test_a_stage_on_every_rank(self):
        for pipes, error in run_processes(4, train_with_many_copies):
            self.assertEqual(pipes, 4)
            self.assertLess(error, _LARGEST_ERROR)

    def test_pairs_run_by_the_stages_own_code(self):
        for ran, planned, worst in run_processes(4, overlapped_pairs):
            self.assertGreater(planned, 0)
            self.assertEqual(ran, planned)
            self.assertLess(worst, _LARGEST_ERROR)

    def test_shapes_may_change_and_masks_go_to_every_stage(self):
        self.assertEqual(run_processes(2, masked_losses), [[0, 0], [0, 0]])


def outcome_of(rank, make, step=False):
    """Returns the words of the error that making the pipeline, or its first step, ends with."""
    try:
        pipeline = make(rank)
        if step:
            pipeline.step(*batch_of(pipeline.plan.micro_batches, 1))
    except (ValueError, PipelineError) as error:
        return type(error).__name__, str(error)
    return "", ""


def linear_plan(micro_batches=4, schedule="1f1b", ranks=2):
    return pipeloom.plan(pipeloom.simple_job(ranks, micro_batches), schedule)


def stage_of_two(stage):
    return Stage(stage, 2)


class Misuse(unittest.TestCase):
    def expect_words(self, make, *words, world=2, step=False, kind="ValueError"):
        for found, text in run_processes(world, outcome_of, make, step):
            self.assertEqual(found, kind, text)
            for word in words:
                self.assertIn(word, text)

    def test_of_the_wrong_number_of_processes(self):
        make = lambda rank: Pipeline(linear_plan(), stage_of_two, loss_of)
        self.expect_words(make, "the group has 3 processes; 2 ranks of the plan times 1 replicas need 2", world=3)

    def test_of_another_plan_on_one_rank(self):
        make = lambda rank: Pipeline(linear_plan(4 + 2 * rank), stage_of_two, loss_of)
        self.expect_words(make, "rank 1 has another plan than rank 0", "('1f1b', 2, 6")

    def test_of_a_stage_that_can_not_be_built(self):
        def build(stage):
            if stage == 1:
                raise KeyError("no such layer")
            return Stage(stage, 2)

        self.expect_words(lambda rank: Pipeline(linear_plan(), build, loss_of), "rank 1: KeyError: 'no such layer'")

    def test_of_stages_in_ddp(self):
        class Wrapped(torch.nn.parallel.DistributedDataParallel):
            def __init__(self):
                torch.nn.Module.__init__(self)

        make = lambda rank: Pipeline(linear_plan(4, "zb-h1"), lambda stage: Wrapped(), loss_of)
        self.expect_words(make, "DistributedDataParallel", "give replicas= instead")

    def test_of_copies_that_differ(self):
        def make(rank):
            plan = pipeloom.plan(pipeloom.simple_job(2, 4), "dualpipe")
            return Pipeline(plan, lambda stage: torch.nn.Linear(2, 2 + rank), loss_of)

        self.expect_words(make, "ranks 0 and 1 hold the same parameters, but differ: ((0, 'bias'), [2]")

    def test_of_copies_that_differ_is_heard_by_ranks_without_a_copy(self):
        def make(rank):
            ties = [[(0, "block.up.bias"), (3, "block.up.bias")]]
            wide = lambda stage: torch.nn.ModuleDict({"block": torch.nn.ModuleDict({"up": torch.nn.Linear(2, 2 + rank)})})
            return Pipeline(linear_plan(ranks=4), wide, loss_of, tied=ties)

        self.expect_words(make, "ranks 0 and 3 hold the same parameters, but differ", world=4)

    def test_of_ties_to_nothing(self):
        make = lambda rank: Pipeline(linear_plan(), stage_of_two, loss_of, tied=[[(0, "head.weight"), (1, "head.weight")]])
        self.expect_words(make, "tied: stage 0 has no parameter head.weight")

    def test_of_a_batch_that_can_not_be_cut(self):
        def run(rank):
            pipeline = Pipeline(linear_plan(3), stage_of_two, loss_of)
            pipeline.step(*batch_of(4, 1))

        words = "has 4 rows; they can't be cut into 3 equal micro-batches"
        self.expect_words(run, "stopped at the begin of the step: ValueError: ", words, kind="PipelineError")

    def test_of_a_loss_that_fails(self):
        make = lambda rank: Pipeline(linear_plan(), stage_of_two, lambda logits, targets: logits.no_such_name)
        self.expect_words(make, "rank 1 stopped at slot 0 (F0 of stage 1)", step=True, kind="PipelineError")

    def test_of_shapes_that_change(self):
        class Growing(torch.nn.Module):
            rows = 0

            def forward(self, x):
                self.rows += 1
                return torch.zeros(self.rows, 3)

        build = lambda stage: Growing() if stage == 0 else torch.nn.Linear(3, 2)
        make = lambda rank: Pipeline(linear_plan(), build, lambda y, _: y.sum())
        self.expect_words(make, "rank 0 stopped at slot 1 (F1 of stage 0)", "stage 0 returned [2, 3] float64, and [1, 3] float64 for",
                          step=True, kind="PipelineError")


def stage_that_fails(stage):
    module = Stage(stage, 4)
    calls = []

    def fail(*_):
        calls.append(0)
        if len(calls) == 3:
            raise RuntimeError("out of luck")

    if stage == 2:
        module.register_forward_pre_hook(fail)
    return module


def step_forever(rank, build):
    pipeline = Pipeline(linear_plan(8, "1f1b", 4), build, loss_of)
    while True:
        pipeline.step(*batch_of(8, 1))


class Failures(unittest.TestCase):
    def test_end_all_ranks_with_the_words_of_the_first(self):
        with Processes(4, step_forever, stage_that_fails) as processes:
            for succeeded, text in processes.outcomes(timeout_s=10):
                self.assertFalse(succeeded)
                self.assertIn("rank 2 stopped at slot 3 (F2 of stage 2): out of luck", text)

    def test_of_a_killed_rank_end_the_others(self):
        for victim in range(4):
            with Processes(4, step_forever, lambda stage: Stage(stage, 4)) as processes:
                time.sleep(1)
                os.kill(processes.all[victim].pid, signal.SIGKILL)
                others = [rank for rank in range(4) if rank != victim]
                for succeeded, text in processes.outcomes(timeout_s=10, ranks=others):
                    self.assertFalse(succeeded)
                    self.assertIn("PipelineError", text)
                    self.assertIn(f"process {victim}", text)


if __name__ == "__main__":
    unittest.main()
