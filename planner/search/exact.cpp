#include "planner/search/exact.h"

#include <cadical.hpp>
#include <numeric>

#include "planner/search/candidate.h"
#include "planner/search/formula.h"

namespace pipeloom::planner {

namespace {

// Returns the greatest common divisor of all times of a problem.
int64_t unit_of(const SearchProblem& problem) {
  int64_t unit_ns = 0;
  for (const OpTimes& times : problem.times()) {
    for (const int64_t ns : {times.duration_ns, times.need_ns, times.ready_ns}) unit_ns = std::gcd(unit_ns, ns);
  }
  return std::max<int64_t>(unit_ns, 1);
}

class Stopper : public CaDiCaL::Terminator {
 public:
  explicit Stopper(const std::function<bool()>& stop) : stop_(stop) {}
  bool terminate() override { return stopped_ = stopped_ || (stop_ && stop_()); }
  bool stopped() const { return stopped_; }

 private:
  const std::function<bool()>& stop_;
  bool stopped_ = false;
};

}  // namespace

bool exact_can_try(const SearchProblem& problem, int64_t known_ns) {
  // Each pair of ops of a rank makes about one clause per time unit of the schedule.
  constexpr int64_t kMaxClauses = 20'000'000;
  // If pairs hold their W, its place depends on the pair, which the formula can't express.
  if (problem.pairs_hold_weight()) return false;
  // The formula splits every backward, so it would miss orders with a B that is cheaper than I and W.
  for (const StageCost& cost : problem.costs().input().stages) {
    const int64_t split_ns = cost.input_backward.duration_ns + cost.weight_ns;
    if (problem.splits_backward() ? cost.backward.duration_ns < split_ns : cost.backward.duration_ns > split_ns) {
      return false;
    }
  }
  int64_t pairs = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    pairs += int64_t{problem.ops_of_rank(rank)} * problem.ops_of_rank(rank);
  }
  return pairs < kMaxClauses && pairs * (known_ns / unit_of(problem)) / 2 < kMaxClauses;
}

ExactResult solve_exactly(const SearchProblem& problem, int64_t bound_ns, int64_t known_ns, const ExactLimits& limits) {
  const int64_t unit_ns = unit_of(problem);
  const LineGraph graph(problem);
  ExactResult result;
  result.bound_ns = bound_ns;
  result.value_ns = known_ns;
  Stopper stopper(limits.stop);
  Candidate candidate(problem);
  // All path lengths are multiples of the unit.
  int64_t limit = (known_ns - 1) / unit_ns;
  while (result.bound_ns <= limit * unit_ns) {
    CaDiCaL::Solver solver;
    solver.set("quiet", 1);
    solver.connect_terminator(&stopper);
    if (limits.conflicts > 0) solver.limit("conflicts", static_cast<int>(limits.conflicts));
    Formula formula(graph, unit_ns, limit, solver);
    constexpr int kSatisfiable = 10;
    constexpr int kUnsatisfiable = 20;
    const int answer = formula.build() ? solver.solve() : kUnsatisfiable;
    solver.disconnect_terminator();
    if (answer == kUnsatisfiable) {
      result.bound_ns = (limit + 1) * unit_ns;
      break;
    }
    if (answer != kSatisfiable) break;
    Order order = formula.order();
    // In the model a rank may start late to keep its span short. With every slot as early as possible, the same order
    // can be longer. And W's may need more memory than the formula counts.
    if (candidate.reset(order) && candidate.value_ns() < result.value_ns && fits_caps(problem, order)) {
      result.value_ns = candidate.value_ns();
      result.order = std::move(order);
    }
    limit = std::min(limit - 1, (result.value_ns - 1) / unit_ns);
  }
  result.proven = result.bound_ns == result.value_ns;
  result.stopped = stopper.stopped();
  return result;
}

}  // namespace pipeloom::planner
