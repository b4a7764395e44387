#include "planner/schedules/zero_bubble_heuristic.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

constexpr int64_t kNoInput = -1;  // arrival of a pass that needs no input from another rank

// The inputs for one stage and the rank that holds it.
struct StageFacts {
  int64_t forward_ns = 0;
  int64_t input_ns = 0;
  int64_t weight_ns = 0;
  int64_t from_previous_ns = 0;  // latency of the link from the previous stage
  int64_t from_next_ns = 0;
  ActivationSize size;
  int64_t limit = 0;

  // Memory for an F, and room for the next I.
  int64_t needed() const { return size.total + size.growth(); }
};

struct Rules {
  bool warm_up_without_delay = false;  // in the warm-up, no F that delays the first I
  bool prefer_backward = false;        // hold back an F that would delay the next I
  bool always_fill = false;            // let a W delay the next pass even if the rank could afford to wait
};

// How far a stage has come.
struct Progress {
  int forwards = 0;
  int inputs = 0;
  int weights = 0;
  int64_t clock_ns = 0;
  int64_t memory = 0;
  int64_t bubble_ns = 0;  // idle since the first F

  int waiting_weights() const { return inputs - weights; }
};

class Attempt {
 public:
  Attempt(const std::vector<StageFacts>& facts, int micro_batches, Rules rules)
      : facts_(facts),
        stages_(static_cast<int>(facts.size())),
        micro_batches_(micro_batches),
        rules_(rules),
        progress_(facts.size()),
        forward_end_ns_(facts.size() * micro_batches),
        input_end_ns_(facts.size() * micro_batches),
        kinds_(facts.size() * micro_batches * 3) {}

  void run() {
    warm_up();
    for (int m = 1; m < micro_batches_; ++m) {
      put_forwards();
      put_input_backwards();
    }
    for (int stage = 0; stage < stages_; ++stage) put_waiting_weights(stage);
  }

  // Returns the longest span of a rank.
  int64_t span_ns() const {
    int64_t span = 0;
    for (int stage = 0; stage < stages_; ++stage) {
      const int64_t begin = forward_end_ns_[cell(stage, 0)] - facts_[stage].forward_ns;
      span = std::max(span, progress_[stage].clock_ns - begin);
    }
    return span;
  }

  RankOrders orders() const {
    RankOrders orders(stages_);
    for (int stage = 0; stage < stages_; ++stage) {
      orders[stage].reserve(size_t{3} * micro_batches_);
      int next[4] = {};  // [kind] micro-batch
      const auto begin = kinds_.begin() + static_cast<std::ptrdiff_t>(3 * cell(stage, 0));
      for (auto kind = begin; kind != begin + 3 * static_cast<std::ptrdiff_t>(micro_batches_); ++kind) {
        orders[stage].push_back(Slot::pass(*kind, stage, next[static_cast<size_t>(*kind)]++));
      }
    }
    return orders;
  }

 private:
  size_t cell(int stage, int micro_batch) const { return static_cast<size_t>(stage) * micro_batches_ + micro_batch; }

  int64_t forward_arrival_ns(int stage) const {
    if (stage == 0) return kNoInput;
    return forward_end_ns_[cell(stage - 1, progress_[stage].forwards)] + facts_[stage].from_previous_ns;
  }

  int64_t input_arrival_ns(int stage) const {
    if (stage + 1 == stages_) return kNoInput;
    return input_end_ns_[cell(stage + 1, progress_[stage].inputs)] + facts_[stage].from_next_ns;
  }

  // Returns how long `stage` may wait without making the step longer: what the most idle rank has lost beyond it.
  int64_t slack_ns(int stage) const { return most_bubble_ns_ - progress_[stage].bubble_ns; }

  int64_t put(int stage, SlotKind kind, int64_t duration_ns, int64_t arrival_ns) {
    Progress& now = progress_[stage];
    const int64_t start = std::max(now.clock_ns, arrival_ns);
    if (now.forwards > 0) now.bubble_ns += start - now.clock_ns;
    most_bubble_ns_ = std::max(most_bubble_ns_, now.bubble_ns);
    now.clock_ns = start + duration_ns;
    kinds_[3 * cell(stage, 0) + now.forwards + now.inputs + now.weights] = kind;
    return now.clock_ns;
  }

