#include "gui/models/fact_tables.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/base/units.h"
#include "sim/report/idle_intervals.h"

namespace pipeloom::gui {

namespace {

using Column = FactsModel::Column;

QString text_of(const std::string& text) {
  return QString::fromStdString(text);
}

// A number and how it is written.
template <typename Value, typename Text>
Column number_column(const char* name, Value value, Text text) {
  return {QString::fromUtf8(name), [value, text](int row) { return text_of(text(value(row))); },
          [value](int row) { return static_cast<double>(value(row)); }};
}

template <typename Value>
Column count_column(const char* name, Value value) {
  return number_column(name, value, [](int64_t count) { return std::to_string(count); });
}

template <typename Value>
Column time_column(const char* name, const DocumentPointer& document, Value value) {
  return number_column(name, value, [document](int64_t ns) { return document->step->why.time(ns); });
}

std::string signed_percent(int64_t predicted_ns, int64_t executed_ns) {
  if (executed_ns == 0) return "-";
  const double error = 100 * (static_cast<double>(predicted_ns) / static_cast<double>(executed_ns) - 1);
  return QString::asprintf("%+.1f %%", error).toStdString();
}

}  // namespace

std::vector<uint32_t> bubbles_by_length(const planner::Explanation& why) {
  std::vector<uint32_t> order(why.idle().size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return why.idle()[a].duration_ns() > why.idle()[b].duration_ns(); });
  return order;
}

FactsModel::Facts bubble_facts(DocumentPointer document) {
  if (!document->step) return {};
  const auto order = std::make_shared<const std::vector<uint32_t>>(bubbles_by_length(document->step->why));
  const auto idle = [document, order](int row) -> const IdleInterval& {
    return document->step->why.idle()[(*order)[row]];
  };
  const auto slot_text = [document](uint32_t slot) {
    return slot == IdleInterval::kNoSlot ? std::string("-") : document->step->why.name(slot);
  };
  return {static_cast<int>(order->size()),
          {count_column("rank", [idle](int row) { return idle(row).rank; }),
           time_column("from", document, [idle](int row) { return idle(row).begin_ns; }),
           time_column("length", document, [idle](int row) { return idle(row).duration_ns(); }),
           {"cause", [idle](int row) { return QString(idle_cause_name(idle(row).cause)); }, {}},
           {"waits for", [idle, slot_text](int row) { return text_of(slot_text(idle(row).waits_for)); }, {}},
           {"next", [idle, slot_text](int row) { return text_of(slot_text(idle(row).before_slot)); }, {}}}};
}

FactsModel::Facts pass_facts(DocumentPointer document) {
  if (!document->step) return {};
  const auto schedule = [document]() -> const Schedule& { return *document->schedule(); };
  const auto timeline = [document]() -> const Timeline& { return document->step->subject.evaluation.timeline; };
  return {static_cast<int>(schedule().slots().size()),
          {count_column("rank", [schedule](int row) { return schedule().rank_of_slot(static_cast<uint32_t>(row)); }),
           {"pass", [schedule](int row) { return text_of(slot_label(schedule().slots()[row])); }, {}},
           count_column("stage", [schedule](int row) { return schedule().slots()[row].stage; }),
           time_column("begin", document, [timeline](int row) { return timeline().start_ns[row]; }),
           time_column("end", document, [timeline](int row) { return timeline().end_ns[row]; }),
           time_column("length", document,
                       [timeline](int row) { return timeline().end_ns[row] - timeline().start_ns[row]; }),
           time_column("slack", document,
                       [document](int row) { return document->step->why.slack_ns(static_cast<uint32_t>(row)); })}};
}

FactsModel::Facts rank_facts(DocumentPointer document) {
  if (!document->step) return {};
  const planner::Subject& subject = document->step->subject;
  const auto evaluation = [document]() -> const planner::Evaluation& { return document->step->subject.evaluation; };
  const int ranks = evaluation().schedule.ranks();
  const auto totals = std::make_shared<const std::vector<std::array<int64_t, kIdleCauses>>>(
      sim::idle_by_cause(ranks, document->step->why.idle()));
  FactsModel::Facts facts{ranks, {count_column("rank", [](int row) { return row; })}};
  facts.columns.push_back(
      time_column("busy", document, [evaluation](int row) { return evaluation().bubble.busy_ns[row]; }));
  facts.columns.push_back(
      time_column("idle", document, [evaluation](int row) { return evaluation().bubble.global_ns(row); }));
  for (int cause = 0; cause < kIdleCauses; ++cause) {
    if (std::all_of(totals->begin(), totals->end(), [&](const auto& rank) { return rank[cause] == 0; })) continue;
    facts.columns.push_back(time_column(idle_cause_name(static_cast<IdleCause>(cause)), document,
                                        [totals, cause](int row) { return (*totals)[row][cause]; }));
  }
  const auto memory = [evaluation](int row) { return evaluation().memory[row].total(); };
  facts.columns.push_back(
      number_column(subject.job.model ? "peak memory" : "peak activations", memory,
                    [document](int64_t amount) { return planner::memory_text(document->step->subject.job, amount); }));
  const auto hidden = [document](int row) { return document->picture->ranks[row].hidden_share; };
  facts.columns.push_back(number_column("communication hidden", hidden,
                                        [](double share) { return share < 0 ? "-" : planner::percent_text(share); }));
  return facts;
}

