#include <gtest/gtest.h>

#include "tests/planner/schedules/zero_bubble_cases.h"
#include "tests/planner/schedules/zero_bubble_support.h"

namespace pipeloom::tests {
namespace {

struct VectorCase {
  ZeroBubbleCase schedule;
  ReferenceOrder reference;
};

void PrintTo(const VectorCase& test, std::ostream* out) {
  *out << test.reference.file;
}

std::vector<VectorCase> vector_cases() {
  std::vector<VectorCase> cases;
  for (const ZeroBubbleCase& schedule : zero_bubble_cases()) {
    for (ReferenceOrder& reference : reference_orders(schedule.reference)) cases.push_back({schedule, reference});
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<VectorCase>& info) {
  std::string name;
  for (const char c : info.param.reference.file.substr(0, info.param.reference.file.size() - 4)) {
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return name;
}

class ZeroBubbleVector : public testing::TestWithParam<VectorCase> {};

TEST_P(ZeroBubbleVector, IsReproduced) {
  const auto& [schedule, reference] = GetParam();
  const OwnedInputs inputs = inputs_of(reference, schedule.stages_per_rank * reference.ranks);
  planner::PipelineShape shape;
  shape.ranks = reference.ranks;
  shape.micro_batches = reference.micro_batches;
  const auto generated = schedule.generate(shape, inputs.view());
  ASSERT_TRUE(generated.has_value()) << generated.error().message;
  EXPECT_EQ(text_of(orders_of(*generated)), text_of(reference.orders));
}

INSTANTIATE_TEST_SUITE_P(Open, ZeroBubbleVector, testing::ValuesIn(vector_cases()), case_name);

}  // namespace
}  // namespace pipeloom::tests
