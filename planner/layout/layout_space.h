#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

// What a layout search may change. Data parallelism takes the GPUs that are left.
enum class LayoutField : uint8_t {
  kPipeline,
  kTensor,
  kExpert,
  kMicroBatchSize,
  kRecompute,
  kPrecision,
  kCommSms,
  kSchedule,  // and with it the placement
};
constexpr LayoutField kLayoutFields[] = {LayoutField::kPipeline,       LayoutField::kTensor,    LayoutField::kExpert,
                                         LayoutField::kMicroBatchSize, LayoutField::kRecompute, LayoutField::kPrecision,
                                         LayoutField::kCommSms,        LayoutField::kSchedule};

std::string_view field_name(LayoutField field);  // "pipeline", ...

// Fields that keep the job's value.
class HeldFields {
 public:
  // "tensor,expert"; the error names what is allowed.
  static Result<HeldFields> parse(std::string_view names);
  bool holds(LayoutField field) const { return (bits_ >> static_cast<int>(field) & 1) != 0; }

 private:
  uint32_t bits_ = 0;
};

// Every layout of the job's cluster that its model and global batch allow, each a job of its own, ready to be
// evaluated: pipeline divides what tensor and context parallelism leave of the GPUs, with at least a layer for each
// rank; tensor stays inside a node; expert divides its replicas and the experts; micro-batches of 1 to 8 sequences.
// Precision is the job's or a more exact one: searching must not change what is trained for the worse. Layers per stage
// are not fixed. REQUIRES: the job has a model.
std::vector<Job> layouts_of(const Job& job, const HeldFields& held);

// The value of one field, as people read it; of kSchedule nothing.
std::string field_value(const Job& job, LayoutField field);

}  // namespace pipeloom::planner
