#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

// Fields that a layout search may change. Data parallelism takes the remaining GPUs.
enum class LayoutField : uint8_t {
  kPipeline,
  kTensor,
  kContext,
  kExpert,
  kMicroBatchSize,
  kRecompute,
  kPrecision,
  kCommSms,
  kSchedule,  // and with it the placement
};
constexpr LayoutField kLayoutFields[] = {LayoutField::kPipeline,  LayoutField::kTensor,         LayoutField::kContext,
                                         LayoutField::kExpert,    LayoutField::kMicroBatchSize, LayoutField::kRecompute,
                                         LayoutField::kPrecision, LayoutField::kCommSms,        LayoutField::kSchedule};

std::string_view field_name(LayoutField field);  // "pipeline", ...

// The fields that keep the job's value.
class HeldFields {
 public:
  // Parses names as in "tensor,expert". The error names what is allowed.
  static Result<HeldFields> parse(std::string_view names);
  bool holds(LayoutField field) const { return (bits_ >> static_cast<int>(field) & 1) != 0; }

 private:
  uint32_t bits_ = 0;
};

inline constexpr int64_t kLeastTokens = 2048;  // shorter shares leave products that no GPU runs well

// Returns every layout of the job's cluster that its model and global batch allow, each a job that is ready to be
// evaluated. `pipeline` divides the GPUs that tensor and context parallelism leave, with at least a layer for each
// rank. `tensor` stays inside a node. `context` is the job's or a power of two that leaves a GPU kLeastTokens of a
// sequence. `expert` divides the replicas and the experts. Micro-batches have 1, 2, 4 or 8 sequences. Recomputation is
// one of recompute_choices. Precision is the job's or a more exact one: a search must not train anything worse; a job
// with software keeps its recipe. Layers per stage are not fixed. REQUIRES: the job has a model.
std::vector<Job> layouts_of(const Job& job, const HeldFields& held);

// Returns the value of one field, as people read it; empty for kSchedule.
std::string field_value(const Job& job, LayoutField field);

}  // namespace pipeloom::planner
