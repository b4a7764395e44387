#include "tests/proto/random_inputs.h"

#include <algorithm>
#include <limits>

#include "tests/proto/random_draws.h"

namespace pipeloom::tests {

Schedule gpipe(int ranks, int micro_batches) {
  RankOrders orders(ranks);
  for (int rank = 0; rank < ranks; ++rank) {
    for (int i = 0; i < micro_batches; ++i) orders[rank].push_back(Slot::forward(rank, i));
    for (int i = 0; i < micro_batches; ++i) orders[rank].push_back(Slot::backward(rank, i));
  }
  return value_of(Schedule::create(value_of(Placement::linear(ranks)), micro_batches, orders));
}

namespace {

Placement random_placement(std::mt19937_64& random) {
  const int ranks = 2 * small(random, 1, 4);
  switch (between(random, 0, 4)) {
    case 0:
      return value_of(Placement::linear(ranks));
    case 1:
      return value_of(Placement::looped(ranks, small(random, 1, 3)));
    case 2:
      return value_of(Placement::v(ranks));
    case 3:
      return value_of(Placement::wave(ranks, small(random, 1, 3)));
    default:
      return value_of(Placement::bidirectional(ranks, ranks % 4 == 0 ? small(random, 1, 2) : 1));
  }
}

void run_backward(std::mt19937_64& random, const Placement& placement, int pipe, int micro_batch, RankOrders& orders) {
  const bool split = sometimes(random);
  for (int stage = placement.stages() - 1; stage >= 0; --stage) {
    std::vector<Slot>& order = orders[placement.rank_of(pipe, stage)];
    order.push_back(split ? Slot::input_backward(stage, micro_batch) : Slot::backward(stage, micro_batch));
    if (split) order.push_back(Slot::weight_backward(stage, micro_batch));
  }
}

void run_forward(std::mt19937_64& random, const Placement& placement, int pipe, int micro_batch, RankOrders& orders) {
  for (int stage = 0; stage < placement.stages(); ++stage) {
    Slot slot = Slot::forward(stage, micro_batch);
    slot.send_later = static_cast<uint8_t>(between(random, 0, 1));
    slot.receive_early = static_cast<decltype(slot.receive_early)>(between(random, 0, 1));
    orders[placement.rank_of(pipe, stage)].push_back(slot);
  }
}

}  // namespace

// One micro-batch after the other, which can't deadlock; or pairs, on one rank.
Schedule random_schedule(std::mt19937_64& random) {
  const int micro_batches = small(random, 1, 12);
  if (sometimes(random)) {
    RankOrders orders(1);
    orders[0].push_back(Slot::forward(0, 0));
    for (int i = 1; i < micro_batches; ++i) {
      const bool weight_apart = sometimes(random);
      orders[0].push_back(Slot::pair(0, i, 0, i - 1, weight_apart ? SlotKind::kFI : SlotKind::kFB));
      if (weight_apart) orders[0].push_back(Slot::weight_backward(0, i - 1));
    }
    orders[0].push_back(Slot::backward(0, micro_batches - 1));
    return value_of(Schedule::create(value_of(Placement::linear(1)), micro_batches, orders));
  }
  const Placement placement = random_placement(random);
  const auto pipes =
      repeat(micro_batches, [&] { return static_cast<uint16_t>(between(random, 0, placement.pipes() - 1)); });
  RankOrders orders(placement.ranks());
  for (int i = 0; i < micro_batches; ++i) {
    run_forward(random, placement, pipes[i], i, orders);
    run_backward(random, placement, pipes[i], i, orders);
  }
  return value_of(Schedule::create(placement, pipes, orders));
}

namespace {

PassCost random_pass(std::mt19937_64& random) {
  const int64_t duration = time_ns(random);
  return {duration, between(random, 0, duration), between(random, 0, duration)};
}

PairCost random_pair(std::mt19937_64& random) {
  const auto offset = [&] { return between(random, 0, ScheduleCosts::kMaxPassNs); };
  return {ScheduleCosts::kMaxPassNs, offset(), offset(), offset(), offset()};
}

ScheduleCosts random_schedule_costs(std::mt19937_64& random, const Schedule& schedule) {
  const int64_t stages = schedule.stages();
  ScheduleCosts::Input input;
  input.classes = small(random, 1, 3);
  input.stages = repeat(input.classes * stages, [&] {
    return StageCost{random_pass(random), random_pass(random), random_pass(random), time_ns(random)};
  });
  if (sometimes(random)) {
    input.class_of_micro_batch =
        repeat(schedule.micro_batches(), [&] { return static_cast<uint8_t>(between(random, 0, input.classes - 1)); });
  }
  if (input.classes == 1) {
    input.pairs = repeat(stages * stages, [&] { return random_pair(random); });
    if (sometimes(random)) input.input_pairs = repeat(stages * stages, [&] { return random_pair(random); });
  }
  if (sometimes(random)) {
    input.links = repeat(int64_t{schedule.ranks()} * schedule.ranks(), [&] {
      return LinkCost{between(random, 0, 1'000'000), between(random, 1'000'000'000, 1'000'000'000'000)};
    });
  }
  if (sometimes(random)) input.message_bytes = repeat(input.classes, [&] { return between(random, 0, 1 << 30); });
  return value_of(ScheduleCosts::create(schedule.stages(), schedule.ranks(), std::move(input)));
}

ComponentCost random_component(std::mt19937_64& random) {
  return {small(random, -1, 100),
          static_cast<Component>(between(random, 0, 8)),
          static_cast<Lane>(between(random, 0, 4)),
          time_ns(random),
          time_ns(random),
          time_ns(random)};
}

StepCosts random_costs(std::mt19937_64& random, const Schedule& schedule) {
  const int64_t stages = schedule.stages();
  const auto any = [&] { return between(random, 0, int64_t{1} << 50); };
  StepCosts costs{.layers_per_stage = {},
                  .programs = {},
                  .schedule = random_schedule_costs(random, schedule),
                  .activations = repeat(stages,
                                        [&] {
                                          const int64_t total = any();
                                          return ActivationSize{total, between(random, 0, total)};
                                        }),
                  .states = repeat(stages,
                                   [&] {
                                     return StageState{any(), any(), any()};
                                   }),
                  .communication = repeat(stages,
                                          [&] {
                                            return StageCommunication{any(), any()};
                                          }),
                  .pair_hidden_ns = {},
                  .gradient_reduction_ns = repeat(stages, any),
                  .optimizer_ns = repeat(stages, any),
                  .norm_ns = any(),
                  .reserve = {any(), any(), any(), any()},
                  .flops_per_step = any()};
  costs.programs =
      repeat(stages, [&] { return repeat(between(random, 1, 9), [&] { return random_component(random); }); });
  if (sometimes(random)) costs.layers_per_stage = repeat(stages, [&] { return small(random, 0, 8); });
  if (sometimes(random)) {
    costs.temporaries = repeat(stages, [&] { return StageTemporaries{any(), any(), any(), any()}; });
    costs.dummy_gradients_bytes = repeat(schedule.ranks(), any);
  }
  if (sometimes(random)) costs.pair_hidden_ns = repeat(stages * stages, any);
  return costs;
}

}  // namespace

Plan random_plan(std::mt19937_64& random) {
  Job job = random_job(random);
  Schedule schedule = random_schedule(random);
  StepCosts costs = random_costs(random, schedule);
  const auto any = [&] { return between(random, 0, int64_t{1} << 62); };
  return {.job = std::move(job),
          .schedule_name = "a schedule",
          .schedule = std::move(schedule),
          .costs = std::move(costs),
          .comm_sms = small(random, 0, 132),
          .summary = {any(), any(), any()},
          .lowering_version = small(random, 0, 9),
          .task_digest = random()};
}

Trace random_trace(std::mt19937_64& random, int spans) {
  Trace trace{"a trace", random(), {}, static_cast<int64_t>(random() % 1'000'000)};
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto any_int = [&] { return static_cast<int32_t>(random()); };
  for (int i = 0; i < spans; ++i) {
    Span& span = trace.spans.emplace_back();
    span.key = {any_int(),
                any_int(),
                any_int(),
                static_cast<Component>(between(random, 0, 8)),
                static_cast<SlotKind>(between(random, 0, 4)),
                static_cast<TaskKind>(between(random, 0, 5))};
    span.lane = static_cast<Lane>(between(random, 0, 4));
    span.begin_ns = between(random, std::numeric_limits<int64_t>::min(), kMost);
    span.end_ns = between(random, span.begin_ns, kMost);
    if (sometimes(random)) continue;
    span.replica = any_int();
    span.queued_ns = between(random, 0, kMost);
    span.waited_ns = between(random, 0, kMost);
    span.bytes = between(random, 0, kMost);
    span.wait.kind = static_cast<WaitKind>(between(random, 0, 4));
    if (span.wait.kind == WaitKind::kTask) {
      span.wait.task = {span.key.rank,
                        any_int(),
                        any_int(),
                        static_cast<Component>(between(random, 0, 8)),
                        static_cast<SlotKind>(between(random, 0, 4)),
                        static_cast<TaskKind>(between(random, 0, 5))};
    } else if (span.wait.kind != WaitKind::kNone) {
      span.wait.rank = any_int();
    }
  }
  return trace;
}

}  // namespace pipeloom::tests
