#include <algorithm>

#include "core/base/units.h"
#include "gui/models/selection.h"
#include "sim/report/memory.h"

namespace pipeloom::gui {

namespace {

QString text_of(const std::string& text) {
  return QString::fromStdString(text);
}

class Describer {
 public:
  Describer(const Document& document, const Selection& selection) : document_(document), selection_(selection) {}

  Description describe() {
    switch (selection_.kind) {
      case Selection::Kind::kIdle:
        idle();
        break;
      case Selection::Kind::kMemory:
        memory();
        break;
      case Selection::Kind::kSpan:
        span();
        break;
    }
    return std::move(result_);
  }

 private:
  QString time(int64_t ns) const { return text_of(document_.picture->time_text(ns)); }
  void add(const char* name, const QString& value) { result_.facts.emplace_back(name, value); }

  void add_times() {
    add("length", time(selection_.span.end_ns - selection_.span.begin_ns));
    add("from", time(selection_.span.begin_ns));
    add("to", time(selection_.span.end_ns));
  }

  void idle() {
    if (!document_.step) {
      result_.headline = QString("rank %1 idle").arg(selection_.rank);
      add_times();
      return;
    }
    const planner::Explanation& why = document_.step->why;
    const IdleInterval& interval = why.idle()[selection_.span.item];
    result_.headline = QString("rank %1 idle: %2").arg(selection_.rank).arg(idle_cause_name(interval.cause));
    add_times();
    if (interval.waits_for != IdleInterval::kNoSlot) add("waits for", text_of(why.describe(interval.waits_for)));
    if (interval.before_slot != IdleInterval::kNoSlot) add("then runs", text_of(why.name(interval.before_slot)));
  }

  void memory() {
    const MemoryCurve& curve = *document_.picture->ranks[selection_.rank].memory;
    const int64_t held = curve.held_at(selection_.span.begin_ns);
    const bool peak = held == curve.peak;
    result_.headline = QString(peak ? "rank %1 at its fullest" : "memory of rank %1").arg(selection_.rank);
    add("at", time(selection_.span.begin_ns));
    if (!document_.step) return;
    const planner::Subject& subject = document_.step->subject;
    add("held", text_of(planner::memory_text(subject.job, held)));
    add("of that always", text_of(planner::memory_text(subject.job, curve.resident)));
    if (curve.capacity > 0) add("the GPU has", text_of(planner::memory_text(subject.job, curve.capacity)));
    if (!peak) return;
    for (const sim::AliveAtPeak& alive :
         sim::alive_at_peak(subject.evaluation.schedule, subject.evaluation.costs.activations, selection_.rank)) {
      const QString name = QString("alive, stage %1").arg(alive.stage);
      QString value = QString("%1 micro-batches").arg(alive.whole);
      if (alive.for_weight > 0) value += QString(", %1 for W only").arg(alive.for_weight);
      result_.facts.emplace_back(name, value);
    }
  }

  void span() {
    const auto slot = slot_of(document_, selection_);
    if (selection_.role == LaneRole::kPasses) {
      pass(slot);
    } else {
      task(slot);
    }
  }

  void pass(std::optional<uint32_t> slot) {
    if (!slot) {
      const Picture& picture = *document_.picture;
      const PictureLane* lane = picture.ranks[selection_.rank].lane(selection_.role);
      result_.headline = QString("%1 on rank %2")
                             .arg(text_of(picture.label(picture, *lane, selection_.span, false)))
                             .arg(selection_.rank);
      add_times();
      return;
    }
    const planner::Explanation& why = document_.step->why;
    result_.headline = text_of(why.name(*slot));
    add_times();
    add_pass_facts(*slot);
  }

  void add_pass_facts(uint32_t slot) {
    const planner::Explanation& why = document_.step->why;
    const Slot& content = document_.schedule()->slots()[slot];
    if (document_.schedule()->placement().pipes() > 1) {
      QString pipes = QString::number(document_.schedule()->pipe_of(content.micro_batch));
      if (content.is_pair()) {
        pipes += QString(" and %1").arg(document_.schedule()->pipe_of(content.backward_micro_batch));
      }
      add("pipe", pipes);
    }
    add("slack", why.slack_ns(slot) == 0 ? QString("none: it decides the step") : time(why.slack_ns(slot)));
    if (const auto cause = why.waited_for(slot)) {
      add("waited for", text_of(why.describe(*cause)));
    } else {
      add("started", "as soon as its rank was free");
    }
  }

