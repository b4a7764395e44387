#include "gui/timeline/trace_picture.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/tasks/lower.h"
#include "gui/timeline/theme.h"

namespace pipeloom::gui {

namespace {

uint8_t look_of_task(const Span& span, int pipe) {
  switch (span.key.kind) {
    case TaskKind::kSend:
    case TaskKind::kReceive:
      return kLookTransfer;
    case TaskKind::kGradientReduction:
    case TaskKind::kNorm:
      return kLookReduction;
    case TaskKind::kOptimizer:
    case TaskKind::kEma:
      return kLookOptimizer;
    case TaskKind::kComponent:
      break;
  }
  if (span.key.component == Component::kDispatch) return kLookDispatch;
  if (span.key.component == Component::kCombine) return kLookCombine;
  if (span.key.component == Component::kWait) return kLookWait;
  return look_of(span.key.pass, pipe);
}

// By begin; what overlaps the span before it is cut.
void sort_lane(std::vector<LaneSpan>& spans) {
  std::sort(spans.begin(), spans.end(), [](const LaneSpan& a, const LaneSpan& b) { return a.begin_ns < b.begin_ns; });
  int64_t free_ns = 0;
  for (LaneSpan& span : spans) {
    span.begin_ns = std::max(span.begin_ns, free_ns);
    span.end_ns = std::max(span.end_ns, span.begin_ns);
    free_ns = span.end_ns;
  }
}

// The tasks of one slot, one after the other, are one pass; a pair shows both of its passes.
PictureLane passes_of(const PictureLane& components, const std::vector<TaskKey>& tasks, const Schedule* schedule) {
  PictureLane passes{LaneRole::kPasses, {}, {}, {}};
  int last_slot = -2;
  for (const LaneSpan& span : components.spans) {
    const TaskKey& task = tasks[span.item];
    const bool same = task.slot == last_slot && task.slot >= 0 && !passes.spans.empty();
    last_slot = task.slot;
    if (!same) {
      passes.spans.push_back(span);
      passes.spans.back().item =
          schedule != nullptr && task.slot >= 0 ? schedule->first_slot(task.rank) + task.slot : span.item;
      continue;
    }
    LaneSpan& pass = passes.spans.back();
    pass.end_ns = span.end_ns;
    const uint8_t pipe = pass.upper % 2;
    const bool forward = pass.upper < kLookBackward;
    const bool forward_task = span.upper < kLookBackward;
    if (span.upper >= kLookDispatch || pass.upper >= kLookDispatch) continue;
    if (forward != forward_task) {
      pass.upper = kLookForward + pipe;
      pass.lower = kLookBackward + pipe;
    } else if (!forward && pass.upper / 2 != span.upper / 2) {
      pass.upper = pass.lower = kLookBackward + pipe;  // I and W in one slot are B
    }
  }
  return passes;
}

PictureLane overlap_of(const PictureLane& communication, const PictureLane& components) {
  PictureLane overlap{LaneRole::kOverlap, {}, {}, {}};
  size_t next = 0;
  for (const LaneSpan& transfer : communication.spans) {
    int64_t time_ns = transfer.begin_ns;
    const auto add = [&](uint8_t look, int64_t until_ns) {
      if (until_ns > time_ns) overlap.spans.push_back({time_ns, until_ns, transfer.item, look, look});
      time_ns = std::max(time_ns, until_ns);
    };
    while (next < components.spans.size() && components.spans[next].end_ns <= time_ns) ++next;
    for (size_t i = next; i < components.spans.size() && components.spans[i].begin_ns < transfer.end_ns; ++i) {
      add(kLookExposed, components.spans[i].begin_ns);
      add(kLookHidden, std::min(components.spans[i].end_ns, transfer.end_ns));
    }
    add(kLookExposed, transfer.end_ns);
  }
  return overlap;
}

double share_of(const PictureLane& lane, uint8_t look) {
  int64_t all_ns = 0;
  int64_t those_ns = 0;
  for (const LaneSpan& span : lane.spans) {
    all_ns += span.end_ns - span.begin_ns;
    if (span.upper == look) those_ns += span.end_ns - span.begin_ns;
  }
  return all_ns == 0 ? -1 : static_cast<double>(those_ns) / static_cast<double>(all_ns);
}

}  // namespace

void TracePictureBuilder::add(std::span<const Span> spans) {
  for (const Span& span : spans) {
    if (span.key.rank < 0 || span.end_ns < span.begin_ns || span.begin_ns < 0) continue;
    if (static_cast<size_t>(span.key.rank) >= ranks_.size()) ranks_.resize(static_cast<size_t>(span.key.rank) + 1);
    const uint8_t look = look_of_task(span, 0);
    ranks_[span.key.rank].lanes[static_cast<size_t>(span.lane)].push_back(
        {span.begin_ns, span.end_ns, static_cast<uint32_t>(tasks_.size()), look, look});
    tasks_.push_back(span.key);
    ++spans_;
  }
}

Picture TracePictureBuilder::build(const Schedule* schedule) && {
  Picture picture;
  picture.title = name_.empty() ? "trace" : name_;
  for (RankSpans& rank : ranks_) {
    for (auto& lane : rank.lanes) {
      sort_lane(lane);
      if (!lane.empty()) picture.length_ns = std::max(picture.length_ns, lane.back().end_ns);
    }
  }
  picture.tasks = std::move(tasks_);
  int64_t busy_ns = 0;
  for (RankSpans& rank : ranks_) {
    const auto take = [&](LaneRole role, Lane lane) {
      return PictureLane{role, std::move(rank.lanes[static_cast<size_t>(lane)]), {}, {}};
    };
    PictureLane components = take(LaneRole::kComponents, Lane::kCompute);
    PictureLane communication = take(LaneRole::kCommunication, Lane::kEp);
    PictureLane transfers = take(LaneRole::kTransfers, Lane::kP2p);
    PictureLane passes = passes_of(components, picture.tasks, schedule);
    PictureLane overlap = overlap_of(communication, components);
    if (communication.spans.empty()) communication = take(LaneRole::kCommunication, Lane::kDp);
    RankPicture content;
    content.hidden_share = share_of(overlap, kLookHidden);
    int64_t rank_busy_ns = 0;
    for (const LaneSpan& span : components.spans) rank_busy_ns += span.end_ns - span.begin_ns;
    busy_ns += rank_busy_ns;
    content.idle_share = 1 - static_cast<double>(rank_busy_ns) / static_cast<double>(picture.length_ns);
    for (PictureLane* lane : {&passes, &components, &overlap, &communication, &transfers}) {
      if (lane->spans.empty()) continue;
      lane->shares = ShareTable(lane->spans, picture.length_ns);
      content.lanes.push_back(std::move(*lane));
    }
    picture.ranks.push_back(std::move(content));
  }
  const double whole = static_cast<double>(picture.length_ns) * static_cast<double>(std::max<size_t>(ranks_.size(), 1));
  picture.detail = fmt::format("executed   step {}   idle {:.1f} %   {} tasks", format_duration(picture.length_ns),
                               100 * (1 - static_cast<double>(busy_ns) / whole), spans_);
  picture.time_text = [](int64_t ns) { return format_duration(ns); };
  picture.label = [schedule](const Picture& shown, const PictureLane& lane, const LaneSpan& span, bool lower) {
    if (lane.role != LaneRole::kPasses) return task_label(shown.tasks[span.item]);
    if (schedule != nullptr && span.item < schedule->slots().size()) return pass_label(*schedule, span, lower);
    if (span.upper >= kLookDispatch) return std::string();
    return std::string(1, "FBIW"[(lower ? span.lower : span.upper) / 2]);
  };
  return picture;
}

uint8_t ratio_look(int64_t planned_ns, int64_t executed_ns) {
  const double ratio = planned_ns > 0 ? static_cast<double>(executed_ns) / static_cast<double>(planned_ns) : 1;
  constexpr double kLimits[kRatioSteps - 1] = {0.5, 0.8, 0.95, 1.05, 1.25, 2};
  const auto step = std::upper_bound(std::begin(kLimits), std::end(kLimits), ratio) - std::begin(kLimits);
  return static_cast<uint8_t>(kLookRatio0 + step);
}

void add_executed(Picture& picture, const Schedule& schedule, const StepCosts& costs, const Trace& trace) {
  const TaskGraph graph = lower(schedule, costs);
  std::vector<std::pair<TaskKey, int64_t>> planned;
  for (const Task& task : graph.tasks()) planned.emplace_back(task.key, task.duration_ns);
  std::sort(planned.begin(), planned.end());
  std::vector<PictureLane> lanes(picture.ranks.size(), PictureLane{LaneRole::kExecuted, {}, {}, {}});
  for (const Span& span : trace.spans) {
    if (span.lane != Lane::kCompute || static_cast<size_t>(span.key.rank) >= lanes.size()) continue;
    const auto found = std::lower_bound(planned.begin(), planned.end(), span.key,
                                        [](const auto& entry, const TaskKey& key) { return entry.first < key; });
    const bool known = found != planned.end() && found->first == span.key;
    const uint8_t look = ratio_look(known ? found->second : 0, span.end_ns - span.begin_ns);
    lanes[span.key.rank].spans.push_back(
        {span.begin_ns, span.end_ns, static_cast<uint32_t>(picture.tasks.size()), look, look});
    picture.tasks.push_back(span.key);
    picture.length_ns = std::max(picture.length_ns, span.end_ns);
  }
  for (size_t rank = 0; rank < lanes.size(); ++rank) {
    sort_lane(lanes[rank].spans);
    std::vector<PictureLane>& all = picture.ranks[rank].lanes;
    const auto below = std::find_if(all.begin(), all.end(), [](const PictureLane& lane) {
      return lane.role != LaneRole::kPasses && lane.role != LaneRole::kComponents;
    });
    all.insert(below, std::move(lanes[rank]));
    for (PictureLane& lane : all) lane.shares = ShareTable(lane.spans, picture.length_ns);
  }
}

}  // namespace pipeloom::gui
