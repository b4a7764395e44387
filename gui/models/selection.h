#pragma once

#include <QString>
#include <optional>
#include <utility>
#include <vector>

#include "gui/models/document.h"
#include "gui/timeline/frame.h"

namespace pipeloom::gui {

// What a person points at: a bar, a bubble, or a moment of a rank's memory (an empty span).
struct Selection {
  enum class Kind : uint8_t { kSpan, kIdle, kMemory };

  int picture = 0;
  int rank = 0;
  LaneRole role = LaneRole::kPasses;
  Kind kind = Kind::kSpan;
  LaneSpan span;

  LaneStretch stretch() const { return {picture, rank, role, span.begin_ns, span.end_ns}; }
  bool operator==(const Selection& other) const {
    return picture == other.picture && rank == other.rank && role == other.role && kind == other.kind &&
           span.begin_ns == other.span.begin_ns && span.item == other.span.item;
  }
};

// The slot that a selection is, or is a part of; nothing for bubbles, reductions, optimizers, and traces alone.
std::optional<uint32_t> slot_of(const Document& document, const Selection& selection);
// As a bar of the passes.
Selection selection_of_slot(const Document& document, int picture, uint32_t slot);
Selection selection_of_bubble(const Document& document, int picture, uint32_t bubble);
std::optional<Selection> peak_of(const Document& document, int picture, int rank);

// What it waited for, and what waits for it: by hand-over, else on its own lane.
std::optional<Selection> cause_of(const Document& document, const Selection& selection);
std::optional<Selection> effect_of(const Document& document, const Selection& selection);
// Hand-overs that come in and go out.
std::vector<Arrow> arrows_of(const Document& document, const Selection& selection);

// What there is to say about it: a headline, then names and values.
struct Description {
  QString headline;
  std::vector<std::pair<QString, QString>> facts;

  QString plain_text() const;
};
Description describe(const Document& document, const Selection& selection);
// Of a range of time: its length; busy, idle and hidden time in it over all ranks.
Description describe_range(const Document& document, int64_t begin_ns, int64_t end_ns);

// Passes, components and ranks that match every word of `query`: "F12", "stage 3", "rank 4", "attention".
std::vector<Selection> find_all(const Document& document, int picture, const QString& query);

}  // namespace pipeloom::gui
