#include "gui/timeline/plan_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "gui/timeline/slot_layout.h"
#include "gui/timeline/theme.h"
#include "planner/schedules/schedule_table.h"
#include "sim/report/memory.h"

namespace pipeloom::gui {

const char* colour_by_name(ColourBy colour) {
  static constexpr const char* kNames[kColourings] = {"kind", "micro-batch", "stage", "slack", "plan error"};
  return kNames[static_cast<size_t>(colour)];
}

uint8_t look_of(SlotKind pass, int pipe) {
  const auto odd = static_cast<uint8_t>(pipe % 2);
  switch (pass) {
    case SlotKind::kF:
      return kLookForward + odd;
    case SlotKind::kI:
      return kLookInputBackward + odd;
    case SlotKind::kW:
      return kLookWeightBackward + odd;
    default:
      return kLookBackward + odd;
  }
}

std::string pass_label(const Schedule& schedule, const LaneSpan& span, bool lower) {
  if (span.item >= schedule.slots().size()) return "optimizer";
  const Slot& slot = schedule.slots()[span.item];
  if (!slot.is_pair()) return slot_label(slot);
  const char* backward = slot_kind_name(slot.backward_kind());
  return lower ? fmt::format("{}{}", backward, slot.backward_micro_batch) : fmt::format("F{}", slot.micro_batch);
}

std::string task_label(const TaskKey& task) {
  switch (task.kind) {
    case TaskKind::kComponent:
      return fmt::format("{} {}", component_name(task.component), slot_kind_name(task.pass));
    case TaskKind::kSend:
      return "send";
    case TaskKind::kReceive:
      return "receive";
    case TaskKind::kGradientReduction:
      return fmt::format("reduce stage {}", task.layer);
    case TaskKind::kOptimizer:
      return "optimizer";
    case TaskKind::kNorm:
      return "gradient norm";
    case TaskKind::kEma:
      return "moving average";
  }
  return {};
}

namespace {

uint8_t scale_look(double share) {
  return static_cast<uint8_t>(kLookScale0 + std::clamp(static_cast<int>(share * kScaleSteps), 0, kScaleSteps - 1));
}

uint8_t faded(int look, bool fade) {
  return static_cast<uint8_t>(look + (fade ? kFaded : 0));
}

class PlanPicture {
 public:
  PlanPicture(const planner::Explanation& why, const PictureOptions& options)
      : why_(why),
        options_(options),
        evaluation_(why.subject().evaluation),
        schedule_(evaluation_.schedule),
        timeline_(evaluation_.timeline),
        on_path_(schedule_.slots().size(), !options.critical_path) {
    for (const uint32_t slot : why.path()) on_path_[slot] = true;
  }

  Picture build() {
    const Job& job = why_.subject().job;
    const auto named = planner::find_schedule(why_.subject().schedule_name);
    const std::string schedule = named ? std::string((*named)->title) : why_.subject().schedule_name;
    picture_.title = job.name.empty() ? schedule : job.name;
    picture_.detail =
        fmt::format("{}{}step {}   bubble {}", job.name.empty() ? "" : schedule, job.name.empty() ? "" : "   ",
                    why_.time(evaluation_.end.step_ns), planner::percent_text(evaluation_.bubble.global_rate()));
    picture_.length_ns = std::max<int64_t>({evaluation_.end.step_ns, evaluation_.bubble.makespan_ns, 1});
    picture_.plain_units = !job.model;
    for (int rank = 0; rank < schedule_.ranks(); ++rank) picture_.ranks.push_back(rank_picture(rank));
    add_transfers();
    for (RankPicture& rank : picture_.ranks) {
      std::erase_if(rank.lanes, [](const PictureLane& lane) { return lane.spans.empty(); });
      for (PictureLane& lane : rank.lanes) lane.shares = ShareTable(lane.spans, picture_.length_ns);
    }
    picture_.time_text = [&why = why_](int64_t ns) { return why.time(ns); };
    picture_.label = [&schedule = schedule_](const Picture& picture, const PictureLane& lane, const LaneSpan& span,
                                             bool lower) {
      return lane.role == LaneRole::kPasses ? pass_label(schedule, span, lower) : task_label(picture.tasks[span.item]);
    };
    return std::move(picture_);
  }

 private:
  uint8_t look(uint32_t slot, SlotKind pass, int micro_batch, int stage) const {
    return faded(plain_look(slot, pass, micro_batch, stage), !on_path_[slot]);
  }

