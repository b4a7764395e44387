#include "core/job/hand_over_copy.h"

#include <gtest/gtest.h>

#include <functional>

namespace pipeloom {
namespace {

using Curves = std::vector<HandOverCurve>;

TEST(HandOverCurves, RefuseEachIllegalFieldAlone) {
  const Curves good = {{4, {{65'536, 1e10, {}}, {1 << 20, 5e10, {}}}}, {8, {{65'536, 2e10, {}}}}};
  ASSERT_TRUE(check_hand_over_curves("x", good).has_value());
  const std::vector<std::pair<std::function<void(Curves&)>, const char*>> bad = {
      {[](Curves& c) { c[0].sms = 0; }, "x.sms is 0; allowed are 1 to 10000"},
      {[](Curves& c) { c[1].sms = 4; }, "x.sms is 4; allowed are 5 to 10000"},
      {[](Curves& c) { c[1].points.clear(); }, "x.of_message is empty; allowed are 1 point and more"},
      {[](Curves& c) { c[0].points[1].message_bytes = 65'536; },
       "x.of_message.message_bytes is 65536; allowed are 65537 to 1099511627776"},
      {[](Curves& c) { c[0].points[0].bytes_per_s = 0; },
       "x.of_message.bytes_per_s is 0; allowed are 1000000 to 1e+18"},
      {[](Curves& c) { c[0].points[0].how.piece_bytes = 0; },
       "x.of_message.piece_bytes is 0; allowed are 16 to 1099511627776"},
      {[](Curves& c) { c[0].points[0].how.piece_bytes = 100; },
       "x.of_message.piece_bytes is 100; allowed are multiples of 16"}};
  for (const auto& [change, message] : bad) {
    Curves curves = good;
    change(curves);
    const Status status = check_hand_over_curves("x", curves);
    ASSERT_FALSE(status.has_value()) << message;
    EXPECT_EQ(status.error().message, message);
  }
}

TEST(PieceOfTokens, IsWholeUnits) {
  EXPECT_EQ(piece_of_tokens(28, 4096), 28 * 4096);
  EXPECT_EQ(piece_of_tokens(3, 6), 32);
  EXPECT_EQ(piece_of_tokens(1, 2), 16);
}

TEST(CopyMethods, AreFoundByTheirNames) {
  for (const CopyMethod method : kCopyMethods) EXPECT_EQ(find_copy_method(copy_method_name(method)), method);
  EXPECT_EQ(find_copy_method("streaming-read-only"), CopyMethod::kStreamingReadOnly);
  EXPECT_EQ(find_copy_method(""), std::nullopt);
}

}  // namespace
}  // namespace pipeloom