  void put_forward(int stage) {
    const size_t output = cell(stage, progress_[stage].forwards);
    forward_end_ns_[output] = put(stage, SlotKind::kF, facts_[stage].forward_ns, forward_arrival_ns(stage));
    ++progress_[stage].forwards;
    progress_[stage].memory += facts_[stage].size.total;
  }

  void put_input_backward(int stage) {
    while (!input_backward_fits(stage) && progress_[stage].waiting_weights() > 0) put_weight(stage);
    const size_t output = cell(stage, progress_[stage].inputs);
    input_end_ns_[output] = put(stage, SlotKind::kI, facts_[stage].input_ns, input_arrival_ns(stage));
    ++progress_[stage].inputs;
    progress_[stage].memory -= facts_[stage].size.total - facts_[stage].size.kept_for_weight;
  }

  void put_weight(int stage) {
    PIPELOOM_THROW_UNLESS(progress_[stage].waiting_weights() > 0);
    put(stage, SlotKind::kW, facts_[stage].weight_ns, kNoInput);
    ++progress_[stage].weights;
    progress_[stage].memory -= facts_[stage].size.kept_for_weight;
  }

  void put_waiting_weights(int stage) {
    while (progress_[stage].waiting_weights() > 0) put_weight(stage);
  }

  // Puts F and I of the first micro-batch on all stages, with as many more F's before the I as time and memory allow.
  void warm_up() {
    for (int stage = 0; stage < stages_; ++stage) put_forward(stage);
    std::vector<int> more = forwards_that_fit();
    for (int stage = 1; stage < stages_; ++stage) {
      const bool all_are_there = more[stage - 1] == micro_batches_ - 1;
      if (!all_are_there) more[stage] = std::min(more[stage], std::max(more[stage - 1] - 1, 0));
    }
    for (int stage = 0; stage < stages_; ++stage) {
      for (int i = 0; i < more[stage]; ++i) put_forward(stage);
    }
    for (int stage = stages_ - 1; stage >= 0; --stage) put_input_backward(stage);
  }

  std::vector<int> forwards_that_fit() const {
    std::vector<int> more(stages_, 0);
    int64_t input_end_ns = progress_.back().clock_ns + facts_.back().input_ns;
    for (int stage = stages_ - 2; stage >= 0; --stage) {
      const StageFacts& facts = facts_[stage];
      const int64_t arrival = input_end_ns + facts.from_next_ns;
      int64_t memory = progress_[stage].memory;
      int64_t clock = progress_[stage].clock_ns;
      const auto in_time = [&] {
        return rules_.warm_up_without_delay ? clock + facts.forward_ns <= arrival : clock < arrival;
      };
      while (progress_[stage].forwards + more[stage] < micro_batches_ && memory + facts.needed() <= facts.limit &&
             in_time()) {
        memory += facts.size.total;
        clock += facts.forward_ns;
        ++more[stage];
      }
      input_end_ns = std::max(clock, arrival) + facts.input_ns;
    }
    return more;
  }

  void put_forwards() {
    std::vector<char>& wanted = forward_wanted_;
    wanted.resize(stages_);
    for (int stage = stages_ - 1; stage >= 0; --stage) {
      const bool wanted_behind = stage + 1 == stages_ || wanted[stage + 1];
      wanted[stage] = wanted_behind && wants_forward(stage);
    }
    for (int stage = 0; stage < stages_; ++stage) {
      if (!wanted[stage]) continue;
      while (!forward_fits(stage)) put_weight(stage);
      fill_until(stage, forward_arrival_ns(stage));
      put_forward(stage);
    }
  }

  bool wants_forward(int stage) const {
    const Progress& now = progress_[stage];
    if (now.forwards == micro_batches_) return false;
    if (!rules_.prefer_backward || stage + 1 == stages_ || now.forwards < progress_[stage + 1].forwards + 2)
      return true;
    const int64_t next_arrival = progress_[stage + 1].clock_ns + facts_[stage + 1].forward_ns +
                                 facts_[stage + 1].input_ns + facts_[stage].from_next_ns;
    if (now.clock_ns >= next_arrival) return false;
    if (now.clock_ns + weights_before_forward_ns(stage) + facts_[stage].forward_ns <= next_arrival) return true;
    return next_arrival - now.clock_ns > slack_ns(stage);
  }

