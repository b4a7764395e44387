// Holds the engine and the memory count against an independent checker (tests/data/vectors/CHECK_open.csv) on the op
// orders that the schedules' own reference code produced.
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/units.h"
#include "sim/engine/simulate.h"
#include "sim/report/memory.h"
#include "tests/support/references.h"

namespace pipeloom::tests {
namespace {

std::vector<int64_t> numbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<int64_t> values;
  for (int64_t value = 0; in >> value;) values.push_back(value);
  return values;
}

std::vector<int64_t> peaks_in_chunks(const Schedule& schedule, int64_t kept_for_weight) {
  return sim::peak_activations(schedule, std::vector(schedule.stages(), ActivationSize{1, kept_for_weight}));
}

TEST(Reference, MakespanAndPeaksEqualTheIndependentChecker) {
  std::map<std::string, std::map<std::string, std::string>> expected;
  for (auto& row : read_csv("vectors/CHECK_open.csv")) expected[row["file"]] = row;
  const auto references = all_references();
  EXPECT_GE(references.size(), 150u);
  for (const ReferenceOrder& reference : references) {
    SCOPED_TRACE(reference.file);
    const auto schedule = reference_schedule(reference);
    ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
    const auto timeline = sim::simulate(*schedule, unit_costs(*schedule), {});
    ASSERT_TRUE(timeline.has_value()) << timeline.error().message;
    auto& row = expected.at(reference.file);
    EXPECT_EQ(timeline->makespan_ns, std::stoll(row["unit_makespan_F1_I1_W1_B2_OV3"]) * kNsPerUnit);
    EXPECT_EQ(peaks_in_chunks(*schedule, 1), numbers(row["peak_act_release_at_W_per_rank"]));
    EXPECT_EQ(peaks_in_chunks(*schedule, 0), numbers(row["peak_act_release_at_I_per_rank"]));
  }
}

}  // namespace
}  // namespace pipeloom::tests