  uint8_t plain_look(uint32_t slot, SlotKind pass, int micro_batch, int stage) const {
    switch (options_.colour) {
      case ColourBy::kMicroBatch:
        return scale_look(static_cast<double>(micro_batch) / schedule_.micro_batches());
      case ColourBy::kStage:
        return scale_look(static_cast<double>(stage) / schedule_.stages());
      case ColourBy::kSlack: {
        // Bright: no slack. Each step darker is four times more, from a thousandth of the step.
        const double share = static_cast<double>(why_.slack_ns(slot)) / static_cast<double>(picture_.length_ns);
        const int steps = share <= 0 ? 0 : std::clamp(static_cast<int>(std::log2(share * 1000) / 2) + 1, 1, 6);
        return static_cast<uint8_t>(kLookScale0 + kScaleSteps - 1 - steps);
      }
      default:
        return look_of(pass, schedule_.pipe_of(micro_batch));
    }
  }

  RankPicture rank_picture(int rank) {
    PictureLane passes{LaneRole::kPasses, {}, {}, {}};
    PictureLane components{LaneRole::kComponents, {}, {}, {}};
    PictureLane overlap{LaneRole::kOverlap, {}, {}, {}};
    PictureLane communication{LaneRole::kCommunication, {}, {}, {}};
    const bool has_parts = why_.subject().job.model.has_value();
    for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
      add_pass(slot, passes);
      if (has_parts) add_parts(rank, slot, components, overlap, communication);
    }
    add_idle(rank, passes);
    const double hidden_share = hidden_share_of(overlap);
    add_step_end(rank, passes, communication);
    RankPicture picture;
    picture.lanes = {std::move(passes), std::move(components), std::move(overlap), std::move(communication),
                     PictureLane{LaneRole::kTransfers, {}, {}, {}}};
    picture.memory = memory_of(rank);
    picture.idle_share = static_cast<double>(evaluation_.bubble.global_ns(rank)) /
                         static_cast<double>(std::max<int64_t>(evaluation_.bubble.makespan_ns, 1));
    picture.hidden_share = hidden_share;
    return picture;
  }

  void add_pass(uint32_t number, PictureLane& passes) const {
    const Slot& slot = schedule_.slots()[number];
    const uint8_t upper = look(number, slot.is_pair() ? SlotKind::kF : slot.kind, slot.micro_batch, slot.stage);
    const uint8_t lower =
        slot.is_pair() ? look(number, slot.backward_kind(), slot.backward_micro_batch, slot.backward_stage) : upper;
    passes.spans.push_back({timeline_.start_ns[number], timeline_.end_ns[number], number, upper, lower});
  }

  void add_parts(int rank, uint32_t number, PictureLane& components, PictureLane& overlap, PictureLane& communication) {
    const Slot& slot = schedule_.slots()[number];
    auto [place, fresh] = layouts_.try_emplace(std::tuple(slot.kind, slot.stage, slot.backward_stage));
    if (fresh) place->second = slot_layout(slot, evaluation_.costs);
    const SlotLayout& layout = place->second;
    const int64_t start_ns = timeline_.start_ns[number];
    const auto first_communication = static_cast<uint32_t>(picture_.tasks.size() + layout.compute.size());
    const auto add = [&](const ComponentInterval& time, PictureLane& lane, uint8_t look_name) {
      lane.spans.push_back({start_ns + time.begin_ns, start_ns + time.end_ns,
                            static_cast<uint32_t>(picture_.tasks.size()), look_name, look_name});
      picture_.tasks.push_back({rank, static_cast<int32_t>(number - schedule_.first_slot(rank)), time.part.cost.layer,
                                time.part.cost.component, time.part.pass, TaskKind::kComponent});
    };
    for (const ComponentInterval& time : layout.compute) {
      const Direction side = direction_of(time.part.pass);
      const bool wait = time.part.cost.component == Component::kWait;
      add(time, components,
          wait ? faded(kLookWait, !on_path_[number])
               : look(number, time.part.pass, slot.micro_batch_of(side), slot.stage_of(side)));
    }
    for (const ComponentInterval& time : layout.communication) {
      const bool dispatch = time.part.cost.component == Component::kDispatch;
      add(time, communication, faded(dispatch ? kLookDispatch : kLookCombine, !on_path_[number]));
    }
    for (const OverlapPiece& piece : layout.overlap) {
      const uint8_t name = piece.hidden ? kLookHidden : kLookExposed;
      overlap.spans.push_back({start_ns + piece.begin_ns, start_ns + piece.end_ns,
                               first_communication + static_cast<uint32_t>(piece.component), name, name});
    }
  }

