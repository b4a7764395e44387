#include "planner/layout/layout_search.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <thread>
#include <tuple>

#include "planner/evaluate/evaluate.h"
#include "planner/evaluate/partition.h"
#include "planner/layout/layout_bound.h"
#include "planner/search/bounds.h"
#include "planner/search/job_problem.h"
#include "sim/cost/job_costs.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

// Layouts between two updates of the front: enough for two threads, few enough that the first front prunes early.
constexpr size_t kBatch = 32;
constexpr int kMostChunks = 8;

struct Point {
  int64_t step_ns = 0;
  int64_t bytes = 0;
  int weight_copies = 1;
};

// The timed layouts that no other beats so far.
class Front {
 public:
  // True if a plan with at least these values could still join the front.
  bool open_to(const Point& least) const {
    if (!points_.empty() && least.step_ns * 100 > best_ns_ * LayoutSearchResult::kSlowestPercent) return false;
    return std::ranges::none_of(points_, [&](const auto& known) { return no_worse(known.first, least); });
  }
  void add(const Point& point, int32_t index) {
    if (!open_to(point)) return;
    std::erase_if(points_, [&](const auto& known) { return no_worse(point, known.first); });
    points_.emplace_back(point, index);
    best_ns_ = std::min(best_ns_, point.step_ns);
    std::erase_if(points_, [&](const auto& known) {
      return known.first.step_ns * 100 > best_ns_ * LayoutSearchResult::kSlowestPercent;
    });
  }
  std::vector<int32_t> indices() const {
    auto sorted = points_;
    std::ranges::stable_sort(sorted, {}, [](const auto& known) { return known.first.step_ns; });
    std::vector<int32_t> indices;
    for (const auto& known : sorted) indices.push_back(known.second);
    return indices;
  }

 private:
  static bool no_worse(const Point& a, const Point& b) {
    return a.step_ns <= b.step_ns && a.bytes <= b.bytes && a.weight_copies <= b.weight_copies;
  }

  std::vector<std::pair<Point, int32_t>> points_;
  int64_t best_ns_ = INT64_MAX / 1000;
};

// Returns how many chunks a rank may have: numbers that divide the layers evenly; if none does, of those that leave a
// chunk equally many layers the fewest.
std::vector<int> chunk_choices(const Job& job) {
  std::vector<int> even;
  std::vector<int> uneven;
  int fewest_layers = job.model->layers;
  for (int chunks = 2; chunks <= kMostChunks; ++chunks) {
    const int parts = job.layout.pipeline * chunks;
    const int layers = (job.model->layers + parts - 1) / parts;
    if (job.model->layers % parts == 0) even.push_back(chunks);
    if (layers < fewest_layers) uneven.push_back(chunks);
    fewest_layers = std::min(layers, fewest_layers);
  }
  return even.empty() ? uneven : even;
}

// Schedules of one job and placement share costs and a bound.
struct Group {
  Job job;
  Placement placement;
  int chunks = 0;
  std::vector<const NamedSchedule*> schedules;
};

// Judges one layout with every schedule.
class Judge {
 public:
  // `own_split`: the job's own split of the SMs. Other splits are tried only with schedules that have pairs.
  Judge(const Job& layout, int32_t number, const LayoutBound& bound, int own_split, const Framework* framework,
        const Front& front)
      : layout_(layout),
        number_(number),
        bound_(bound),
        only_pairs_(layout.cluster->comm_sms != own_split),
        framework_(framework),
        front_(front) {}

  std::vector<ConsideredLayout> run() {
    for (Group& group : groups()) judge(group);
    return std::move(considered_);
  }

 private:
  std::vector<const NamedSchedule*> schedules() const {
    std::vector<const NamedSchedule*> chosen;
    for (const NamedSchedule& named : named_schedules()) {
      const bool asked_for = layout_.schedule.name.empty() || layout_.schedule.name == named.name;
      if (!asked_for || (only_pairs_ && !named.pairs) || is_other_layout(named)) continue;
      if (framework_ != nullptr && !framework_->check(layout_, named)) continue;
      chosen.push_back(&named);
    }
    return chosen;
  }

  // True if the schedule recomputes more or less than the layout says. It is then considered with the layout that says
  // the same.
  bool is_other_layout(const NamedSchedule& named) const {
    if (named.adapt == nullptr) return false;
    const auto own = named.adapt(layout_);
    return own && own->recompute != layout_.recompute;
  }