  void task(std::optional<uint32_t> slot) {
    const TaskKey& task = document_.picture->tasks[selection_.span.item];
    result_.headline = QString("%1 on rank %2").arg(text_of(task_label(task))).arg(selection_.rank);
    add_times();
    if (task.kind == TaskKind::kComponent) add("layer", QString::number(task.layer));
    if (selection_.role == LaneRole::kOverlap) {
      add("communication", selection_.span.upper == kLookHidden ? "hidden under compute" : "exposed");
    }
    if (selection_.role == LaneRole::kExecuted) add_planned(task);
    if (slot) add("in", text_of(document_.step->why.name(*slot)));
    if (!document_.step && task.slot >= 0) add("slot", QString::number(task.slot));
  }

  void add_planned(const TaskKey& key) {
    const PictureLane* planned = document_.picture->ranks[selection_.rank].lane(LaneRole::kComponents);
    if (planned == nullptr) return;
    const auto found = std::find_if(planned->spans.begin(), planned->spans.end(),
                                    [&](const LaneSpan& span) { return document_.picture->tasks[span.item] == key; });
    if (found == planned->spans.end()) return;
    const int64_t planned_ns = found->end_ns - found->begin_ns;
    const int64_t executed_ns = selection_.span.end_ns - selection_.span.begin_ns;
    add("planned", time(planned_ns));
    if (planned_ns > 0) {
      add("executed by planned",
          QString::number(static_cast<double>(executed_ns) / static_cast<double>(planned_ns), 'f', 2));
    }
  }

  const Document& document_;
  const Selection& selection_;
  Description result_;
};

int64_t covered_ns(const PictureLane* lane, int64_t begin_ns, int64_t end_ns, std::optional<uint8_t> look) {
  if (lane == nullptr) return 0;
  int64_t sum_ns = 0;
  const auto first = std::partition_point(lane->spans.begin(), lane->spans.end(),
                                          [&](const LaneSpan& span) { return span.end_ns <= begin_ns; });
  for (auto span = first; span != lane->spans.end() && span->begin_ns < end_ns; ++span) {
    if (look && span->upper != *look) continue;
    sum_ns += std::min(span->end_ns, end_ns) - std::max(span->begin_ns, begin_ns);
  }
  return sum_ns;
}

}  // namespace

Description describe(const Document& document, const Selection& selection) {
  return Describer(document, selection).describe();
}

Description describe_range(const Document& document, int64_t begin_ns, int64_t end_ns) {
  const Picture& picture = *document.picture;
  int64_t busy_ns = 0;
  int64_t transfer_ns = 0;
  int64_t hidden_ns = 0;
  for (const RankPicture& rank : picture.ranks) {
    busy_ns += covered_ns(rank.lane(LaneRole::kPasses), begin_ns, end_ns, {});
    transfer_ns += covered_ns(rank.lane(LaneRole::kOverlap), begin_ns, end_ns, {});
    hidden_ns += covered_ns(rank.lane(LaneRole::kOverlap), begin_ns, end_ns, kLookHidden);
  }
  const auto percent = [](int64_t part, int64_t whole) {
    return QString("%1 %").arg(100 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(whole, 1)), 0,
                               'f', 1);
  };
  const int64_t whole_ns = (end_ns - begin_ns) * static_cast<int64_t>(picture.ranks.size());
  Description result;
  result.headline = QString("range of %1").arg(text_of(picture.time_text(end_ns - begin_ns)));
  result.facts = {{"from", text_of(picture.time_text(begin_ns))},
                  {"to", text_of(picture.time_text(end_ns))},
                  {"busy", percent(busy_ns, whole_ns)},
                  {"idle", percent(whole_ns - busy_ns, whole_ns)}};
  if (transfer_ns > 0) result.facts.emplace_back("communication hidden", percent(hidden_ns, transfer_ns));
  return result;
}

QString Description::plain_text() const {
  QString text = headline;
  for (const auto& [name, value] : facts) text += "\n" + name + ": " + value;
  return text;
}

}  // namespace pipeloom::gui
