#include "planner/schedules/schedule_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>

namespace pipeloom::planner {

void PrintTo(const NamedSchedule& row, std::ostream* out) {
  *out << row.name;
}

namespace {

Result<Schedule> generate(const NamedSchedule& row, const PipelineShape& shape) {
  PIPELOOM_TRY(const Placement placement, row.placement(shape));
  PIPELOOM_TRY(const ScheduleCosts costs,
               ScheduleCosts::uniform(placement.stages(), placement.ranks(), StageCost::plain(1, 1, 1)));
  return row.generate(shape, {costs});
}

std::string describe(const PipelineShape& shape) {
  return fmt::format("ranks {}, micro_batches {}, chunks {}, group {}, pipe_pairs {}, waves {}", shape.ranks,
                     shape.micro_batches, shape.chunks, shape.group, shape.pipe_pairs, shape.waves);
}

// Every combination of a row's options on small machines; options that a row does not have change nothing.
std::vector<PipelineShape> small_shapes() {
  std::vector<PipelineShape> shapes;
  for (int ranks = 1; ranks <= 8; ++ranks) {
    for (int micro_batches = 1; micro_batches <= 19; ++micro_batches) {
      shapes.push_back({ranks, micro_batches});
      for (int chunks = 1; chunks <= 4; ++chunks) {
        for (int group = 0; group <= micro_batches; ++group) shapes.push_back({ranks, micro_batches, chunks, group});
      }
      for (int pipe_pairs = 2; pipe_pairs <= 4; ++pipe_pairs) {
        shapes.push_back({ranks, micro_batches, 0, 0, pipe_pairs});
      }
      for (int waves = 2; waves <= 4; ++waves) shapes.push_back({ranks, micro_batches, 0, 0, 1, waves});
    }
  }
  return shapes;
}

class EverySchedule : public testing::TestWithParam<NamedSchedule> {};

TEST_P(EverySchedule, IsValidOrRefusedWithAReason) {
  const NamedSchedule& row = GetParam();
  int generated = 0;
  for (const PipelineShape& shape : small_shapes()) {
    SCOPED_TRACE(describe(shape));
    const auto schedule = generate(row, shape);
    if (schedule) {
      ++generated;
      ASSERT_EQ(schedule->ranks(), shape.ranks);
      ASSERT_EQ(schedule->micro_batches(), shape.micro_batches);
      ASSERT_EQ(schedule->placement(), row.placement(shape).value());
    } else {
      ASSERT_EQ(schedule.error().code, ErrorCode::kUnsupported) << schedule.error().message;
      ASSERT_FALSE(schedule.error().message.empty());
    }
  }
  EXPECT_GT(generated, 0);
}

TEST_P(EverySchedule, RefusesIllegalValues) {
  for (const PipelineShape& shape : {PipelineShape{0, 8}, PipelineShape{-1, 8}, PipelineShape{4, 0}}) {
    SCOPED_TRACE(describe(shape));
    const auto schedule = generate(GetParam(), shape);
    ASSERT_FALSE(schedule.has_value());
    EXPECT_EQ(schedule.error().code, ErrorCode::kInvalid);
  }
}

TEST_P(EverySchedule, IsDescribed) {
  EXPECT_FALSE(GetParam().title.empty());
  EXPECT_FALSE(GetParam().summary.empty());
  EXPECT_EQ(GetParam().summary.find('\n'), std::string_view::npos);
  EXPECT_FALSE(GetParam().paper.empty());
}

TEST_P(EverySchedule, SaysWhetherItHasPairs) {
  bool pairs = false;
  for (const PipelineShape& shape : small_shapes()) {
    const auto schedule = generate(GetParam(), shape);
    pairs = pairs || (schedule && schedule->has_pairs());
  }
  EXPECT_EQ(GetParam().pairs, pairs);
}

std::string row_name(const testing::TestParamInfo<NamedSchedule>& tested) {
  std::string name = "row_" + std::string(tested.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(, EverySchedule, testing::ValuesIn(named_schedules().begin(), named_schedules().end()),
                         row_name);

TEST(NamedSchedules, HaveUniqueNames) {
  std::set<std::string_view> names;
  for (const NamedSchedule& row : named_schedules()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_schedule(row.name).value(), &row);
  }
}

TEST(NamedSchedules, SuggestTheNearestNameForAnUnknownOne) {
  const auto error = [](std::string_view name) {
    const auto found = find_schedule(name);
    return found ? Error{ErrorCode::kInvalid, "found"} : found.error();
  };
  EXPECT_EQ(error("dualpip").message,
            "schedule \"dualpip\" is unknown; did you mean \"dualpipe\"? All of them: pipeloom list-schedules");
  EXPECT_NE(error("1f2b").message.find("did you mean \"1f1b\""), std::string::npos);
  EXPECT_NE(error("interleave-1f1b").message.find("did you mean \"interleaved-1f1b\""), std::string::npos);
  EXPECT_EQ(error("").code, ErrorCode::kNotFound);
}

TEST(NamedSchedules, MatchWhateverTheCaseAndTheDashes) {
  for (const std::string_view name : {"1F1B", "Interleaved1F1B", "interleaved_1f1b"}) {
    EXPECT_TRUE(find_schedule(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace pipeloom::planner