  // True if the layout's bounds for one weight copy and pairs rule it out. They then rule out every schedule.
  bool ruled_out(LayoutVerdict& verdict) const {
    if (bound_.bytes[0] > memory_limit_bytes(layout_)) {
      verdict = LayoutVerdict::kTooLarge;
      return true;
    }
    verdict = LayoutVerdict::kTooSlow;
    return !front_.open_to({bound_.step_ns, bound_.bytes[0], 1});
  }

  void give_verdict(const NamedSchedule* named, int chunks, LayoutVerdict verdict, const Point& point) {
    considered_.push_back({number_, static_cast<int16_t>(chunks), verdict, static_cast<uint8_t>(point.weight_copies),
                           named, point.step_ns, point.bytes});
  }

  std::vector<Group> groups() {
    std::vector<Group> groups;
    LayoutVerdict verdict = LayoutVerdict::kTooSlow;
    const bool hopeless = ruled_out(verdict);
    for (const NamedSchedule* named : schedules()) {
      if (hopeless && named->adapt == nullptr) {
        give_verdict(named, 0, verdict, {bound_.step_ns, bound_.bytes[0], 1});
        continue;
      }
      const auto own = job_for(layout_, *named);
      if (!own) {
        give_verdict(named, 0, LayoutVerdict::kCantRun, {});
        continue;
      }
      add(*named, *own, groups);
    }
    return groups;
  }

  void add(const NamedSchedule& named, Job own, std::vector<Group>& groups) {
    const bool looped = own.schedule.chunks == 0 && is_looped(own, named);
    for (const int chunks : looped ? chunk_choices(own) : std::vector{0}) {
      if (looped) own.schedule.chunks = chunks;
      const auto placement = named.placement(shape_of(own));
      if (!placement || placement->stages() > own.model->layers) {
        give_verdict(&named, looped ? chunks : 0, LayoutVerdict::kCantRun, {});
      } else {
        Group& group = group_for(named, own, *placement, groups);
        group.schedules.push_back(&named);
      }
      if (!looped) return;
    }
  }

  static bool is_looped(const Job& own, const NamedSchedule& named) {
    const auto placement = named.placement(shape_of(own));
    return placement && placement->kind() == PlacementKind::kLooped;
  }

  Group& group_for(const NamedSchedule& named, const Job& own, const Placement& placement, std::vector<Group>& groups) {
    if (named.adapt == nullptr) {
      for (Group& group : groups) {
        if (group.placement == placement && group.job.micro_batches == own.micro_batches &&
            group.job.recompute == own.recompute) {
          return group;
        }
      }
    }
    return groups.emplace_back(Group{own, placement, own.schedule.chunks, {}});
  }

  void judge(Group& group) {
    const bool adapted = group.schedules.front()->adapt != nullptr;
    const LayoutBound bound = adapted ? layout_bound(group.job) : bound_;
    const int copies = group.placement.pipes();
    Point least = {bound.step_ns, bound.bytes[std::min(copies, 2) - 1], copies};
    std::vector<const NamedSchedule*> left;
    for (const NamedSchedule* named : group.schedules) {
      least.step_ns = named->pairs ? bound.step_ns : bound.step_alone_ns;
      if (least.bytes > memory_limit_bytes(group.job)) {
        give_verdict(named, group.chunks, LayoutVerdict::kTooLarge, least);
      } else if (!front_.open_to(least)) {
        give_verdict(named, group.chunks, LayoutVerdict::kTooSlow, least);
      } else {
        left.push_back(named);
      }
    }
    if (!left.empty()) time_schedules(group, left, least);
  }

  void time_schedules(const Group& group, const std::vector<const NamedSchedule*>& schedules, Point least) {
    std::map<const NamedSchedule*, ConsideredLayout> best;
    const auto worth_trying = partitions(group.job, group.placement);
    for (size_t i = 0; worth_trying && i < worth_trying->size(); ++i) {
      const auto costs = sim::step_costs(group.job, group.placement, (*worth_trying)[i], sim::usual_order);
      if (!costs) continue;
      least.step_ns = std::max(least.step_ns, order_bound_ns(group, *costs));
      least.bytes = std::max(least.bytes, least_bytes(group, *costs));
      for (const NamedSchedule* named : schedules) {
        ConsideredLayout entry = time_one(group, *named, *costs, least);
        const auto known = best.try_emplace(named, entry);
        if (!known.second && better(entry, known.first->second)) known.first->second = entry;
      }
    }
    for (const NamedSchedule* named : schedules) {
      if (const auto found = best.find(named); found != best.end()) {
        considered_.push_back(found->second);
      } else {
        give_verdict(named, group.chunks, LayoutVerdict::kCantRun, {});
      }
    }
  }

