#include "core/schedule/batches.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "planner/schedules/schedules.h"
#include "sim/engine/blocking_p2p.h"
#include "tests/support/vectors.h"

namespace pipeloom::planner {
namespace {

// The batches of one rank by the number of slots before them; empty ones are left out.
using BatchTexts = std::map<size_t, std::multiset<std::string>>;

std::string describe(bool sends, bool forward, int stage, int micro_batch, int peer) {
  return fmt::format("{}_{} stage {} micro-batch {} peer {}", sends ? "SEND" : "RECV", forward ? "F" : "B", stage,
                     micro_batch, peer);
}

// A reference names what a rank sends by the pass that produced it, and what it receives by the pass that needs it.
std::string describe(const Schedule& schedule, int rank, const Message& message) {
  const auto& queue = schedule.placement().queues()[message.queue];
  const bool sends = queue.source == rank;
  const bool forward = queue.direction == Direction::kForward;
  const Slot& slot = schedule.slots()[sends ? message.producer : message.consumer];
  return describe(sends, forward, forward ? slot.stage : slot.backward_pass_stage(),
                  forward ? slot.micro_batch : slot.backward_pass_micro_batch(), sends ? queue.target : queue.source);
}

BatchTexts batches_of(const Schedule& schedule, const MessageTable& table, const Batches& batches, int rank) {
  BatchTexts texts;
  for (uint32_t position = 0; position <= schedule.slots_of(rank).size(); ++position) {
    for (const uint32_t message : batches.messages(rank, position)) {
      texts[position].insert(describe(schedule, rank, table.messages()[message]));
    }
  }
  return texts;
}

struct ReferenceBatches {
  std::string file;
  PipelineShape shape;
  std::vector<BatchTexts> ranks;
};

ReferenceBatches read_batches(std::map<std::string, std::string>& entry) {
  ReferenceBatches reference;
  reference.file = entry["file"];
  reference.shape.ranks = std::stoi(entry["P"]);
  reference.shape.micro_batches = std::stoi(entry["M"]);
  reference.ranks.resize(reference.shape.ranks);
  const bool per_direction = entry["schedule"] == "dualpipe_comm";
  std::vector<size_t> slots_before(reference.shape.ranks, 0);
  for (auto& row : tests::read_csv("vectors/" + reference.file)) {
    const int rank = std::stoi(row["rank"]);
    if (row["event"] == "COMPUTE") {
      ++slots_before[rank];
      continue;
    }
    int micro_batch = std::stoi(row["microbatch"]);
    if (per_direction) micro_batch += std::stoi(row["phase_direction"]) * reference.shape.micro_batches / 2;
    const std::string& op = row["op"];
    reference.ranks[rank][slots_before[rank]].insert(describe(op.starts_with("SEND"), op.ends_with("F"),
                                                              std::stoi(row["stage_or_chunk"]), micro_batch,
                                                              std::stoi(row["peer_rank"])));
  }
  return reference;
}

void expect_batches_of_the_reference(const std::string& name, Result<Schedule> (*generate)(const PipelineShape&)) {
  int files = 0;
  for (auto& entry : tests::read_csv("vectors/MANIFEST.csv")) {
    if (entry["schedule"] != name || entry["params"] != "P2P batches") continue;
    ++files;
    const ReferenceBatches reference = read_batches(entry);
    SCOPED_TRACE(reference.file);
    const Schedule schedule = generate(reference.shape).value();
    const MessageTable table(schedule);
    const Batches batches(schedule, table);
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
      EXPECT_EQ(batches_of(schedule, table, batches, rank), reference.ranks[rank]) << "rank " << rank;
    }
  }
  EXPECT_GE(files, 7);
}

TEST(Batches, AreThoseOfTheDualPipeReference) {
  expect_batches_of_the_reference("dualpipe_comm", dualpipe);
}

TEST(Batches, AreThoseOfTheDualPipeVReference) {
  expect_batches_of_the_reference("dualpipev_comm", dualpipev);
}

bool finishes_blocking(const Schedule& schedule) {
  const auto costs = ScheduleCosts::uniform(schedule.stages(), schedule.ranks(), StageCost::plain(1, 1, 1)).value();
  return sim::simulate_blocking(schedule, costs, MessageTable(schedule)).has_value();
}

TEST(Batches, LetDualPipeFinishAtEverySize) {
  for (int ranks = 2; ranks <= 12; ranks += 2) {
    for (int micro_batches = 2 * ranks - 2; micro_batches <= 3 * ranks; micro_batches += 2) {
      EXPECT_TRUE(finishes_blocking(dualpipe({ranks, micro_batches}).value())) << ranks << " " << micro_batches;
    }
  }
}

TEST(Batches, LetDualPipeVFinishAtEverySize) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int micro_batches = 2 * ranks - 1; micro_batches <= 3 * ranks; ++micro_batches) {
      EXPECT_TRUE(finishes_blocking(dualpipev({ranks, micro_batches}).value())) << ranks << " " << micro_batches;
    }
  }
}

}  // namespace
}  // namespace pipeloom::planner