  void add_idle(int rank, PictureLane& passes) const {
    for (uint32_t i = 0; i < why_.idle().size(); ++i) {
      const IdleInterval& idle = why_.idle()[i];
      if (idle.rank != rank) continue;
      const auto name = static_cast<uint8_t>(kLookIdle0 + static_cast<int>(idle.cause));
      passes.idle.push_back({idle.begin_ns, idle.end_ns, i, name, name});
    }
  }

  static double hidden_share_of(const PictureLane& overlap) {
    int64_t all_ns = 0;
    int64_t hidden_ns = 0;
    for (const LaneSpan& span : overlap.spans) {
      all_ns += span.end_ns - span.begin_ns;
      if (span.upper == kLookHidden) hidden_ns += span.end_ns - span.begin_ns;
    }
    return all_ns == 0 ? -1 : static_cast<double>(hidden_ns) / static_cast<double>(all_ns);
  }

  // Where a reduction meets an all-to-all the latter is painted.
  void add_step_end(int rank, PictureLane& passes, PictureLane& communication) {
    const sim::RankEnd& end = evaluation_.end.ranks[rank];
    for (const sim::RankEnd::Reduction& reduction : end.reductions) {
      const auto item = static_cast<uint32_t>(picture_.tasks.size());
      picture_.tasks.push_back(
          {rank, -1, reduction.stage, Component::kStage, SlotKind::kW, TaskKind::kGradientReduction});
      std::vector<LaneSpan> pieces;
      int64_t begin_ns = reduction.begin_ns;
      for (const LaneSpan& other : communication.spans) {
        if (other.end_ns <= begin_ns) continue;
        if (other.begin_ns >= reduction.end_ns) break;
        if (other.begin_ns > begin_ns)
          pieces.push_back({begin_ns, other.begin_ns, item, kLookReduction, kLookReduction});
        begin_ns = other.end_ns;
      }
      if (begin_ns < reduction.end_ns) {
        pieces.push_back({begin_ns, reduction.end_ns, item, kLookReduction, kLookReduction});
      }
      communication.spans.insert(communication.spans.end(), pieces.begin(), pieces.end());
      std::inplace_merge(communication.spans.begin(), communication.spans.end() - static_cast<ptrdiff_t>(pieces.size()),
                         communication.spans.end(),
                         [](const LaneSpan& a, const LaneSpan& b) { return a.begin_ns < b.begin_ns; });
    }
    if (end.optimizer_end_ns > end.optimizer_begin_ns) {
      // Items beyond the slots: no slot.
      passes.spans.push_back(
          {end.optimizer_begin_ns, end.optimizer_end_ns, UINT32_MAX, kLookOptimizer, kLookOptimizer});
    }
  }

  MemoryCurve memory_of(int rank) const {
    const planner::RankMemory& memory = evaluation_.memory[rank];
    return memory_curve(
        sim::activation_curve(schedule_, timeline_, evaluation_.costs.activations, rank, evaluation_.costs.temporaries),
        memory.total() - memory.activations - memory.temporaries, planner::memory_limit_bytes(why_.subject().job));
  }

  // Messages on their sender's lane while they occupy a link; those that overlap follow each other.
  void add_transfers() {
    for (const HandOver& hand_over : timeline_.hand_overs) {
      const Placement::Queue& queue = schedule_.placement().queues()[hand_over.queue];
      PictureLane& lane = picture_.ranks[queue.source].lanes.back();
      const int64_t free_ns = lane.spans.empty() ? 0 : lane.spans.back().end_ns;
      const int64_t begin_ns = std::max(hand_over.start_ns, free_ns);
      if (begin_ns >= hand_over.arrival_ns) continue;
      const bool forward = queue.direction == Direction::kForward;
      const Slot& slot = schedule_.slots()[hand_over.producer];
      lane.spans.push_back(
          {begin_ns, hand_over.arrival_ns, static_cast<uint32_t>(picture_.tasks.size()), kLookTransfer, kLookTransfer});
      picture_.tasks.push_back(
          {queue.source, static_cast<int32_t>(hand_over.producer - schedule_.first_slot(queue.source)),
           slot.stage_of(queue.direction), Component::kStage, forward ? SlotKind::kF : SlotKind::kI, TaskKind::kSend});
    }
  }

  const planner::Explanation& why_;
  const PictureOptions options_;
  const planner::Evaluation& evaluation_;
  const Schedule& schedule_;
  const Timeline& timeline_;
  std::vector<bool> on_path_;
  std::map<std::tuple<SlotKind, uint16_t, uint16_t>, SlotLayout> layouts_;
  Picture picture_;
};

}  // namespace

Picture plan_picture(const planner::Explanation& why, const PictureOptions& options) {
  return PlanPicture(why, options).build();
}

}  // namespace pipeloom::gui
