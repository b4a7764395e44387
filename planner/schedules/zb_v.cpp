#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

constexpr int64_t kNoInput = -1;  // arrival of a pass that needs no input from another rank
constexpr int64_t kNotYet = -1;   // end of a pass that has not been put

// A pass on one leg. F and I each pass the ranks twice: on leg 0 from rank 0 to the last one, on leg 1 back. On leg 0,
// F meets the first stage of a rank and I its second. A W has the leg of its I.
struct LegPass {
  SlotKind kind = SlotKind::kF;
  int leg = 0;
};

// The inputs, equal for all stages and ranks: the warm-up relies on ranks that progress equally fast and hold equally
// much.
struct Facts {
  int ranks = 0;
  int micro_batches = 0;
  int64_t forward_ns = 0;
  int64_t input_ns = 0;
  int64_t weight_ns = 0;
  int64_t latency_ns = 0;
  ActivationSize size;
  int64_t limit = 0;

  int64_t duration_ns(SlotKind kind) const {
    return kind == SlotKind::kF ? forward_ns : kind == SlotKind::kI ? input_ns : weight_ns;
  }

  int stage_of(LegPass pass, int rank) const {
    const bool is_first_stage = (pass.kind == SlotKind::kF) == (pass.leg == 0);
    return is_first_stage ? rank : 2 * ranks - 1 - rank;
  }

  // Returns the rank that the input comes from; outside 0 .. ranks-1 for the first rank of a leg.
  static int source_of(LegPass pass, int rank) { return pass.leg == 0 ? rank - 1 : rank + 1; }
  bool is_first_of_leg(LegPass pass, int rank) const { return pass.leg == 0 ? rank == 0 : rank == ranks - 1; }
};

struct Rules {
  bool fill_before_backward = false;  // on leg 0 only; leg 1 always fills
  bool fill_before_forward = false;
};

// How far a rank has come.
struct Progress {
  std::array<int, 2> forwards = {};  // [leg]
  std::array<int, 2> inputs = {};
  std::array<int, 2> weights = {};
  std::vector<uint8_t> legs_of_inputs;  // in the order of the I's, which the W's follow
  int64_t clock_ns = 0;
  int64_t memory = 0;
  int64_t bubble_ns = 0;  // idle since the first F

  std::array<int, 2>& done(SlotKind kind) {
    return kind == SlotKind::kF ? forwards : kind == SlotKind::kI ? inputs : weights;
  }
  bool has_waiting_weight() const { return legs_of_inputs.size() > next_weight(); }
  LegPass waiting_weight() const { return {SlotKind::kW, legs_of_inputs[next_weight()]}; }

 private:
  size_t next_weight() const { return static_cast<size_t>(weights[0]) + weights[1]; }
};

struct Outcome {
  RankOrders orders;
  std::vector<int64_t> bubbles_ns;  // [rank]
  int64_t most_bubble_ns = 0;
  int64_t most_memory = 0;
};

class Attempt {
 public:
  // `approved_ns`: the ranks' bubbles in an earlier attempt, or empty. A rank may then lose as much as the most idle
  // rank of that attempt lost beyond it.
  Attempt(const Facts& facts, Rules rules, const std::vector<int64_t>& approved_ns)
      : facts_(facts), rules_(rules), progress_(facts.ranks), approved_slack_ns_(facts.ranks, 0), orders_(facts.ranks) {
    const size_t cells = static_cast<size_t>(facts.ranks) * facts.micro_batches;
    for (auto& ends : forward_end_ns_) ends.assign(cells, kNotYet);
    for (auto& ends : input_end_ns_) ends.assign(cells, kNotYet);
    for (auto& order : orders_) order.reserve(size_t{6} * facts.micro_batches);
    if (approved_ns.empty()) return;
    const int64_t most = *std::max_element(approved_ns.begin(), approved_ns.end());
    for (int rank = 0; rank < facts.ranks; ++rank) approved_slack_ns_[rank] = most - approved_ns[rank];
  }