  static bool better(const ConsideredLayout& a, const ConsideredLayout& b) {
    const auto key = [](const ConsideredLayout& entry) { return std::pair(entry.verdict, entry.step_ns); };
    return key(a) < key(b);
  }

  static int64_t peak_bytes(const Group& group, const Schedule& schedule, const StepCosts& costs) {
    int64_t most = 0;
    for (const RankMemory& memory : rank_memory(group.job, schedule, costs)) most = std::max(most, memory.total());
    return most;
  }

  // Returns a bound for every order of this placement and these stages, without memory caps.
  static int64_t order_bound_ns(const Group& group, const StepCosts& costs) {
    const auto problem = SearchProblem::create(
        {group.placement, pipes_for(group.placement, group.job.micro_batches), costs.schedule, costs.activations, {}});
    return problem ? rank_bound_ns(*problem) : 0;
  }

  // Returns the least memory of the fullest rank: every rank holds at least one micro-batch of its stages on one pipe.
  static int64_t least_bytes(const Group& group, const StepCosts& costs) {
    int64_t most = 0;
    for (int rank = 0; rank < group.placement.ranks(); ++rank) {
      std::vector<int64_t> of_pipe(group.placement.pipes(), 0);
      for (const Chunk& chunk : group.placement.chunks_of(rank)) {
        of_pipe[chunk.pipe] += costs.activations[chunk.stage].total;
      }
      const RankMemory fixed = fixed_memory(group.job, group.placement, costs, rank);
      most = std::max(most, total_with(group.job, fixed, std::ranges::max(of_pipe)));
    }
    return most;
  }

  ConsideredLayout time_one(const Group& group, const NamedSchedule& named, const StepCosts& costs,
                            const Point& least) const {
    ConsideredLayout entry = {number_,
                              static_cast<int16_t>(group.chunks),
                              LayoutVerdict::kTooSlow,
                              static_cast<uint8_t>(least.weight_copies),
                              &named,
                              least.step_ns,
                              least.bytes};
    if (least.bytes > memory_limit_bytes(group.job)) entry.verdict = LayoutVerdict::kTooLarge;
    if (entry.verdict == LayoutVerdict::kTooLarge || !front_.open_to(least)) return entry;
    entry.verdict = LayoutVerdict::kCantRun;
    const PipelineShape shape = shape_of(group.job);
    if (!costs.schedule.check_step_of(int64_t{3} * group.placement.stages() * shape.micro_batches)) return entry;
    auto schedule = named.generate(shape, {costs.schedule, costs.activations, 0});
    if (!schedule) return entry;
    entry.bytes = peak_bytes(group, *schedule, costs);
    entry.verdict = LayoutVerdict::kDoesNotFit;
    if (entry.bytes > memory_limit_bytes(group.job)) return entry;
    const auto evaluation = evaluate(group.job, *std::move(schedule), costs);
    entry.verdict = evaluation ? LayoutVerdict::kTimed : LayoutVerdict::kCantRun;
    if (evaluation) entry.step_ns = evaluation->end.step_ns;
    return entry;
  }

  const Job& layout_;
  int32_t number_;
  const LayoutBound& bound_;
  bool only_pairs_;
  const Framework* framework_;
  const Front& front_;
  std::vector<ConsideredLayout> considered_;
};

// Sorts the most promising layouts first, so that their times rule out the others.
std::vector<int32_t> by_promise(const std::vector<Job>& layouts, const std::vector<LayoutBound>& bounds) {
  std::vector<int32_t> order(layouts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int32_t layout) {
    const bool fits = bounds[layout].bytes[0] <= memory_limit_bytes(layouts[layout]);
    return fits ? bounds[layout].step_ns : INT64_MAX;
  });
  return order;
}

}  // namespace

std::string_view verdict_text(LayoutVerdict verdict) {
  constexpr std::string_view kTexts[] = {"timed", "does not fit", "can't run", "too large", "too slow"};
  return kTexts[static_cast<size_t>(verdict)];
}

Job LayoutSearchResult::job_of(const ConsideredLayout& entry) const {
  Job job = layouts[entry.layout];
  job.schedule.name = entry.schedule->name;
  if (entry.chunks > 0) job.schedule.chunks = entry.chunks;
  return job;
}

