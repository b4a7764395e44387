"""One rank of a plan: its stages, and the steps that it takes in the plan's order."""

from __future__ import annotations

import socket
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pipeloom import Plan
from pipeloom.torch import deferral
from pipeloom.torch.edges import Edge, GroupMaker, Layout, layout_of, layout_text
from pipeloom.torch.failure import FailureBoard, PipelineError
from pipeloom.torch.outlet import outlet_of, run_backward
from pipeloom.torch.sharing import Key, SharedParameters, Ties, check_equal, descriptions_of

FORWARD, BACKWARD = 0, 1
Cell = Tuple[int, int]  # stage, micro-batch

_pipelines = 0  # that this process has made; every process makes them in the same order


class _Message:
    """One row of Plan.messages(), as this rank sees it."""

    __slots__ = ("cell", "direction", "edge", "brings_layout")

    def __init__(self, cell: Cell, direction: int, edge: Edge, brings_layout: bool):
        self.cell = cell  # of the pass that makes it
        self.direction = direction
        self.edge = edge
        self.brings_layout = brings_layout  # with fixed shapes: the first of its stage on this edge


class _Slot:
    """One slot, and what its host does with messages around it."""

    __slots__ = ("kind", "forward", "backward", "posts", "sent", "inputs", "outputs")

    def __init__(self, kind: str, forward: Optional[Cell], backward: Optional[Cell], posts, sent, inputs, outputs):
        self.kind = kind
        self.forward = forward  # stage and micro-batch of its F
        self.backward = backward  # stage and micro-batch of its B, I or W
        self.posts = posts
        self.sent = sent
        self.inputs = inputs
        self.outputs = outputs  # forward, backward; None where the hand-over stays on the rank

    def __str__(self) -> str:
        if self.forward and self.backward:
            return f"F{self.forward[1]} of stage {self.forward[0]} and {self.kind[1]}{self.backward[1]} of stage {self.backward[0]}"
        stage, micro_batch = self.forward or self.backward
        return f"{self.kind}{micro_batch} of stage {stage}"


