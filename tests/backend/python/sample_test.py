"""samples/pytorch/train_gpt.py: equal losses without a pipeline, with a schedule by name and with a plan's file, and a trace
of the run that the command reads."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import with_torch  # ends the program where there is no PyTorch

SCRIPT = os.path.join(os.path.dirname(__file__), "../../../samples/pytorch/train_gpt.py")
SMALL = ["--steps", "3", "--rows", "8", "--width", "16"]


def losses_of(output):
    return [float(it) for it in re.findall(r"loss ([0-9.]+)", output)]


def train_alone():
    return subprocess.run([sys.executable, SCRIPT, *SMALL], capture_output=True, check=True, text=True).stdout


def train(world, *options):
    """Starts the processes with what torchrun gives them: the launcher of Debian's PyTorch 1.13 can't run on Python 3.11."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = [
        subprocess.Popen(
            [sys.executable, SCRIPT, *SMALL, *options],
            env={
                **os.environ,
                "RANK": str(rank),
                "WORLD_SIZE": str(world),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world)
    ]
    outputs = [rank.communicate(timeout=120)[0] for rank in ranks]
    for rank, output in zip(ranks, outputs):
        if rank.returncode != 0:
            raise RuntimeError(output)
    return outputs[0]


def command(*arguments):
    return subprocess.run(
        [os.environ["PIPELOOM_COMMAND"], *arguments], capture_output=True, check=True, text=True
    ).stdout


class Sample(unittest.TestCase):
    def expect_equal(self, output, expected):
        losses = losses_of(output)
        self.assertEqual(len(losses), len(expected), output)
        for loss, other in zip(losses, expected):
            self.assertAlmostEqual(loss, other, delta=2e-5)  # float32, and sums in another order

    def test_trains_alike_by_any_way_and_leaves_a_trace(self):
        expected = losses_of(train_alone())
        self.assertEqual(len(expected), 3)
        self.expect_equal(train(4, "--schedule", "dualpipe"), expected)
        with tempfile.TemporaryDirectory() as folder:
            plan, trace = f"{folder}/my.plan", f"{folder}/my.trace"
            command("plan", "--ranks", "4", "--micro-batches", "8", "--times", "F=1,I=1,W=1", "--placement", "v",
                    "--memory-cap", "6", "--moves", "2000", "-o", plan)
            self.expect_equal(train(4, "--plan", plan, "--trace", trace), expected)
            difference = command("diff", plan, trace)
        for row in ("stage F     64", "stage I     64", "stage W     64"):  # all passes of 8 stages and micro-batches
            self.assertIn(row, difference)


if __name__ == "__main__":
    unittest.main()
