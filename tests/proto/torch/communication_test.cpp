// The passes against the examples of PyTorch's own tests (test/distributed/pipelining/test_schedule.py:
// test_unshard_reshard, test_reduce_grad, test_send_recv).
#include "proto/torch/communication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pipeloom::proto {
namespace {

using ::testing::HasSubstr;

// A bubble in PyTorch's examples takes a turn, as this does; PyTorch drops bubbles before it places transfers.
const char* const kBubble = "9UNSHARD";

std::vector<TorchAction> row(const std::string& text) {
  std::istringstream in(text);
  std::vector<TorchAction> actions;
  for (std::string word; in >> word;) actions.push_back(*parse_torch_action(word == "_" ? kBubble : word).value());
  return actions;
}

std::string text(const std::vector<TorchAction>& actions) {
  std::string joined;
  for (const TorchAction& action : actions) {
    const std::string word = torch_action_text(action);
    if (word == kBubble) continue;
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

TEST(TorchCommunication, UnshardsAsPyTorch) {
  EXPECT_EQ(text(with_unshard(row("0F0 0F1 0B0 0B1"))), "0UNSHARD 0F0 0F1 0B0 0B1 0RESHARD");
  EXPECT_EQ(text(with_unshard(row("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1"))),
            "0UNSHARD 1UNSHARD 0F0 0F1 1F0 1F1 1B0 1B1 1RESHARD 0B0 0B1 0RESHARD");
}

TEST(TorchCommunication, UnshardKeepsAtMostThreeStages) {
  EXPECT_EQ(text(with_unshard(row("0F0 1F0 2F0 3F0"))),
            "0UNSHARD 1UNSHARD 2UNSHARD 0F0 0RESHARD 3UNSHARD 1F0 1RESHARD 2F0 2RESHARD 3F0 3RESHARD");
}

TEST(TorchCommunication, ReducesGradientsAsPyTorch) {
  EXPECT_EQ(text(with_reduce_grad(row("0F0 0F1 0B0 0B1"), 2)), "0F0 0F1 0B0 0B1 0REDUCE_GRAD");
  EXPECT_EQ(text(with_reduce_grad(row("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1"), 2)),
            "0F0 0F1 1F0 1F1 1B0 1B1 1REDUCE_GRAD 0B0 0B1 0REDUCE_GRAD");
}

TEST(TorchCommunication, PlacesTransfersAsPyTorchOnTwoRanks) {
  const TorchRows rows = with_transfers({row("0F0 0F1 _ 0B0 _ 0B1"), row("_ 1F0 1B0 1F1 1B1 _")}, {0, 1}).value();
  EXPECT_EQ(text(rows[0]), "0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1");
  EXPECT_EQ(text(rows[1]), "1RECV_F0 1RECV_F1 1F0 1B0 1SEND_B0 1F1 1B1 1SEND_B1");
}

const char* const kVOfRank0 =
    "0F0 0SEND_F0 0F1 0SEND_F1 3RECV_F0 3F0 3B0 3SEND_B0 3RECV_F1 3F1 3B1 3SEND_B1 0RECV_B0 0B0 3W0 0RECV_B1 0B1 3W1 "
    "0W0 0W1";
const char* const kVOfRank1 =
    "1RECV_F0 1RECV_F1 1F0 2F0 2SEND_F0 1F1 2RECV_B0 2F1 2SEND_F1 2B0 2RECV_B1 1B0 1SEND_B0 2B1 1B1 1SEND_B1 2W0 2W1 "
    "1W0 1W1";

TEST(TorchCommunication, WalksRanksInTurn) {
  const TorchRows rows = with_transfers({row("0F0 0F1 _ 3F0 3B0 3F1 3B1 0B0 3W0 0B1 3W1 0W0 0W1"),
                                         row("_ 1F0 2F0 1F1 2F1 2B0 1B0 2B1 1B1 2W0 2W1 1W0 1W1")},
                                        {0, 1, 1, 0})
                             .value();
  EXPECT_EQ(text(rows[0]), kVOfRank0);
  EXPECT_EQ(text(rows[1]), kVOfRank1);
}

TEST(TorchCommunication, PyTorchsRowsPassTheCheck) {
  EXPECT_TRUE(check_transfers({row(kVOfRank0), row(kVOfRank1)}, {0, 1, 1, 0}).has_value());
}

std::string problem(const std::string& first, const std::string& second) {
  const Status status = check_transfers({row(first), row(second)}, {0, 1});
  return status ? "" : status.error().message;
}

TEST(TorchCommunication, TheCheckNamesWhatIsWrong) {
  EXPECT_EQ(problem("0F0 0SEND_F0 0RECV_B0 0B0", "1RECV_F0 1F0 1B0 1SEND_B0"), "");
  EXPECT_EQ(problem("0F0 0RECV_B0 0B0", "1RECV_F0 1F0 1B0 1SEND_B0"), "rank 0: 0SEND_F0 is missing");
  EXPECT_EQ(problem("0SEND_F0 0F0", "1RECV_F0 1F0"), "rank 0: 0SEND_F0 comes before what it sends");
  EXPECT_EQ(problem("0F0 0SEND_F0", "1F0 1RECV_F0"), "rank 1: 1F0 needs 1RECV_F0 before it");
  EXPECT_EQ(problem("0F0 0SEND_F0 0F1 0SEND_F1", "1RECV_F1 1RECV_F0 1F0 1F1"),
            "rank 0 sends 0SEND_F0 where rank 1 receives 1RECV_F1: the orders differ");
  EXPECT_EQ(problem("0F0 0SEND_F0 0SEND_F0", "1RECV_F0 1F0"), "rank 0: 0SEND_F0 is there twice");
  EXPECT_EQ(problem("0F0 1SEND_B0", ""), "rank 0: 1SEND_B0 belongs on rank 1");
  EXPECT_EQ(problem("0SEND_B0", ""), "rank 0: 0SEND_B0 has no other rank to talk to");
  EXPECT_EQ(problem("", "1RECV_F0"), "rank 1: 1RECV_F0 is never sent");
}

TEST(TorchCommunication, AnEndlessScheduleIsRefused) {
  const auto rows = with_transfers({row("0B0 0F0"), row("1F0 1B0")}, {0, 1});
  ASSERT_FALSE(rows.has_value());
  EXPECT_THAT(rows.error().message, HasSubstr("no rank can go on"));
}

}  // namespace
}  // namespace pipeloom::proto
