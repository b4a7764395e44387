"""The bindings: what they return is what the command prints, and what they refuse has its words."""

from __future__ import annotations

import _thread
import json
import os
import subprocess
import tempfile
import threading
import time
import unittest

import pipeloom

DEEPSEEK = os.path.join(os.path.dirname(__file__), "../../../samples/deepseek-v3.txtpb")


def command(*arguments):
    """Returns what the `pipeloom` command prints with --json."""
    run = subprocess.run([os.environ["PIPELOOM_COMMAND"], *arguments, "--json"], capture_output=True, check=True)
    return json.loads(run.stdout)


def endless_search(budget_s):
    """Searches where the bound is out of reach."""
    job = pipeloom.simple_job(8, 24, "F=3,I=4,W=2,link=1")
    return pipeloom.search(job, budget_s=budget_s, workers=1, placement="v", memory_cap=[10])


class Planning(unittest.TestCase):
    def test_compares_as_the_command_does(self):
        rows = pipeloom.compare(pipeloom.load_job(DEEPSEEK))
        printed = command("compare", DEEPSEEK)["schedules"]
        self.assertEqual([row["schedule"] for row in rows], [row["schedule"] for row in printed])
        for row, other in zip(rows, printed):
            self.assertEqual(row.get("reason"), other.get("reason"))
            if row["runs"]:
                self.assertEqual(row["step_ns"] / 1e6, other["time_per_step"])
                self.assertEqual(row["peak_memory_bytes"], other["peak_memory_bytes"])

    def test_plans_as_the_command_does(self):
        plan = pipeloom.plan(pipeloom.load_job(DEEPSEEK), "dualpipe")
        printed = command("plan", DEEPSEEK, "--schedule", "dualpipe")
        self.assertEqual(plan.step_ns / 1e6, printed["time_per_step"])
        self.assertEqual(plan.makespan_ns / 1e6, printed["makespan"])

    def test_of_a_model_counts_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            plan = pipeloom.plan(pipeloom.load_job(DEEPSEEK), "dualpipe")
            plan.save(f"{folder}/my.plan")
            printed = command("memory", f"{folder}/my.plan")["ranks"]
        for rank, other in zip(plan.memory(), printed, strict=True):
            for name in ("weights_bytes", "activations_bytes", "total_bytes"):
                self.assertEqual(rank[name], other[name])

    def test_saves_a_plan_that_loads_again(self):
        plan = pipeloom.plan(pipeloom.simple_job(4, 8), "zb-h1")
        with tempfile.TemporaryDirectory() as folder:
            plan.save(f"{folder}/my.plan")
            again = pipeloom.load_plan(f"{folder}/my.plan")
        self.assertEqual(again.digest, plan.digest)
        self.assertEqual(again.order(2), plan.order(2))
        self.assertIsNone(again.search)

    def test_searches_the_same_for_a_seed(self):
        job = pipeloom.simple_job(4, 6, "F=3,I=4,W=2,link=1")
        one, two = (pipeloom.search(job, moves=2000, seed=7, workers=it) for it in (1, 2))
        self.assertEqual(one.digest, two.digest)
        self.assertLessEqual(one.search["bound_ns"], one.makespan_ns)
        self.assertFalse(one.search["interrupted"])

    def test_draws_a_plan(self):
        svg = pipeloom.plan(pipeloom.simple_job(2, 4), "1f1b")._repr_svg_()
        self.assertTrue(svg.startswith("<svg"), svg[:40])
        self.assertIn("1F1B: 2 ranks, 2 stages (linear), 4 micro-batches", svg)

    def test_errors_are_the_words_of_the_command(self):
        job = pipeloom.simple_job(4, 8)
        for call, code, words in (
            (lambda: pipeloom.load_job("none.txtpb"), "not found", "can't read none.txtpb: No such file or directory"),
            (lambda: pipeloom.plan(job, "1f2b"), "not found", '"1f2b"'),
            (lambda: pipeloom.simple_job(4, 8, "F=1,B=x"), "invalid", "--times: B: "),
            (lambda: pipeloom.search(job, budget_s=-1), "invalid", "budget_s is -1; allowed are seconds, more than 0"),
            (lambda: pipeloom.search(job, moves=5, memory_cap=[1, 2]), "invalid", "--memory-cap has 2 entries"),
        ):
            with self.assertRaises(pipeloom.Error) as raised:
                call()
            self.assertIn(words, str(raised.exception))
            self.assertEqual(raised.exception.code, code)

    def test_refuses_a_rank_that_is_not_there(self):
        with self.assertRaisesRegex(IndexError, "rank is 4; allowed are 0 to 3"):
            pipeloom.plan(pipeloom.simple_job(4, 8), "1f1b").order(4)


class Orders(unittest.TestCase):
    def test_have_a_row_for_each_slot(self):
        order = pipeloom.plan(pipeloom.simple_job(2, 2), "1f1b").order(0)
        self.assertEqual(order["kind"], ["F", "F", "B", "B"])
        self.assertEqual(list(order["micro_batch"]), [0, 1, 0, 1])
        self.assertEqual(list(order["begin_ns"]), [0, 1_000_000, 4_000_000, 7_000_000])

    def test_post_receives_in_the_order_of_their_sends(self):
        plan = pipeloom.plan(pipeloom.simple_job(4, 8), "zb-v")
        messages = plan.messages()
        for rank in range(4):
            posted = [it for slot in plan.program(rank) for it in slot["post"]]
            for source in range(4):
                sent = [messages["producer"][it] for it in posted if messages["source"][it] == source]
                self.assertEqual(sent, sorted(sent))


class Threads(unittest.TestCase):
    def test_run_beside_a_search(self):
        search = threading.Thread(target=lambda: endless_search(1))
        search.start()
        beats = 0
        while search.is_alive():
            time.sleep(0.01)
            beats += 1
        self.assertGreater(beats, 20)

    def test_ctrl_c_ends_a_search_with_the_best_so_far(self):
        threading.Timer(0.5, _thread.interrupt_main).start()
        begin = time.monotonic()
        plan = endless_search(60)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertTrue(plan.search["interrupted"])
        self.assertEqual(plan.ranks, 8)


if __name__ == "__main__":
    unittest.main()