  Outcome run() {
    warm_up();
    balance_warm_up();
    for (int i = 0; i < 2 * facts_.micro_batches; ++i) {
      put_input_backwards();
      for (int rank = 0; rank < facts_.ranks; ++rank) put_next_forward(rank);
    }
    for (int rank = 0; rank < facts_.ranks; ++rank) {
      while (progress_[rank].has_waiting_weight()) put_weight(rank);
    }
    std::vector<int64_t> bubbles_ns;
    for (const Progress& progress : progress_) bubbles_ns.push_back(progress.bubble_ns);
    return {std::move(orders_), std::move(bubbles_ns), most_bubble_ns_, most_memory_};
  }

 private:
  static constexpr LegPass kForward[2] = {{SlotKind::kF, 0}, {SlotKind::kF, 1}};
  static constexpr LegPass kInput[2] = {{SlotKind::kI, 0}, {SlotKind::kI, 1}};

  int64_t& end_ns(LegPass pass, int rank, int micro_batch) {
    auto& ends = pass.kind == SlotKind::kF ? forward_end_ns_ : input_end_ns_;
    return ends[pass.leg][static_cast<size_t>(rank) * facts_.micro_batches + micro_batch];
  }

  int next_micro_batch(LegPass pass, int rank) { return progress_[rank].done(pass.kind)[pass.leg]; }

  // True if the rank before has put the input of the next `pass` of `rank`.
  bool source_has_put(LegPass pass, int rank) {
    if (facts_.is_first_of_leg(pass, rank)) return true;
    return end_ns(pass, Facts::source_of(pass, rank), next_micro_batch(pass, rank)) != kNotYet;
  }

  // Returns when the input of the next `pass` arrives. With little memory balance_warm_up() may put an F before its
  // input; Schedule::create then refuses the order.
  int64_t arrival_ns(LegPass pass, int rank) {
    if (pass.kind == SlotKind::kW || facts_.is_first_of_leg(pass, rank) || !source_has_put(pass, rank)) return kNoInput;
    const int source = Facts::source_of(pass, rank);
    return end_ns(pass, source, next_micro_batch(pass, rank)) + facts_.latency_ns;
  }

  // Returns how long `rank` may wait without making the step longer.
  int64_t slack_ns(int rank) const {
    return std::max(most_bubble_ns_, approved_slack_ns_[rank]) - progress_[rank].bubble_ns;
  }

  void put(LegPass pass, int rank) {
    Progress& now = progress_[rank];
    const int micro_batch = next_micro_batch(pass, rank);
    const int stage = facts_.stage_of(pass, rank);
    const int64_t start = std::max(now.clock_ns, arrival_ns(pass, rank));
    if (now.forwards[0] > 0) now.bubble_ns += start - now.clock_ns;
    most_bubble_ns_ = std::max(most_bubble_ns_, now.bubble_ns);
    now.clock_ns = start + facts_.duration_ns(pass.kind);
    if (pass.kind != SlotKind::kW) end_ns(pass, rank, micro_batch) = now.clock_ns;
    if (pass.kind == SlotKind::kI) now.legs_of_inputs.push_back(static_cast<uint8_t>(pass.leg));
    ++now.done(pass.kind)[pass.leg];
    count_memory(rank, pass.kind);
    orders_[rank].push_back(Slot::pass(pass.kind, stage, micro_batch));
  }

  void count_memory(int rank, SlotKind kind) {
    const ActivationSize& size = facts_.size;
    int64_t& memory = progress_[rank].memory;
    if (kind == SlotKind::kF) memory += size.total;
    if (kind == SlotKind::kI) memory -= size.total - size.kept_for_weight;
    if (kind == SlotKind::kW) memory -= size.kept_for_weight;
    most_memory_ = std::max(most_memory_, memory);
  }