class Pipeline:
    """Runs a plan on the modules of its stages. To be made and stepped by every process of the world at the same time.

    plan: what to run. All processes must have the same one.
    build_stage(stage): makes the module of a stage, 0 being the first. Called once for each stage that this rank holds.
        The module takes the tensors that the stage before returned (stage 0: a micro-batch of the inputs) and returns a
        tensor or a tuple of tensors. If a stage is on several ranks, all get the parameters and buffers of the lowest.
    loss_fn(outputs, targets): the mean loss of one micro-batch, from what the last stage returns.
    group: the processes of this pipeline, by default all. Process r*P + p is rank p of replica r, where P is plan.ranks.
    replicas: data-parallel replicas; each takes a batch of its own, and gradients are the mean over replicas.
    tied: parameters that are one, as lists of (stage, name): [[(0, "embedding.weight"), (3, "head.weight")]].
    fixed_shapes: False if micro-batches differ in shape; shapes are then sent with every message.

    Raises ValueError on every process if something can't work on one of them.
    """

    def __init__(
        self,
        plan: Plan,
        build_stage: Callable[[int], nn.Module],
        loss_fn: Callable[[Any, Any], Tensor],
        group=None,
        *,
        replicas: int = 1,
        tied: Sequence[Sequence[Key]] = (),
        fixed_shapes: bool = True,
    ):
        global _pipelines
        _pipelines += 1
        self._board = FailureBoard(_pipelines)
        self.plan = plan
        self._loss_fn = loss_fn
        self._group = group
        self._replicas = replicas
        self._fixed_shapes = fixed_shapes
        self._ranks = _ranks_of(group)  # in the default group
        me = self._ranks.index(dist.get_rank()) if dist.get_rank() in self._ranks else -1
        self.rank = me % plan.ranks
        self.replica = me // plan.ranks
        self.modules: Dict[int, nn.Module] = {}  # by stage
        parameters = self._agree(build_stage, tied)
        if plan.splits_backward:
            for module in self.modules.values():
                deferral.defer_weights(module)
        self._device = next((it.device for it in parameters.values()), torch.device("cpu"))
        self._slots = self._compile()
        self._last = plan.stages - 1
        self._micro_batches = plan.micro_batches
        self._overlaps = any(it.kind == "FB" for it in self._slots) and any(
            hasattr(it, "overlapped_forward_backward") for it in self.modules.values()
        )
        self._layouts: Dict[int, Layout] = {}  # of each stage's outputs, with fixed shapes
        self._shapes_are_known = False  # from the end of the first training step on
        self._forget()

    # What is agreed on before the first step.

    def _agree(self, build_stage, tied) -> Dict[Key, nn.Parameter]:
        """Builds the stages, tells all processes what this one has, and makes what ranks share equal. Returns the parameters.
        Raises on all processes if one can't go on."""
        problem, groups, shared, parameters = "", [], {}, {}
        try:
            self._check_group()
            ties = Ties(tied)
            for stage in sorted(self.plan.stages_of(self.rank)):
                self.modules[stage] = build_stage(stage)
            self._check_modules()
            ties.check(self.modules)
            parameters = ties.join(self.modules)
            for key, parameter in parameters.items():
                ranks = self._holders(ties.stages_of(key))
                if len(ranks) > 1:
                    shared.setdefault(ranks, {})[key] = parameter
            groups = self._wanted_groups(ties)
            self.plan.check_messages()
        except Exception as error:  # whatever build_stage raises has to reach the other processes
            problem = f"{type(error).__name__}: {error}"
        mine = {
            "problem": problem,
            "ranks": self._ranks,
            "plan": (self.plan.schedule, self.plan.ranks, self.plan.micro_batches, self.plan.digest),
            "replicas": self._replicas,
            "groups": groups,
            "shared": {ranks: descriptions_of(of_ranks) for ranks, of_ranks in shared.items()},
        }
        everybody: List = [None] * dist.get_world_size()
        dist.all_gather_object(everybody, mine)
        for rank, other in enumerate(everybody):
            if other["problem"]:
                raise ValueError(f"rank {rank}: {other['problem']}")
        for rank, other in enumerate(everybody):
            lowest = other["ranks"][0]
            for what in ("ranks", "plan", "replicas"):
                if other[what] != everybody[lowest][what]:
                    raise ValueError(
                        f"rank {rank} has another {what} than rank {lowest}: {other[what]}, not {everybody[lowest][what]}"
                    )
            for ranks, of_ranks in other["shared"].items():
                check_equal(ranks[0], everybody[ranks[0]]["shared"].get(ranks, []), rank, of_ranks)
        self._groups = GroupMaker([ranks for other in everybody for ranks in other["groups"]])
        self._parameters = list(parameters.values())
        self._shared = [
            SharedParameters(self._groups[ranks], ranks[0], of_ranks, self._replicas)
            for ranks, of_ranks in sorted(shared.items())
        ]
        self._make_equal()
        return parameters

    def _check_group(self) -> None:
        if dist.get_rank() not in self._ranks:
            raise ValueError("this process is not in the pipeline's group")
        if self._replicas < 1:
            raise ValueError(f"replicas is {self._replicas}; allowed are numbers of at least 1")
        needed = self.plan.ranks * self._replicas
        if len(self._ranks) != needed:
            raise ValueError(
                f"the group has {len(self._ranks)} processes; {self.plan.ranks} ranks of the plan times "
                f"{self._replicas} replicas need {needed}"
            )

    def _check_modules(self) -> None:
        for stage, module in self.modules.items():
            if not isinstance(module, nn.Module):
                raise ValueError(f"build_stage({stage}) returned {type(module).__name__}; allowed is an nn.Module")
            if any(isinstance(it, DistributedDataParallel) for it in module.modules()):
                raise ValueError(
                    f"stage {stage} is wrapped in DistributedDataParallel, whose gradients are wrong where W runs apart "
                    "from I, and reduced for every micro-batch elsewhere; give replicas= instead"
                )

    def _global(self, replica: int, rank: int) -> int:
        return self._ranks[replica * self.plan.ranks + rank]

    def _holders(self, stages: Iterable[int]) -> Tuple[int, ...]:
        """Returns the ranks of the default group that hold one of the stages, over all replicas."""
        stages = set(stages)
        ranks = [it for it in range(self.plan.ranks) if stages.intersection(self.plan.stages_of(it))]
        return tuple(sorted(self._global(replica, rank) for replica in range(self._replicas) for rank in ranks))

    def _wanted_groups(self, ties: Ties) -> List[Tuple[int, ...]]:
        messages = self.plan.messages()
        edges = sorted(set(zip(messages["source"], messages["target"])))
        wanted = [tuple(self._global(it, rank) for rank in edge) for edge in edges for it in range(self._replicas)]
        shared = [(stage,) for stage in range(self.plan.stages)] + ties.stages
        return wanted + [ranks for ranks in map(self._holders, shared) if len(ranks) > 1]

    def _make_equal(self) -> None:
        for shared in self._shared:
            shared.make_equal()
        for stage, module in sorted(self.modules.items()):
            ranks = self._holders((stage,))
            for buffer in module.buffers() if len(ranks) > 1 else ():
                dist.broadcast(buffer, ranks[0], self._groups[ranks])

    def _compile(self) -> List[_Slot]:
        rows = self.plan.messages()
        messages: Dict[int, _Message] = {}
        edges: Dict[Tuple[int, int], Edge] = {}
        seen = set()
        order = sorted(range(len(rows["source"])), key=lambda it: rows["producer"][it])  # of sending, on each edge
        for number in order:
            ends = rows["source"][number], rows["target"][number]
            if self.rank not in ends:
                continue
            if ends not in edges:
                pair = tuple(self._global(self.replica, it) for it in ends)
                peer = pair[1] if ends[0] == self.rank else pair[0]
                edges[ends] = Edge(self._groups[pair], peer, self._device)
            stage = rows["stage"][number]
            direction = FORWARD if rows["direction"][number] == "forward" else BACKWARD
            brings_layout = direction == FORWARD and (ends, stage) not in seen
            if direction == FORWARD:
                seen.add((ends, stage))
            messages[number] = _Message((stage, rows["micro_batch"][number]), direction, edges[ends], brings_layout)
        columns = self.plan.order(self.rank)
        slots = []
        for place, entry in enumerate(self.plan.program(self.rank)):
            kind = columns["kind"][place]
            own = columns["stage"][place], columns["micro_batch"][place]
            pair = columns["backward_stage"][place], columns["backward_micro_batch"][place]
            listed = {name: [messages.get(it) for it in entry[name]] for name in entry}
            slots.append(
                _Slot(
                    kind,
                    own if kind[0] == "F" else None,
                    pair if len(kind) == 2 else own if kind != "F" else None,
                    listed["post"],
                    listed["sent"],
                    [it for it in listed["inputs"] if it],
                    listed["outputs"],
                )
            )
        return slots

    # Steps.

    def parameters(self) -> List[nn.Parameter]:
        """The parameters of this rank, each once."""
        return list(self._parameters)

    def train(self, mode: bool = True) -> "Pipeline":
        for module in self.modules.values():
            module.train(mode)
        return self

    def eval(self) -> "Pipeline":
        return self.train(False)

    def step(self, inputs=None, targets=None, *, trace: Optional[str] = None, **shared) -> Tensor:
        """Runs one training step and adds to every .grad what a backward pass of the mean loss over all micro-batches, of
        all replicas, would add. Returns that loss, on every rank.

        inputs: a tensor, or a tuple of tensors, of this replica's batch; cut along dimension 0 into plan.micro_batches
            equal parts. Only ranks that hold stage 0 need it.
        targets: likewise, for ranks that hold the last stage. loss_fn gets a part as it was given: a tensor, or a tuple.
        shared: tensors that every stage gets as keyword arguments, cut likewise (masks, positions).
        trace: a file for a Pipeloom trace of this step, which rank 0 of replica 0 writes. On a GPU such a step waits for the
            GPU before and after each slot.

        Raises PipelineError if this rank or another can't go on. The pipeline is of no use after that.
        """
        for it in self._shared:
            it.put_gradients_aside()
        times = [] if trace else None
        loss = self._run(inputs, targets, shared, training=True, times=times)
        self._shapes_are_known = True
        try:
            for it in self._shared:
                it.reduce_gradients()
        except RuntimeError as error:
            raise self._failure(len(self._slots), _Broken("the gradients", "adds up", error)) from error
        if trace:
            self._write_trace(trace, times)
        return loss

    def evaluate(self, inputs=None, targets=None, **shared) -> Tensor:
        """Runs the forward passes alone, without gradients. Takes and returns what step() does. Does not change whether
        modules are in training mode: call eval() before and train() after."""
        return self._run(inputs, targets, shared, training=False)

    def _run(self, inputs, targets, shared, training: bool, times=None) -> Tensor:
        place = -1
        try:
            self._inputs = self._parts("inputs", inputs, 0)
            self._targets = self._parts("targets", targets, self.plan.stages - 1)
            self._extras = self._named_parts(shared)
            self._training = training
            with torch.set_grad_enabled(training):
                run = self._run_slot if training else self._evaluate_slot
                for place, slot in enumerate(self._slots):
                    run(slot, times)
            place = len(self._slots)
            for message in list(self._sends):
                self._retire(message)
            return self._mean_loss()
        except Exception as error:
            raise self._failure(place, error) from error
        finally:
            self._forget()

    def _run_slot(self, slot: _Slot, times) -> None:
        for message in slot.posts:
            self._post(message)
        for message in slot.sent:
            self._retire(message)
        for message in slot.inputs:
            self._take(message)
        begin = self._now() if times is not None else 0
        hook = self._overlap_hook(slot) if self._overlaps and slot.kind == "FB" else None
        if hook:
            self._run_overlapped(slot, hook)
        else:
            if slot.forward:
                self._forward(slot.forward, slot.outputs[FORWARD])
            if slot.backward:
                self._backward(slot.kind[-1], slot.backward, slot.outputs[BACKWARD])
        if times is not None:
            times.append((begin, self._now()))

    def _evaluate_slot(self, slot: _Slot, _) -> None:
        for message in slot.posts:
            if message.direction == FORWARD:
                self._post(message)
        if not slot.forward:
            return
        for message in slot.inputs:
            if message.direction == FORWARD:
                self._take(message)
        self._forward(slot.forward, slot.outputs[FORWARD])

    # Passes.

    def _forward(self, cell: Cell, output: Optional[_Message]) -> None:
        stage, micro_batch = cell
        inputs = self._inputs[micro_batch] if stage == 0 else self._arrived.pop((FORWARD, stage - 1, micro_batch))
        returned = self.modules[stage](*inputs, **self._extras[micro_batch])
        if stage == self._last:
            loss = self._scaled_loss(returned, self._targets[micro_batch])
            self._keep_loss(cell, inputs, loss)
            return
        outputs = returned if isinstance(returned, tuple) else (returned,)
        self._keep_and_send(cell, inputs, outputs, output)

    def _backward(self, kind: str, cell: Cell, output: Optional[_Message]) -> None:
        if kind == "W":
            with torch.no_grad():
                for work in self._deferred.pop(cell):
                    work()
            return
        inputs, outlet = self._held.pop(cell)
        if kind == "I":
            self._deferred[cell] = deferral.start()
            self._run_graph(cell, outlet)
            deferral.stop()
        else:
            self._run_graph(cell, outlet)
        if cell[0] > 0:
            self._send_gradients(cell, inputs, output)

    def _scaled_loss(self, returned, target) -> Tensor:
        loss = self._loss_fn(returned, target)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise ValueError("loss_fn has to return a tensor of one number, the mean loss of a micro-batch")
        return loss / self._micro_batches

    def _keep_loss(self, cell: Cell, inputs: Sequence[Tensor], loss: Tensor) -> None:
        self._losses.append(loss.detach())
        if self._training:
            self._held[cell] = inputs, loss

    def _keep_and_send(self, cell: Cell, inputs, outputs: Sequence[Tensor], message: Optional[_Message]) -> None:
        layout = self._checked_layout(cell, outputs)
        if self._training:
            differentiable = [it for it in outputs if it.requires_grad]
            self._held[cell] = inputs, differentiable if self._overlaps else outlet_of(differentiable)
        sent = [it.detach() for it in outputs]
        if message is None:
            self._arrive((FORWARD, *cell), sent, layout)
            return
        self._send(message, sent, layout if self._sends_layout(message) else None)

    def _run_graph(self, cell: Cell, outlet) -> None:
        if cell[0] == self._last:
            torch.autograd.backward(outlet)
            return
        gradients = self._arrived.pop((BACKWARD, cell[0] + 1, cell[1]))
        if gradients:
            (torch.autograd.backward if self._overlaps else run_backward)(outlet, gradients)

    def _send_gradients(self, cell: Cell, inputs: Sequence[Tensor], message: Optional[_Message]) -> None:
        gradients = [torch.zeros_like(it) if it.grad is None else it.grad for it in inputs if it.requires_grad]
        if message is None:
            self._arrived[(BACKWARD, *cell)] = gradients
            return
        self._send(message, gradients, None)

    # A pair whose two passes the user's code overlaps, as DeepSeek's DualPipe calls it.

    def _overlap_hook(self, slot: _Slot):
        one, two = type(self.modules[slot.forward[0]]), type(self.modules[slot.backward[0]])
        return getattr(one, "overlapped_forward_backward", None) if one is two else None

    def _run_overlapped(self, slot: _Slot, hook) -> None:
        stage, micro_batch = slot.forward
        inputs = self._inputs[micro_batch] if stage == 0 else self._arrived.pop((FORWARD, stage - 1, micro_batch))
        is_last = stage == self._last
        kept_inputs, outlet = self._held.pop(slot.backward)
        ends = slot.backward[0] == self._last
        gradients = [] if ends else self._arrived.pop((BACKWARD, slot.backward[0] + 1, slot.backward[1]))
        outputs, loss = hook(
            self.modules[stage],
            list(inputs),
            (lambda *it: self._scaled_loss(it[0] if len(it) == 2 else it[:-1], it[-1])) if is_last else None,
            [self._targets[micro_batch]] if is_last else [],
            self.modules[slot.backward[0]],
            outlet if ends else None,
            [] if ends else outlet,
            list(gradients),
        )
        if is_last:
            self._keep_loss(slot.forward, inputs, loss)
        else:
            self._keep_and_send(slot.forward, inputs, tuple(outputs), slot.outputs[FORWARD])
        if slot.backward[0] > 0:
            self._send_gradients(slot.backward, kept_inputs, slot.outputs[BACKWARD])

    # Messages.

    def _checked_layout(self, cell: Cell, outputs: Sequence[Any]) -> Layout:
        stage = cell[0]
        for it in outputs:
            if not isinstance(it, Tensor):
                raise ValueError(f"stage {stage} returned {type(it).__name__}; allowed are a tensor and a tuple of tensors")
        layout = layout_of(outputs)
        if not (self._training and self._fixed_shapes):
            self._layouts_of_cells[cell] = layout
        elif self._layouts.setdefault(stage, layout) != layout:
            raise ValueError(
                f"stage {stage} returned {layout_text(layout)}, and {layout_text(self._layouts[stage])} for an earlier "
                "micro-batch; give fixed_shapes=False if shapes change"
            )
        return layout

    def _sends_layout(self, message: _Message) -> bool:
        every = not (self._training and self._fixed_shapes)
        return every or (message.brings_layout and not self._shapes_are_known)

    def _send(self, message: _Message, tensors: List[Tensor], layout: Optional[Layout]) -> None:
        tensors = [it.contiguous() for it in tensors]
        try:
            works = [] if layout is None else [message.edge.send_layout(layout)]
            works += message.edge.send(tensors)
        except RuntimeError as error:
            raise _Broken(message, "sends", error) from error
        self._sends[message] = works, tensors

    def _layout_to_come(self, message: _Message) -> Layout:
        stage, micro_batch = message.cell
        if message.direction == FORWARD:
            if not self._sends_layout(message):
                return self._layouts[stage]
            layout = message.edge.receive_layout()
            if self._training and self._fixed_shapes:
                self._layouts[stage] = layout
            return layout
        taken = self._layouts[stage - 1] if self._fixed_shapes else self._layouts_of_cells[(stage - 1, micro_batch)]
        return tuple(it for it in taken if it[2])

    def _post(self, message: _Message) -> None:
        try:
            layout = self._layout_to_come(message)
            self._receiving[message] = (*message.edge.receive(layout), layout)
        except RuntimeError as error:
            raise _Broken(message, "waits for", error) from error

    def _take(self, message: _Message) -> None:
        works, tensors, layout = self._receiving.pop(message)
        try:
            for work in works:
                work.wait()
        except RuntimeError as error:
            raise _Broken(message, "waits for", error) from error
        if message.direction == FORWARD:
            self._arrive((FORWARD, *message.cell), tensors, layout)
        else:
            self._arrived[(BACKWARD, *message.cell)] = tensors

    def _arrive(self, key: Tuple[int, int, int], tensors: List[Tensor], layout: Layout) -> None:
        if self._training:
            for tensor, (_, _, has_gradient) in zip(tensors, layout):
                tensor.requires_grad_(has_gradient)
        self._arrived[key] = tensors

    def _retire(self, message: _Message) -> None:
        works, _ = self._sends.pop(message)
        try:
            for work in works:
                work.wait()
        except RuntimeError as error:
            raise _Broken(message, "sends", error) from error

    def _mean_loss(self) -> Tensor:
        on_gpu = dist.get_backend(self._group) == "nccl"
        loss = torch.zeros((), dtype=torch.float64, device=self._device if on_gpu else "cpu")
        if self._losses:
            loss += torch.stack(self._losses).double().sum().to(loss.device)
        try:
            dist.all_reduce(loss, group=self._group)
        except RuntimeError as error:
            raise _Broken("the loss", "adds up", error) from error
        return loss / self._replicas

    # What a step is given.

    def _parts(self, name: str, value, stage: int) -> Optional[List]:
        if stage not in self.modules:
            return None
        if value is None:
            raise ValueError(f"{name} is None on a rank that holds stage {stage}")
        if isinstance(value, Tensor):
            parts = self._cut(name, value)
            return [(it,) for it in parts] if name == "inputs" else parts
        return list(zip(*(self._cut(name, it) for it in value)))

    def _named_parts(self, shared: Dict[str, Tensor]) -> List[Dict[str, Tensor]]:
        if not shared:
            return [{}] * self._micro_batches
        parts = {name: self._cut(name, value) for name, value in shared.items()}
        return [{name: it[part] for name, it in parts.items()} for part in range(self.plan.micro_batches)]

    def _cut(self, name: str, value: Tensor) -> Sequence[Tensor]:
        rows, parts = value.shape[0] if value.dim() else 0, self.plan.micro_batches
        if rows == 0 or rows % parts:
            raise ValueError(f"{name} has {rows} rows; they can't be cut into {parts} equal micro-batches")
        return value.chunk(parts)

    def _forget(self) -> None:
        """Drops what a step holds."""
        self._inputs = self._targets = self._extras = None
        self._losses: List[Tensor] = []
        self._arrived: Dict[Tuple[int, int, int], List[Tensor]] = {}  # by direction and the cell of the pass that made them
        self._held: Dict[Cell, Tuple] = {}  # from F to B or I: inputs, and the outlet of the graph
        self._deferred: Dict[Cell, List[Callable[[], None]]] = {}  # from I to W
        self._receiving: Dict[_Message, Tuple] = {}
        self._sends: Dict[_Message, Tuple] = {}
        self._layouts_of_cells: Dict[Cell, Layout] = {}

    # Failures and traces.

    def _failure(self, place: int, error: Exception) -> PipelineError:
        deferral.stop()
        where = f"slot {place} ({self._slots[place]})" if 0 <= place < len(self._slots) else "the end of the step"
        if place < 0:
            where = "the begin of the step"
        who = f"rank {self.rank}" + (f" of replica {self.replica}" if self._replicas > 1 else "")
        words = f"{who} stopped at {where}: {error if isinstance(error, _Broken) else _words(error)}"
        cause = None
        if isinstance(error, _Broken):
            # Whoever failed with words left them before its connections closed. A rank whose connection to a killed one
            # broke can name it, so one that was in a collective waits longer.
            cause = self._board.read(dist.get_rank(), seconds=0.3 if error.names_a_process else 1.5)
            if cause is None and not error.names_a_process:
                words += f"; silent until now: {', '.join(f'process {it}' for it in self._board.silent(self._ranks))}"
        if cause is None:
            self._board.post(words)
        self._forget()
        self._groups.close()
        return PipelineError(words if cause is None else f"{words}; first, {cause}")

    def _now(self) -> int:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter_ns()

    def _write_trace(self, path: str, times: List[Tuple[int, int]]) -> None:
        """Brings the times of all ranks together: on one machine by its clock, else by the moment that a barrier ends."""
        dist.barrier(group=self._group)
        now = time.perf_counter_ns()
        everybody: List = [None] * len(self._ranks)
        dist.all_gather_object(everybody, (socket.gethostname(), now, times), group=self._group)
        one_clock = len({host for host, _, _ in everybody}) == 1
        if self.rank == 0 and self.replica == 0:
            ranks = [
                [(begin, end) if one_clock else (begin - at, end - at) for begin, end in of_rank]
                for _, at, of_rank in everybody[: self.plan.ranks]
            ]
            self.plan.write_trace(path, ranks, self.plan.schedule)


class _Broken(Exception):
    """Something that could not be sent or received: a message, or numbers that all ranks add up."""

    def __init__(self, what, verb: str, error: Exception):
        self.names_a_process = isinstance(what, _Message)
        super().__init__(f"{verb} {_message_name(what) if self.names_a_process else what}: {_words(error)}")


def _message_name(message: _Message) -> str:
    kind = "F" if message.direction == FORWARD else "the gradient of "
    stage, micro_batch = message.cell
    name = f"{kind}{micro_batch} of stage {stage}" if kind == "F" else f"{kind}micro-batch {micro_batch} of stage {stage}"
    return f"{name} ({message.edge})"


def _words(error: Exception) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else ""
    return first if isinstance(error, (PipelineError, RuntimeError)) and first else f"{type(error).__name__}: {first}"


def _ranks_of(group) -> List[int]:
    """Returns the group's ranks in the default group."""
    if group is None:
        return list(range(dist.get_world_size()))
    if hasattr(dist, "get_process_group_ranks"):
        return list(dist.get_process_group_ranks(group))
    return sorted(dist.distributed_c10d._pg_group_ranks[group])  # torch before 2.0
