#include "planner/layout/layout_space.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/schedule/placement.h"
#include "planner/layout/recompute_choices.h"

namespace pipeloom::planner {

namespace {

constexpr std::string_view kNames[] = {"pipeline",  "tensor",    "context",  "expert",  "micro-batch-size",
                                       "recompute", "precision", "comm-sms", "schedule"};
constexpr std::string_view kPrecisionNames[] = {"bf16", "fp16", "fp8"};

std::vector<int> divisors(int64_t whole, int most) {
  std::vector<int> found;
  for (int part = 1; part <= most; ++part) {
    if (whole % part == 0) found.push_back(part);
  }
  return found;
}

// Varies jobs field by field. Each step keeps the jobs that the values so far allow.
class Space {
 public:
  Space(const Job& job, const HeldFields& held) : held_(held), jobs_{job} {
    jobs_.front().layout.layers_per_stage.clear();
    jobs_.front().micro_batches = 0;
    if (!held.holds(LayoutField::kSchedule)) jobs_.front().schedule = {};
  }

  // Replaces each job by one copy for each of `values_of(job)`, changed by `set(copy, value)`.
  template <typename ValuesOf, typename Set>
  Space& vary(LayoutField field, ValuesOf values_of, Set set) {
    if (held_.holds(field)) return *this;
    std::vector<Job> varied;
    for (const Job& job : jobs_) {
      for (const auto value : values_of(job)) {
        varied.push_back(job);
        set(varied.back(), value);
      }
    }
    jobs_ = std::move(varied);
    return *this;
  }

  // Gives the remaining GPUs to data parallelism; drops jobs that leave a rest.
  Space& fill_cluster() {
    std::vector<Job> filled;
    for (Job& job : jobs_) {
      Layout& layout = job.layout;
      const int64_t used = int64_t{layout.pipeline} * layout.context * layout.tensor;
      if (job.cluster->gpus() % used != 0) continue;
      layout.data = static_cast<int>(job.cluster->gpus() / used);
      filled.push_back(std::move(job));
    }
    jobs_ = std::move(filled);
    return *this;
  }

  std::vector<Job> checked() {
    std::vector<Job> legal;
    for (Job& job : jobs_) {
      if (auto made = make_job(std::move(job))) legal.push_back(*std::move(made));
    }
    return legal;
  }

 private:
  const HeldFields& held_;
  std::vector<Job> jobs_;
};

std::vector<int> expert_values(const Job& job) {
  if (!job.model->moe) return {1};
  std::vector<int> values;
  for (const int part : divisors(job.model->moe->routed_experts, job.model->moe->routed_experts)) {
    if (job.layout.replicas() % part == 0) values.push_back(part);
  }
  return values;
}

std::vector<int> context_values(const Job& job) {
  const int64_t most = std::min<int64_t>(job.cluster->gpus(), job.batch.sequence_length / kLeastTokens);
  std::vector<int> values;
  for (int context = 1; context <= most; context *= 2) values.push_back(context);
  if (std::ranges::find(values, job.layout.context) == values.end()) values.push_back(job.layout.context);
  return values;
}

std::vector<Precision> precision_values(const Job& job) {
  if (job.software) return {job.precision};
  if (job.precision == Precision::kFp8) return {Precision::kFp8, Precision::kBf16};
  return {job.precision};
}

// Returns only a few splits: the split of the chosen layout is searched finely afterwards.
std::vector<int> split_values(const Job& job) {
  std::vector<int> values = {job.cluster->comm_sms};
  if (job.layout.expert == 1) return values;
  for (const int sms : {8, 12, 16, 20, 24}) {
    if (sms != job.cluster->comm_sms && sms * 2 < job.cluster->gpu.sms) values.push_back(sms);
  }
  return values;
}

}  // namespace

std::string_view field_name(LayoutField field) {
  return kNames[static_cast<size_t>(field)];
}

Result<HeldFields> HeldFields::parse(std::string_view names) {
  HeldFields held;
  while (!names.empty()) {
    const size_t end = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, end);
    const auto found = std::ranges::find(kNames, name);
    if (found == std::end(kNames)) {
      return invalid(fmt::format("--hold names \"{}\"; allowed are {}", name, fmt::join(kNames, ", ")));
    }
    held.bits_ |= 1u << (found - std::begin(kNames));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return held;
}

std::vector<Job> layouts_of(const Job& job, const HeldFields& held) {
  const int gpus = job.cluster->gpus();
  const int most_tensor = std::min(job.cluster->gpus_per_node, job.model->attention.heads);
  const int most_pipeline = std::min({gpus, job.model->layers, Placement::kMaxRanks});
  return Space(job, held)
      .vary(
          LayoutField::kTensor, [&](const Job& j) { return divisors(j.model->attention.heads, most_tensor); },
          [](Job& j, int tensor) { j.layout.tensor = tensor; })
      .vary(
          LayoutField::kPipeline, [&](const Job&) { return divisors(gpus, most_pipeline); },
          [](Job& j, int pipeline) { j.layout.pipeline = pipeline; })
      .vary(LayoutField::kContext, context_values, [](Job& j, int context) { j.layout.context = context; })
      .fill_cluster()
      .vary(LayoutField::kExpert, expert_values, [](Job& j, int expert) { j.layout.expert = expert; })
      .vary(
          LayoutField::kMicroBatchSize,
          [](const Job&) {
            return std::vector<int64_t>{1, 2, 4, 8};
          },
          [](Job& j, int64_t sequences) { j.batch.micro_batch_size = sequences; })
      .vary(LayoutField::kRecompute, recompute_choices, recompute_as)
      .vary(LayoutField::kPrecision, precision_values, [](Job& j, Precision precision) { j.precision = precision; })
      .vary(LayoutField::kCommSms, split_values, [](Job& j, int sms) { j.cluster->comm_sms = sms; })
      .checked();
}

std::string field_value(const Job& job, LayoutField field) {
  switch (field) {
    case LayoutField::kPipeline:
      return std::to_string(job.layout.pipeline);
    case LayoutField::kTensor:
      return std::to_string(job.layout.tensor);
    case LayoutField::kContext:
      return std::to_string(job.layout.context);
    case LayoutField::kExpert:
      return std::to_string(job.layout.expert);
    case LayoutField::kMicroBatchSize:
      return std::to_string(job.batch.micro_batch_size);
    case LayoutField::kRecompute:
      return recompute_text(job);
    case LayoutField::kPrecision:
      return std::string(kPrecisionNames[static_cast<size_t>(job.precision)]);
    case LayoutField::kCommSms:
      return std::to_string(job.cluster->comm_sms);
    case LayoutField::kSchedule:
      break;
  }
  return {};
}

}  // namespace pipeloom::planner