  void put_weight(int rank) { put(progress_[rank].waiting_weight(), rank); }

  void put_weights_until_fits(int rank, int64_t size) {
    const Progress& now = progress_[rank];
    while (now.memory + size > facts_.limit && now.has_waiting_weight()) put_weight(rank);
  }

  // Puts the first micro-batch down and back up. On the way up, puts more F's of leg 0 while the next rank is not done
  // and the ranks before have memory for as many.
  void warm_up() {
    for (int rank = 0; rank < facts_.ranks; ++rank) put(kForward[0], rank);
    for (int rank = facts_.ranks - 1; rank >= 0; --rank) {
      const int64_t arrival = arrival_ns(kForward[1], rank);
      const Progress& now = progress_[rank];
      while (now.memory + facts_.size.total * (2 + 2 * rank) + facts_.size.growth() <= facts_.limit &&
             now.clock_ns + facts_.forward_ns <= arrival && now.forwards[0] < facts_.micro_batches) {
        for (int before = 0; before <= rank; ++before) put(kForward[0], before);
      }
      put(kForward[1], rank);
    }
  }

  // Puts more F's, of leg 0 and 1 in turn, until no rank has put fewer than the one before it.
  void balance_warm_up() {
    int leg = 0;
    for (int rank = 1; rank < facts_.ranks; ++rank) {
      while (lags_behind(progress_[rank].forwards, progress_[rank - 1].forwards)) {
        for (int later = facts_.ranks - 1; later >= rank; --later) {
          if (progress_[later].forwards[leg] < facts_.micro_batches) put(kForward[leg], later);
        }
        leg = 1 - leg;
      }
    }
  }

  bool lags_behind(const std::array<int, 2>& forwards, const std::array<int, 2>& before) const {
    return forwards[0] + forwards[1] < before[0] + before[1] ||
           (forwards[1] <= before[1] && before[1] < facts_.micro_batches);
  }

  // Puts one I on each rank: on leg 1 from the last rank to the first, then on leg 0.
  void put_input_backwards() {
    std::vector<int> on_leg[2];
    for (int rank = 0; rank < facts_.ranks; ++rank) on_leg[next_input_leg(rank)].push_back(rank);
    std::reverse(on_leg[1].begin(), on_leg[1].end());
    for (const int leg : {1, 0}) {
      for (const int rank : on_leg[leg]) {
        fill_before(kInput[leg], rank, leg == 1 || rules_.fill_before_backward);
        put_weights_until_fits(rank, facts_.size.growth());
        put(kInput[leg], rank);
      }
    }
  }

  int next_input_leg(int rank) {
    const auto& inputs = progress_[rank].inputs;
    if (inputs[1] >= inputs[0]) return 0;
    return inputs[0] == facts_.micro_batches || source_has_put(kInput[1], rank) ? 1 : 0;
  }

  void put_next_forward(int rank) {
    const auto leg = next_forward_leg(rank);
    if (!leg) return;
    put_weights_until_fits(rank, facts_.size.total + facts_.size.growth());
    fill_before(kForward[*leg], rank, rules_.fill_before_forward);
    put(kForward[*leg], rank);
  }

  std::optional<int> next_forward_leg(int rank) {
    const auto& forwards = progress_[rank].forwards;
    if (forwards[1] == facts_.micro_batches) return std::nullopt;
    if (forwards[1] >= forwards[0]) return 0;
    if (source_has_put(kForward[1], rank)) return 1;
    if (forwards[0] < facts_.micro_batches && source_has_put(kForward[0], rank)) return 0;
    return std::nullopt;
  }

  // Puts W's that end before the input of `pass` arrives; then, if `past_arrival`, one that ends later if the rank
  // can't afford to wait.
  void fill_before(LegPass pass, int rank, bool past_arrival) {
    const Progress& now = progress_[rank];
    const int64_t arrival = arrival_ns(pass, rank);
    while (now.has_waiting_weight() && now.clock_ns + facts_.weight_ns <= arrival) {
      put_weight(rank);
    }
    if (past_arrival && now.has_waiting_weight() && arrival - now.clock_ns > slack_ns(rank)) put_weight(rank);
  }