FactsModel::Facts schedule_facts(DocumentPointer document,
                                 std::shared_ptr<const std::vector<planner::ComparedSchedule>> all) {
  if (!all) return {};
  const auto numbers = [all](int row) -> const planner::ComparedNumbers* {
    const auto& result = (*all)[row].numbers;
    return result ? &*result : nullptr;
  };
  const Job& job = document->step->subject.job;
  const auto time = [document, numbers](const char* name, int64_t planner::ComparedNumbers::*field) {
    return Column{QString(name),
                  [=](int row) { return numbers(row) ? text_of(document->step->why.time(numbers(row)->*field)) : "-"; },
                  [=](int row) { return numbers(row) ? static_cast<double>(numbers(row)->*field) : 1e30; }};
  };
  return {
      static_cast<int>(all->size()),
      {{"schedule", [all](int row) { return text_of(std::string((*all)[row].named->title)); }, {}},
       time("time a step", &planner::ComparedNumbers::step_ns),
       {"bubble",
        [=](int row) { return numbers(row) ? text_of(planner::percent_text(numbers(row)->bubble_global_rate)) : "-"; },
        [=](int row) { return numbers(row) ? numbers(row)->bubble_global_rate : 2; }},
       {job.model ? "peak memory" : "peak activations",
        [=](int row) {
          return numbers(row) ? text_of(planner::memory_text(document->step->subject.job, numbers(row)->peak_memory))
                              : "-";
        },
        [=](int row) { return numbers(row) ? static_cast<double>(numbers(row)->peak_memory) : 1e30; }},
       {"",
        [=](int row) {
          if (!numbers(row)) return text_of((*all)[row].numbers.error().message);
          if (!numbers(row)->fits) return QString("does not fit the memory");
          return numbers(row)->close_to_best ? QString("too close to the best to call") : QString();
        },
        {}}}};
}

FactsModel::Facts error_facts(DocumentPointer document) {
  if (!document->diff) return {};
  const auto kind = [document](int row) -> const planner::KindDiff& { return document->diff->kinds[row]; };
  const auto time = [document](int64_t ns) { return planner::time_text(document->step->subject.job, ns); };
  return {static_cast<int>(document->diff->kinds.size()),
          {{"task", [kind](int row) { return text_of(kind(row).kind); }, {}},
           count_column("count", [kind](int row) { return kind(row).tasks; }),
           number_column(
               "planned, median", [kind](int row) { return kind(row).predicted_median_ns; }, time),
           number_column(
               "executed, median", [kind](int row) { return kind(row).executed_median_ns; }, time),
           number_column(
               "executed, p95", [kind](int row) { return kind(row).executed_p95_ns; }, time),
           {"error",
            [kind](int row) {
              return text_of(signed_percent(kind(row).predicted_median_ns, kind(row).executed_median_ns));
            },
            [kind](int row) {
              return static_cast<double>(kind(row).predicted_median_ns) /
                     static_cast<double>(std::max<int64_t>(kind(row).executed_median_ns, 1));
            }}}};
}

FactsModel::Facts comparison_facts(std::vector<DocumentPointer> documents) {
  std::erase_if(documents, [](const DocumentPointer& document) { return !document->step; });
  const auto shown = std::make_shared<const std::vector<DocumentPointer>>(std::move(documents));
  const auto subject = [shown](int row) -> const planner::Subject& { return (*shown)[row]->step->subject; };
  const auto time = [subject](const char* name, auto value) {
    return Column{QString(name),
                  [=](int row) { return text_of(planner::time_text(subject(row).job, value(subject(row)))); },
                  [=](int row) { return static_cast<double>(value(subject(row))); }};
  };
  return {static_cast<int>(shown->size()),
          {{"plan", [shown](int row) { return text_of((*shown)[row]->name()); }, {}},
           {"schedule", [subject](int row) { return text_of(subject(row).schedule_name); }, {}},
           time("time a step", [](const planner::Subject& one) { return one.evaluation.end.step_ns; }),
           time("makespan", [](const planner::Subject& one) { return one.evaluation.bubble.makespan_ns; }),
           number_column(
               "bubble", [subject](int row) { return subject(row).evaluation.bubble.global_rate(); },
               planner::percent_text),
           {"peak memory",
            [subject](int row) {
              return text_of(planner::memory_text(subject(row).job, subject(row).evaluation.peak_memory()));
            },
            [subject](int row) { return static_cast<double>(subject(row).evaluation.peak_memory()); }},
           number_column(
               "all-to-all hidden", [subject](int row) { return subject(row).evaluation.overlap; },
               planner::percent_text)}};
}

FactsModel::Facts difference_facts(std::vector<DocumentPointer> documents) {
  std::erase_if(documents, [](const DocumentPointer& document) { return !document->step; });
  if (documents.size() < 2) return {};
  const auto shown = std::make_shared<const std::vector<DocumentPointer>>(std::move(documents));
  int ranks = 0;
  for (const DocumentPointer& document : *shown) ranks = std::max(ranks, document->schedule()->ranks());
  FactsModel::Facts facts{ranks, {count_column("rank", [](int row) { return row; })}};
  const auto idle = [shown](size_t plan, int row) {
    const planner::Evaluation& evaluation = (*shown)[plan]->step->subject.evaluation;
    return row < evaluation.schedule.ranks() ? evaluation.bubble.global_ns(row) : 0;
  };
  for (size_t plan = 0; plan < shown->size(); ++plan) {
    const std::string name = "idle, " + (*shown)[plan]->name();
    facts.columns.push_back(
        time_column(name.c_str(), (*shown)[plan], [idle, plan](int row) { return idle(plan, row); }));
    if (plan == 0) continue;
    facts.columns.push_back(
        {"difference",
         [=](int row) {
           const int64_t ns = idle(plan, row) - idle(0, row);
           return QString(ns > 0 ? "+" : ns < 0 ? "-" : "") + text_of((*shown)[plan]->step->why.time(std::abs(ns)));
         },
         [=](int row) { return static_cast<double>(idle(plan, row) - idle(0, row)); }});
  }
  return facts;
}

}  // namespace pipeloom::gui
