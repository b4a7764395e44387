#include "planner/subject/subject.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/printable.h"
#include "core/base/units.h"
#include "core/tasks/lower.h"
#include "planner/overlap/hand_over_split.h"
#include "planner/overlap/split.h"
#include "planner/schedules/schedule_table.h"
#include "planner/subject/compare.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

namespace {

Result<Subject> evaluated(Job job, const NamedSchedule& named) {
  auto evaluation = evaluate(job, named);
  if (!evaluation) return fail(evaluation.error().code, fmt::format("{}: {}", named.name, evaluation.error().message));
  return Subject{std::move(job), std::string(named.name), std::move(*evaluation)};
}

}  // namespace

Result<Subject> choose_schedule(const Job& job, const Framework* framework) {
  const std::vector<ComparedSchedule> compared = compare_schedules(job, framework);
  const ComparedSchedule& best = compared.front();
  if (!best.numbers) {
    return unsupported(
        fmt::format("no schedule can run this job; {}: {}", best.named->name, best.numbers.error().message));
  }
  if (!best.numbers->fits) {
    const auto least = std::min_element(compared.begin(), compared.end(), [](const auto& a, const auto& b) {
      if (!a.numbers || !b.numbers) return a.numbers.has_value() && !b.numbers.has_value();
      return a.numbers->peak_memory < b.numbers->peak_memory;
    });
    return unsupported(fmt::format("no schedule fits the memory: a GPU may use {}; {} needs least: {}",
                                   format_bytes(memory_limit_bytes(job)), least->named->name,
                                   format_bytes(least->numbers->peak_memory)));
  }
  return evaluated(best.job, *best.named);
}

Result<Subject> subject_of(const Job& job, const Framework* framework) {
  if (job.schedule.name.empty()) return choose_schedule(job, framework);
  PIPELOOM_TRY(const NamedSchedule* named, find_schedule(job.schedule.name));
  PIPELOOM_TRY(Job own, job_for(job, *named));
  if (framework != nullptr) PIPELOOM_RETURN_IF_ERROR(framework->check(own, *named));
  return evaluated(std::move(own), *named);
}

Result<Subject> subject_of(Plan plan) {
  PIPELOOM_RETURN_IF_ERROR(check_digest(plan));
  Job job = std::move(plan.job);
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, std::move(plan.schedule), std::move(plan.costs)));
  return Subject{std::move(job), std::move(plan.schedule_name), std::move(evaluation)};
}

Plan plan_of(const Subject& subject) {
  const Evaluation& evaluation = subject.evaluation;
  const PlanSummary summary = {evaluation.bubble.makespan_ns, evaluation.bubble.span_ns, evaluation.peak_memory()};
  const int comm_sms = subject.job.cluster ? subject.job.cluster->comm_sms : 0;
  return make_plan(subject.job, subject.schedule_name, evaluation.schedule, evaluation.costs, comm_sms, summary);
}

bool has_pairs(const Subject& subject) {
  const auto slots = subject.evaluation.schedule.slots();
  const bool pairs =
      std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.kind == SlotKind::kFB; });
  return pairs && !subject.evaluation.costs.overlap.of_pair.empty();
}

namespace {

// Chooses SMs, method and pieces of hand-overs for ranks that share a GPU. A searched order stays and is evaluated
// anew.
Result<Subject> plan_hand_over(Subject subject, bool choose_sms) {
  const auto named = find_schedule(subject.schedule_name);
  Job job = subject.job;
  if (choose_sms && named && has_hand_over_choice(job)) {
    job = with_best_hand_over(job, hand_over_splits(job, **named, hand_over_candidates(*job.cluster)));
  }
  job = with_hand_over(std::move(job));
  if (named) return evaluated(std::move(job), **named);
  const Schedule& schedule = subject.evaluation.schedule;
  PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, schedule.placement(), subject.evaluation.costs.layers_per_stage));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, schedule, std::move(costs)));
  return Subject{std::move(job), std::move(subject.schedule_name), std::move(evaluation)};
}

}  // namespace

Result<Subject> plan_overlap(Subject subject, std::optional<int> comm_sms) {
  if (comm_sms) {
    if (!subject.job.cluster) return invalid("--comm-sms is given; allowed only for a job with a cluster");
    subject.job.cluster->comm_sms = *comm_sms;
    PIPELOOM_RETURN_IF_ERROR(make_cluster(*subject.job.cluster).map([](const Cluster&) {}));
  }
  if (subject.job.model && subject.job.cluster->shared_gpu) return plan_hand_over(std::move(subject), !comm_sms);
  const auto named = find_schedule(subject.schedule_name);
  if (!has_pairs(subject) || !named) return subject;
  Job job = subject.job;
  if (!comm_sms) job = with_best_split(job, split_curve(job, **named, candidate_splits(*job.cluster)));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, **named, searched_order));
  return Subject{std::move(job), std::move(subject.schedule_name), std::move(evaluation)};
}

std::string headline(const Subject& subject) {
  const Evaluation& evaluation = subject.evaluation;
  const auto named = find_schedule(subject.schedule_name);
  return fmt::format("{}{}{}: {} ranks, {} stages ({}), {} micro-batches", printable_name(subject.job.name),
                     subject.job.name.empty() ? "" : " | ",
                     named ? std::string((*named)->title) : printable_name(subject.schedule_name),
                     evaluation.schedule.ranks(), evaluation.schedule.stages(),
                     placement_name(evaluation.schedule.placement().kind()), evaluation.schedule.micro_batches());
}

std::string time_text(const Job& job, int64_t ns) {
  return job.model ? format_duration(ns) : format_millionths(ns);
}

std::string memory_text(const Job& job, int64_t amount) {
  return job.model ? format_bytes(amount) : format_millionths(amount);
}

std::string percent_text(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

}  // namespace pipeloom::planner
