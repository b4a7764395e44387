#include "backend/device/program/kernel_spans.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/device/program/launch_lowering.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kBegin_ns = 1'000'000;

struct Step {
  Step()
      : plan(tests::plan_with(tests::training_job(tests::tiny_dense(), 2, 2), "1f1b").value()),
        graph(lower(plan)),
        program(lower_launches(launch_graph(plan), {}).value()) {}

  uint32_t number(int rank, int slot, TaskKind kind, Component component = Component::kStage) const {
    for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
      const TaskKey& key = graph.tasks()[task].key;
      if (key.rank == rank && key.slot == slot && key.kind == kind &&
          (component == Component::kStage || key.component == component)) {
        return task;
      }
    }
    ADD_FAILURE() << "no such task";
    return 0;
  }
  const Span& span(const std::vector<Span>& spans, uint32_t task) const {
    const auto found = std::ranges::find(spans, graph.tasks()[task].key, &Span::key);
    EXPECT_NE(found, spans.end());
    return *found;
  }

  Plan plan;
  TaskGraph graph;
  LaunchProgram program;
};

TEST(KernelSpans, ATaskLastsFromItsFirstKernelToItsLast) {
  const Step step;
  const uint32_t embedding = step.number(0, 0, TaskKind::kComponent, Component::kEmbed);
  const KernelRecord records[] = {{embedding, kBegin_ns + 700, kBegin_ns + 900},
                                  {embedding, kBegin_ns + 100, kBegin_ns + 300}};
  const auto spans = spans_of_kernels(step.graph, step.program, records, kBegin_ns, 3);
  EXPECT_EQ(spans.size(), step.graph.tasks().size());
  EXPECT_EQ(step.span(spans, embedding).begin_ns, 100);
  EXPECT_EQ(step.span(spans, embedding).end_ns, 900);
  EXPECT_EQ(step.span(spans, embedding).queued_ns, 100);
  EXPECT_EQ(step.span(spans, embedding).replica, 3);
}

TEST(KernelSpans, AReceiveEndsWithItsSend) {
  const Step step;
  const uint32_t send = step.number(0, 0, TaskKind::kSend);
  const uint32_t receive = step.number(1, 0, TaskKind::kReceive);
  const KernelRecord records[] = {{send, kBegin_ns + 500, kBegin_ns + 800}};
  const auto spans = spans_of_kernels(step.graph, step.program, records, kBegin_ns, 0);
  EXPECT_EQ(step.span(spans, receive).begin_ns, 800);
  EXPECT_EQ(step.span(spans, receive).end_ns, 800);
  EXPECT_EQ(step.span(spans, receive).wait, (Wait{WaitKind::kMessage, {}, 0}));
  EXPECT_EQ(step.span(spans, receive).bytes, step.graph.tasks()[receive].bytes);
}

// What a task of rank 1 begins by: its own receive, which it names.
TEST(KernelSpans, ATaskNamesWhatItGotLast) {
  const Step step;
  const uint32_t send = step.number(0, 0, TaskKind::kSend);
  const uint32_t receive = step.number(1, 0, TaskKind::kReceive);
  const uint32_t first = step.number(1, 0, TaskKind::kComponent);
  const KernelRecord records[] = {{send, kBegin_ns + 500, kBegin_ns + 800}, {first, kBegin_ns + 850, kBegin_ns + 950}};
  const auto spans = spans_of_kernels(step.graph, step.program, records, kBegin_ns, 0);
  EXPECT_EQ(step.span(spans, first).wait.kind, WaitKind::kTask);
  EXPECT_EQ(step.span(spans, first).wait.task, step.graph.tasks()[receive].key);
  EXPECT_EQ(step.span(spans, first).queued_ns, 850);
}

}  // namespace
}  // namespace pipeloom::backend