LayoutSearchResult search_layouts(const Job& job, const HeldFields& held, const LayoutSearchLimits& limits) {
  LayoutSearchResult result;
  result.layouts = layouts_of(job, held);
  std::vector<LayoutBound> bounds;
  for (const Job& layout : result.layouts) bounds.push_back(layout_bound(layout));
  const std::vector<int32_t> order = by_promise(result.layouts, bounds);
  Front front;
  std::vector<std::vector<ConsideredLayout>> judged(kBatch);
  for (size_t begin = 0; begin < order.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, order.size());
    const auto run = [&](size_t first) {
      for (size_t i = begin + first; i < end; i += static_cast<size_t>(limits.workers)) {
        judged[i - begin] =
            Judge(result.layouts[order[i]], order[i], bounds[order[i]], job.cluster->comm_sms, limits.framework, front)
                .run();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (int worker = 1; worker < limits.workers; ++worker) threads.emplace_back(run, worker);
      run(0);
    }
    for (size_t i = begin; i < end; ++i) {
      for (const ConsideredLayout& entry : judged[i - begin]) {
        if (entry.verdict == LayoutVerdict::kTimed) {
          front.add({entry.step_ns, entry.bytes, entry.weight_copies}, static_cast<int32_t>(result.considered.size()));
        }
        result.considered.push_back(entry);
      }
    }
    if (limits.progress) limits.progress(static_cast<int64_t>(end), static_cast<int64_t>(order.size()));
  }
  result.front = front.indices();
  return result;
}

OwnLayout own_layout(const Job& own, const LayoutSearchResult& result) {
  // What a person calls a layout: recomputation, the split of the SMs and the schedule are found for it.
  const auto key_of = [](const Job& job, int chunks) {
    const Layout& layout = job.layout;
    return std::tuple(layout.pipeline, layout.tensor, layout.context, layout.expert, job.batch.micro_batch_size,
                      chunks);
  };
  std::map<decltype(key_of(own, 0)), int32_t> best;  // index into `considered` of what may fit
  for (size_t i = 0; i < result.considered.size(); ++i) {
    const ConsideredLayout& entry = result.considered[i];
    if (entry.verdict != LayoutVerdict::kTimed && entry.verdict != LayoutVerdict::kTooSlow) continue;
    const auto [known, fresh] =
        best.try_emplace(key_of(result.layouts[entry.layout], entry.chunks), static_cast<int32_t>(i));
    const ConsideredLayout& before = result.considered[known->second];
    if (!fresh && std::pair(entry.verdict, entry.step_ns) < std::pair(before.verdict, before.step_ns)) {
      known->second = static_cast<int32_t>(i);
    }
  }
  OwnLayout found;
  found.fitting = static_cast<int64_t>(best.size());
  for (const auto& [key, index] : best) {
    const ConsideredLayout& entry = result.considered[index];
    const int chunks = own.schedule.chunks == 0 ? entry.chunks : own.schedule.chunks;
    if (key != key_of(own, chunks)) continue;
    if (found.best < 0 || entry.step_ns < result.considered[found.best].step_ns) found.best = index;
  }
  if (found.best < 0) return found;
  found.faster = std::ranges::count_if(best, [&](const auto& other) {
    const ConsideredLayout& entry = result.considered[other.second];
    return entry.verdict == LayoutVerdict::kTimed && entry.step_ns < result.considered[found.best].step_ns;
  });
  return found;
}

std::vector<FieldOutcome> outcomes_of(const LayoutSearchResult& result, LayoutField field) {
  std::vector<FieldOutcome> outcomes;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < result.considered.size(); ++i) {
    const ConsideredLayout& entry = result.considered[i];
    const std::string value = field == LayoutField::kSchedule ? std::string(entry.schedule->name)
                                                              : field_value(result.layouts[entry.layout], field);
    const auto [place, fresh] = places.try_emplace(value, outcomes.size());
    if (fresh) outcomes.push_back({value});
    FieldOutcome& outcome = outcomes[place->second];
    ++outcome.considered;
    if (entry.verdict != LayoutVerdict::kTimed && entry.verdict != LayoutVerdict::kTooSlow) continue;
    int32_t& best = entry.verdict == LayoutVerdict::kTimed ? outcome.timed : outcome.bound;
    if (best < 0 || entry.step_ns < result.considered[best].step_ns) best = static_cast<int32_t>(i);
  }
  return outcomes;
}

}  // namespace pipeloom::planner