  bool forward_fits(int stage) const { return progress_[stage].memory + facts_[stage].needed() <= facts_[stage].limit; }

  bool input_backward_fits(int stage) const {
    return progress_[stage].memory + facts_[stage].size.growth() <= facts_[stage].limit;
  }

  // Returns the time of the W's that must run before the next F so that it fits into memory.
  int64_t weights_before_forward_ns(int stage) const {
    const StageFacts& facts = facts_[stage];
    int64_t memory = progress_[stage].memory + facts.needed();
    int64_t weights_ns = 0;
    for (int i = 0; memory > facts.limit && i < progress_[stage].waiting_weights(); ++i) {
      memory -= facts.size.kept_for_weight;
      weights_ns += facts.weight_ns;
    }
    return weights_ns;
  }

  void put_input_backwards() {
    for (int stage = stages_ - 1; stage >= 0; --stage) {
      fill_until(stage, input_arrival_ns(stage));
      if (stage == 0 && progress_[stage].forwards == micro_batches_) put_waiting_weights(stage);
      put_input_backward(stage);
    }
  }

  // Puts W's that end before `arrival_ns`, then one that ends later if the rank can't afford to wait.
  void fill_until(int stage, int64_t arrival_ns) {
    const Progress& now = progress_[stage];
    while (now.waiting_weights() > 0 && now.clock_ns + facts_[stage].weight_ns <= arrival_ns) put_weight(stage);
    if (now.waiting_weights() == 0 || now.clock_ns >= arrival_ns) return;
    if (rules_.always_fill || arrival_ns - now.clock_ns > slack_ns(stage)) put_weight(stage);
  }

  const std::vector<StageFacts>& facts_;
  int stages_;
  int micro_batches_;
  Rules rules_;
  std::vector<Progress> progress_;
  std::vector<int64_t> forward_end_ns_;  // [stage][micro-batch]
  std::vector<int64_t> input_end_ns_;
  std::vector<SlotKind> kinds_;  // [stage][3 * micro_batches]; each kind takes its micro-batches in ascending order
  std::vector<char> forward_wanted_;
  int64_t most_bubble_ns_ = 0;
};

Result<std::vector<StageFacts>> stage_facts(const PipelineShape& shape, const ScheduleInputs& inputs,
                                            int memory_factor) {
  PIPELOOM_TRY(const auto sizes, activation_sizes(inputs, shape.ranks));
  std::vector<StageFacts> facts(shape.ranks);
  for (int stage = 0; stage < shape.ranks; ++stage) {
    const StageCost& cost = inputs.costs.stage(stage);
    StageFacts& fact = facts[stage];
    fact.forward_ns = cost.forward.duration_ns;
    fact.input_ns = cost.input_backward.duration_ns;
    fact.weight_ns = cost.weight_ns;
    if (stage > 0) fact.from_previous_ns = inputs.costs.link(stage - 1, stage).latency_ns;
    if (stage + 1 < shape.ranks) fact.from_next_ns = inputs.costs.link(stage + 1, stage).latency_ns;
    fact.size = sizes[stage];
    fact.limit = inputs.memory_limit != 0 ? inputs.memory_limit
                                          : int64_t{memory_factor} * shape.ranks * fact.size.total + fact.size.growth();
    PIPELOOM_RETURN_IF_ERROR(check_memory_limit(fact.limit, fact.needed()));
  }
  return facts;
}

}  // namespace

Result<Schedule> zero_bubble_heuristic(const PipelineShape& shape, const ScheduleInputs& inputs, int memory_factor) {
  PIPELOOM_RETURN_IF_ERROR(check_micro_batches(shape));
  PIPELOOM_TRY(Placement placement, Placement::linear(shape.ranks));
  PIPELOOM_TRY(const auto facts, stage_facts(shape, inputs, memory_factor));
  std::optional<Attempt> best;
  for (const bool without_delay : {true, false}) {
    for (const bool prefer_backward : {true, false}) {
      for (const bool always_fill : {true, false}) {
        Attempt attempt(facts, shape.micro_batches, Rules{without_delay, prefer_backward, always_fill});
        attempt.run();
        if (!best || attempt.span_ns() < best->span_ns()) best.emplace(std::move(attempt));
      }
    }
  }
  return Schedule::create(std::move(placement), shape.micro_batches, best->orders());
}

}  // namespace pipeloom::planner
