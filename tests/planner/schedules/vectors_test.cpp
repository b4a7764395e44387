#include "tests/support/vectors.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "planner/schedules/schedules.h"

namespace pipeloom::planner {
namespace {

using tests::ReferenceOrder;

// The flags of blocking P2P are not part of a reference's op order: batches_test.cpp holds them.
std::vector<std::string> describe(std::span<const Slot> slots) {
  std::vector<std::string> lines;
  for (const Slot& slot : slots) {
    lines.push_back(slot_label(slot) + " of stage " + std::to_string(slot.stage));
    if (slot.kind == SlotKind::kFB) lines.back() += " and " + std::to_string(slot.backward_stage);
  }
  return lines;
}

PipelineShape shape_of(const tests::ReferenceOrder& reference) {
  PipelineShape shape;
  shape.ranks = reference.ranks;
  shape.micro_batches = reference.micro_batches;
  shape.chunks = reference.parameter("V", 0);
  shape.group = reference.parameter("microbatch_group_size_per_vp_stage", 0);
  shape.pipe_pairs = reference.parameter("f", 1);
  return shape;
}

struct Case {
  const char* reference;
  Result<Schedule> (*generate)(const PipelineShape&);
};

void PrintTo(const Case& tested, std::ostream* out) {
  *out << tested.reference;
}

class ReferenceVectors : public testing::TestWithParam<Case> {};

TEST_P(ReferenceVectors, AreReproduced) {
  for (const tests::ReferenceOrder& reference : tests::reference_orders(GetParam().reference)) {
    SCOPED_TRACE(reference.file);
    const auto schedule = GetParam().generate(shape_of(reference));
    ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
    ASSERT_EQ(schedule->ranks(), reference.ranks);
    for (int rank = 0; rank < reference.ranks; ++rank) {
      EXPECT_EQ(describe(schedule->slots_of(rank)), describe(reference.orders[rank])) << "rank " << rank;
    }
  }
}

std::string case_name(const testing::TestParamInfo<Case>& tested) {
  return std::string("of_") + tested.param.reference;
}

constexpr Case kCases[] = {{"gpipe", gpipe},
                           {"1f1b", one_f_one_b},
                           {"1f1b_overlap", one_f_one_b_overlap},
                           {"interleaved_1f1b", interleaved_one_f_one_b},
                           {"interleaved_1f1b_moe_overlap", interleaved_one_f_one_b_overlap},
                           {"looped_bfs", looped_bfs},
                           {"interleaved_zb", interleaved_zb},
                           {"dualpipe", dualpipe},
                           {"dualpipev", dualpipev},
                           {"chimera", chimera}};

INSTANTIATE_TEST_SUITE_P(, ReferenceVectors, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace pipeloom::planner
