#pragma once

#include "gui/models/document.h"
#include "gui/models/facts_model.h"
#include "planner/subject/compare.h"

namespace pipeloom::gui {

// What the timeline paints, as tables. The document must outlive the facts' use.
FactsModel::Facts bubble_facts(DocumentPointer document);  // largest first
FactsModel::Facts pass_facts(DocumentPointer document);    // rows are slots
FactsModel::Facts rank_facts(DocumentPointer document);    // with idle time by cause
FactsModel::Facts schedule_facts(DocumentPointer document,
                                 std::shared_ptr<const std::vector<planner::ComparedSchedule>> all);
FactsModel::Facts error_facts(DocumentPointer document);  // of a plan with its trace, per kind
// Several plans, side by side; and rank by rank against the first.
FactsModel::Facts comparison_facts(std::vector<DocumentPointer> documents);
FactsModel::Facts difference_facts(std::vector<DocumentPointer> documents);

// The bubble that a row of bubble_facts shows: its number in Explanation::idle.
std::vector<uint32_t> bubbles_by_length(const planner::Explanation& why);

}  // namespace pipeloom::gui
