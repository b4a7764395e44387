#include "gui/models/selection.h"

#include <algorithm>

namespace pipeloom::gui {

namespace {

const MessageTable& messages_of(const Document& document) {
  return document.step->why.messages();
}

std::optional<Selection> as_selection(const Document& document, int picture, uint32_t slot) {
  if (slot == MessageTable::kNone) return std::nullopt;
  return selection_of_slot(document, picture, slot);
}

}  // namespace

std::optional<uint32_t> slot_of(const Document& document, const Selection& selection) {
  const Schedule* schedule = document.schedule();
  if (schedule == nullptr || selection.kind != Selection::Kind::kSpan) return std::nullopt;
  if (selection.role == LaneRole::kPasses) {
    if (selection.span.item >= schedule->slots().size()) return std::nullopt;
    return selection.span.item;
  }
  const TaskKey& task = document.picture->tasks[selection.span.item];
  if (task.slot < 0) return std::nullopt;
  return schedule->first_slot(task.rank) + static_cast<uint32_t>(task.slot);
}

Selection selection_of_slot(const Document& document, int picture, uint32_t slot) {
  const int rank = document.schedule()->rank_of_slot(slot);
  const PictureLane& lane = *document.picture->ranks[rank].lane(LaneRole::kPasses);
  return {picture, rank, LaneRole::kPasses, Selection::Kind::kSpan,
          lane.spans[slot - document.schedule()->first_slot(rank)]};
}

Selection selection_of_bubble(const Document& document, int picture, uint32_t bubble) {
  const int rank = document.step->why.idle()[bubble].rank;
  const PictureLane& lane = *document.picture->ranks[rank].lane(LaneRole::kPasses);
  const auto found =
      std::find_if(lane.idle.begin(), lane.idle.end(), [&](const LaneSpan& span) { return span.item == bubble; });
  return {picture, rank, LaneRole::kPasses, Selection::Kind::kIdle, *found};
}

std::optional<Selection> peak_of(const Document& document, int picture, int rank) {
  const auto& memory = document.picture->ranks[rank].memory;
  if (!memory) return std::nullopt;
  return Selection{
      picture, rank, LaneRole::kPasses, Selection::Kind::kMemory, {memory->peak_ns, memory->peak_ns, 0, 0, 0}};
}

std::optional<Selection> cause_of(const Document& document, const Selection& selection) {
  if (!document.step) return std::nullopt;
  const planner::Explanation& why = document.step->why;
  if (selection.kind == Selection::Kind::kIdle) {
    return as_selection(document, selection.picture, why.idle()[selection.span.item].waits_for);
  }
  const auto slot = slot_of(document, selection);
  if (!slot) return std::nullopt;
  if (const auto cause = why.waited_for(*slot)) return selection_of_slot(document, selection.picture, *cause);
  // It started when its lane was free: the slot before it is the cause.
  if (*slot == document.schedule()->first_slot(selection.rank)) return std::nullopt;
  return selection_of_slot(document, selection.picture, *slot - 1);
}

std::optional<Selection> effect_of(const Document& document, const Selection& selection) {
  if (!document.step) return std::nullopt;
  const planner::Explanation& why = document.step->why;
  if (selection.kind == Selection::Kind::kIdle) {
    return as_selection(document, selection.picture, why.idle()[selection.span.item].before_slot);
  }
  const auto slot = slot_of(document, selection);
  if (!slot) return std::nullopt;
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    const uint32_t consumer = messages_of(document).consumer(*slot, direction);
    if (consumer != MessageTable::kNone && why.waited_for(consumer) == slot) {
      return selection_of_slot(document, selection.picture, consumer);
    }
  }
  if (*slot + 1 < document.schedule()->first_slot(selection.rank + 1)) {
    return selection_of_slot(document, selection.picture, *slot + 1);
  }
  return std::nullopt;
}

std::vector<Arrow> arrows_of(const Document& document, const Selection& selection) {
  std::vector<Arrow> arrows;
  if (!document.step) return arrows;
  const auto add = [&](uint32_t from, uint32_t to) {
    if (from == MessageTable::kNone || to == MessageTable::kNone) return;
    arrows.push_back({selection_of_slot(document, selection.picture, from).stretch(),
                      selection_of_slot(document, selection.picture, to).stretch()});
  };
  if (selection.kind == Selection::Kind::kIdle) {
    const IdleInterval& idle = document.step->why.idle()[selection.span.item];
    if (idle.waits_for != IdleInterval::kNoSlot) add(idle.waits_for, idle.before_slot);
    return arrows;
  }
  const auto slot = slot_of(document, selection);
  if (!slot) return arrows;
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    add(messages_of(document).producer(*slot, direction), *slot);
    add(*slot, messages_of(document).consumer(*slot, direction));
  }
  return arrows;
}

namespace {

bool matches_pass(SlotKind kind, int micro_batch, int stage, int rank, const std::vector<QString>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const QString& word = words[i];
    const bool has_number = i + 1 < words.size();
    const int number = has_number ? words[i + 1].toInt() : -1;
    if (word == "stage" && has_number) {
      if (number != stage) return false;
      ++i;
    } else if (word == "rank" && has_number) {
      if (number != rank) return false;
      ++i;
    } else if (word == "of" || word == "on") {
      continue;
    } else {
      const QString letter = QString(slot_kind_name(kind)).toLower();
      if (word != letter && word != letter + QString::number(micro_batch)) return false;
    }
  }
  return true;
}

}  // namespace

std::vector<Selection> find_all(const Document& document, int picture, const QString& query) {
  std::vector<QString> words;
  for (const QString& word : query.toLower().split(' ', Qt::SkipEmptyParts)) words.push_back(word);
  std::vector<Selection> found;
  if (words.empty()) return found;
  if (const Schedule* schedule = document.schedule()) {
    for (uint32_t slot = 0; slot < schedule->slots().size(); ++slot) {
      const Slot& content = schedule->slots()[slot];
      const int rank = schedule->rank_of_slot(slot);
      const bool pair = content.is_pair();
      const bool hit =
          matches_pass(pair ? SlotKind::kF : content.kind, content.micro_batch, content.stage, rank, words) ||
          (pair &&
           matches_pass(content.backward_kind(), content.backward_micro_batch, content.backward_stage, rank, words));
      if (hit) found.push_back(selection_of_slot(document, picture, slot));
    }
  }
  if (found.empty()) {
    // The names of tasks.
    const Picture& shown = *document.picture;
    for (int rank = 0; rank < static_cast<int>(shown.ranks.size()); ++rank) {
      for (const PictureLane& lane : shown.ranks[rank].lanes) {
        if (lane.role == LaneRole::kPasses || lane.role == LaneRole::kOverlap) continue;
        for (const LaneSpan& span : lane.spans) {
          const TaskKey& task = shown.tasks[span.item];
          const QString label = QString::fromStdString(task_label(task)).toLower();
          if (label.contains(words.front())) found.push_back({picture, rank, lane.role, Selection::Kind::kSpan, span});
        }
      }
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Selection& a, const Selection& b) { return a.span.begin_ns < b.span.begin_ns; });
  return found;
}

}  // namespace pipeloom::gui
