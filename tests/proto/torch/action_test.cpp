#include "proto/torch/action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

using ::testing::HasSubstr;
using Kind = TorchActionKind;

// The strings of PyTorch's own test (test/distributed/pipelining/test_schedule.py, test_action_parse), and of
// DualPipeV's schedule.
TEST(TorchAction, ReadsAndPrintsPyTorchsStrings) {
  const std::pair<const char*, TorchAction> cases[] = {
      {"1F0", {Kind::kForward, 1, 0}},
      {"2I1", {Kind::kInputBackward, 2, 1}},
      {"0W3", {Kind::kWeightBackward, 0, 3}},
      {"0B3", {Kind::kFullBackward, 0, 3}},
      {"1UNSHARD", {Kind::kUnshard, 1}},
      {"3RESHARD", {Kind::kReshard, 3}},
      {"3REDUCE_GRAD", {Kind::kReduceGrad, 3}},
      {"0WAIT_REDUCE_GRAD", {Kind::kWaitReduceGrad, 0}},
      {"1WAIT_SEND_F2", {Kind::kWaitSendForward, 1, 2}},
      {"2SEND_B2", {Kind::kSendBackward, 2, 2}},
      {"1RECV_F1", {Kind::kReceiveForward, 1, 1}},
      {"12SEND_F345", {Kind::kSendForward, 12, 345}},
      {"0RECV_B7", {Kind::kReceiveBackward, 0, 7}},
      {"(0F3;3B1)OVERLAP_F_B", {Kind::kOverlap, -1, -1, {{Kind::kForward, 0, 3}, {Kind::kFullBackward, 3, 1}}}},
  };
  for (const auto& [text, action] : cases) {
    const auto parsed = parse_torch_action(text);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(*parsed, action) << text;
    EXPECT_EQ(torch_action_text(action), text);
  }
}

// _Action.from_str strips cells and parts, and its regular expression matches a beginning.
TEST(TorchAction, ReadsAsThePatternDoes) {
  EXPECT_EQ(parse_torch_action("  \t").value(), std::nullopt);
  EXPECT_EQ(parse_torch_action("").value(), std::nullopt);
  EXPECT_EQ(parse_torch_action(" 1F0 \r").value(), (TorchAction{Kind::kForward, 1, 0}));
  EXPECT_EQ(parse_torch_action("1F0;rest").value(), (TorchAction{Kind::kForward, 1, 0}));
  EXPECT_EQ(parse_torch_action("1F").value(), (TorchAction{Kind::kForward, 1, -1}));
  EXPECT_EQ(parse_torch_action("( 0F3 ; 3B1 ;)OVERLAP_F_B").value().value().parts.size(), 2U);
}

TEST(TorchAction, RefusesWhatPyTorchRefuses) {
  for (const char* text : {"F0", "1X0", "1", "-1F0", "(0F3;3B1)", "(0F3;3B1)OVERLAP", "(0F3", "((0F3;1F1))OVERLAP_F_B",
                           "99999999999F0", "0F99999999999"}) {
    const auto parsed = parse_torch_action(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("is no action; expected a stage")) << text;
  }
}

}  // namespace
}  // namespace pipeloom::proto