  const Facts& facts_;
  Rules rules_;
  std::vector<Progress> progress_;
  std::vector<int64_t> approved_slack_ns_;  // [rank]
  std::vector<int64_t> forward_end_ns_[2];  // [leg][rank][micro-batch]
  std::vector<int64_t> input_end_ns_[2];
  RankOrders orders_;
  int64_t most_bubble_ns_ = 0;
  int64_t most_memory_ = 0;
};

// Repeats the attempt with the bubbles of the last one as long as that helps.
Outcome best_attempt(const Facts& facts, Rules rules) {
  Outcome best = Attempt(facts, rules, {}).run();
  while (true) {
    Outcome next = Attempt(facts, rules, best.bubbles_ns).run();
    if (next.most_bubble_ns >= best.most_bubble_ns) return best;
    best = std::move(next);
  }
}

// Reads the mean durations of all stages and the longest latency.
void read_costs(const ScheduleCosts& costs, Facts& facts) {
  const int stages = costs.stages();
  for (int stage = 0; stage < stages; ++stage) {
    facts.forward_ns += costs.stage(stage).forward.duration_ns;
    facts.input_ns += costs.stage(stage).input_backward.duration_ns;
    facts.weight_ns += costs.stage(stage).weight_ns;
  }
  facts.forward_ns /= stages;
  facts.input_ns /= stages;
  facts.weight_ns /= stages;
  for (int rank = 0; rank + 1 < facts.ranks; ++rank) {
    const int64_t both_ways = std::max(costs.link(rank, rank + 1).latency_ns, costs.link(rank + 1, rank).latency_ns);
    facts.latency_ns = std::max(facts.latency_ns, both_ways);
  }
}

// Reads the largest sizes of all stages.
Status read_memory(const ScheduleInputs& inputs, Facts& facts) {
  PIPELOOM_TRY(const auto sizes, activation_sizes(inputs, 2 * facts.ranks));
  for (const ActivationSize& size : sizes) {
    facts.size.total = std::max(facts.size.total, size.total);
    facts.size.kept_for_weight = std::max(facts.size.kept_for_weight, size.kept_for_weight);
  }
  facts.limit =
      inputs.memory_limit != 0 ? inputs.memory_limit : 2 * facts.ranks * facts.size.total + facts.size.growth();
  return check_memory_limit(facts.limit, facts.size.total + facts.size.growth());
}

}  // namespace

// Follows Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024, section 6, as sail-sg's zbv.py reads it.
Result<Schedule> zb_v(const PipelineShape& shape, const ScheduleInputs& inputs) {
  PIPELOOM_RETURN_IF_ERROR(check_v_shape(shape));
  PIPELOOM_TRY(Placement placement, Placement::v(shape.ranks));
  Facts facts;
  facts.ranks = shape.ranks;
  facts.micro_batches = shape.micro_batches;
  read_costs(inputs.costs, facts);
  PIPELOOM_RETURN_IF_ERROR(read_memory(inputs, facts));
  std::optional<Outcome> best;
  for (const bool fill_before_backward : {true, false}) {
    for (const bool fill_before_forward : {true, false}) {
      Outcome outcome = best_attempt(facts, Rules{fill_before_backward, fill_before_forward});
      if (outcome.most_memory > facts.limit) {
        return unsupported(
            fmt::format("memory_limit is {}; ZB-V would hold {} on one rank", facts.limit, outcome.most_memory));
      }
      if (!best || outcome.most_bubble_ns < best->most_bubble_ns) best = std::move(outcome);
    }
  }
  return Schedule::create(std::move(placement), shape.micro_batches, best->orders);
}

}  // namespace pipeloom::planner
