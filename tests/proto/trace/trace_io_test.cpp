#include "proto/trace/trace_io.h"

#include <gtest/gtest.h>

#include "proto/plan/plan_io.h"
#include "tests/proto/random_inputs.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

using tests::content_of;
using tests::random_trace;
using tests::TempFolder;

std::string error_of(const std::string& content) {
  const tests::TempFolder folder;
  const auto trace = read_trace(folder.file("run.trace", content));
  return trace ? "no error" : trace.error().message.substr(folder.path("").size());
}

std::string content_of_trace(const Trace& trace) {
  const tests::TempFolder folder;
  EXPECT_TRUE(write_trace(folder.path("t"), trace).has_value());
  return tests::content_of(folder.path("t"));
}

// What one DualPipe-like step of 8 ranks looks like: per slot and layer the components of a MoE layer, durations with
// noise, ranks reporting in turns.
Trace step_trace(std::mt19937_64& random) {
  constexpr Component kComponents[] = {Component::kAttention, Component::kRouter,  Component::kDispatch,
                                       Component::kExperts,   Component::kCombine, Component::kMlp};
  std::uniform_int_distribution<int64_t> duration(50'000, 5'000'000);
  std::uniform_int_distribution<int64_t> gap(500, 20'000);
  Trace trace{.name = "step", .plan_digest = 1, .spans = {}};
  std::vector<int64_t> now(8, 1'000'000'000);
  for (int slot = 0; slot < 100; ++slot) {
    for (int rank = 0; rank < 8; ++rank) {
      for (int layer = 4 * rank; layer < 4 * rank + 4; ++layer) {
        for (const Component component : kComponents) {
          const bool is_comm = component == Component::kDispatch || component == Component::kCombine;
          const int64_t end = now[rank] + duration(random);
          trace.spans.push_back({{rank, slot, layer, component, slot % 2 == 0 ? SlotKind::kF : SlotKind::kI},
                                 is_comm ? Lane::kEp : Lane::kCompute,
                                 now[rank],
                                 end});
          now[rank] = end + gap(random);
        }
      }
    }
  }
  return trace;
}

TEST(TraceIo, RoundTripLosesNothing) {
  std::mt19937_64 random(1);
  const tests::TempFolder folder;
  for (const int spans : {0, 1, 2, 100, 4095, 4096, 4097, 10'000}) {
    const Trace trace = tests::random_trace(random, spans);
    ASSERT_TRUE(write_trace(folder.path("t"), trace).has_value());
    const auto back = read_trace(folder.path("t"));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_TRUE(*back == trace) << spans;
  }
}

TEST(TraceIo, ASpanTakesAboutTwelveBytes) {
  std::mt19937_64 random(2);
  const Trace trace = step_trace(random);
  const double bytes = static_cast<double>(content_of_trace(trace).size()) / static_cast<double>(trace.spans.size());
  std::printf("%.2f bytes a span\n", bytes);
  EXPECT_LT(bytes, 13);
}

TEST(TraceIo, ReadsBlockByBlock) {
  std::mt19937_64 random(3);
  const Trace trace = tests::random_trace(random, 2 * TraceWriter::kBlockSpans + 1);
  const tests::TempFolder folder;
  ASSERT_TRUE(write_trace(folder.path("t"), trace).has_value());
  auto reader = TraceReader::open(folder.path("t"));
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_EQ(reader->name(), "a trace");
  EXPECT_EQ(reader->plan_digest(), trace.plan_digest);
  EXPECT_EQ(reader->clock_error_ns(), trace.clock_error_ns);
  EXPECT_EQ(reader->next().value().size(), TraceWriter::kBlockSpans);
  EXPECT_EQ(reader->next().value().size(), TraceWriter::kBlockSpans);
  EXPECT_EQ(reader->next().value(), std::vector<Span>{trace.spans.back()});
  EXPECT_TRUE(reader->next().value().empty());
  EXPECT_TRUE(reader->next().value().empty());
}

TEST(TraceIo, AppearsOnClose) {
  const tests::TempFolder folder;
  auto writer = TraceWriter::create(folder.path("t"), {"run", 1, 0});
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE(writer->add({}).has_value());
  EXPECT_FALSE(read_trace(folder.path("t")).has_value());
  ASSERT_TRUE(writer->close().has_value());
  EXPECT_EQ(read_trace(folder.path("t")).value().spans.size(), 1u);
}

TEST(TraceIo, RefusesATruncatedFile) {
  std::mt19937_64 random(4);
  const std::string content = content_of_trace(tests::random_trace(random, 5));
  for (size_t size = 16; size < content.size(); ++size) {
    const std::string error = error_of(content.substr(0, size));
    ASSERT_TRUE(error.starts_with("run.trace is cut off or damaged")) << size << ": " << error;
  }
}

TEST(TraceIo, SaysHowFarATruncatedFileGoes) {
  std::mt19937_64 random(5);
  const std::string content = content_of_trace(tests::random_trace(random, TraceWriter::kBlockSpans + 1));
  EXPECT_EQ(error_of(content.substr(0, content.size() - 3)), "run.trace is cut off or damaged after 4097 spans");
}

TEST(TraceIo, SurvivesDamage) {
  std::mt19937_64 random(6);
  const std::string content = content_of_trace(tests::random_trace(random, 20));
  const tests::TempFolder folder;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = content;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto trace = read_trace(folder.file("t", damaged));
    if (trace) continue;
    EXPECT_TRUE(trace.error().message.starts_with(folder.path("t"))) << trace.error().message;
  }
}

// Every bit of a small trace; and of one of three blocks, some of each of its bytes' kinds.
TEST(TraceIo, AFlippedBitIsRefusedOrChangesNothing) {
  std::mt19937_64 random(1);
  const tests::TempFolder folder;
  int refused = 0;
  const auto flip = [&](const Trace& trace, const std::string& content, size_t bit) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto read = read_trace(folder.file("t", flipped));
    refused += read ? 0 : 1;
    EXPECT_TRUE(!read || *read == trace) << "bit " << bit << " of " << 8 * content.size();
  };
  const Trace small = random_trace(random, 5);
  const std::string content = content_of_trace(small);
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) flip(small, content, bit);
  EXPECT_GT(refused, 0.95 * 8 * static_cast<double>(content.size()));
  const Trace large = random_trace(random, 2 * TraceWriter::kBlockSpans + 1);
  const std::string blocks = content_of_trace(large);
  for (int i = 0; i < 200; ++i) flip(large, blocks, random() % (8 * blocks.size()));
}

TEST(TraceIo, RefusesRandomBytes) {
  std::mt19937_64 random(7);
  std::string content(1000, ' ');
  for (char& byte : content) byte = static_cast<char>(random());
  EXPECT_EQ(error_of(content), "run.trace is not a pipeloom trace");
}

TEST(TraceIo, RefusesAnEmptyFile) {
  EXPECT_EQ(error_of(""), "run.trace is empty; expected a pipeloom trace");
}

TEST(TraceIo, RecognisesAPlan) {
  std::mt19937_64 random(8);
  const tests::TempFolder folder;
  ASSERT_TRUE(write_plan(folder.path("p"), tests::random_plan(random)).has_value());
  EXPECT_EQ(error_of(tests::content_of(folder.path("p"))), "run.trace is a pipeloom plan; expected a pipeloom trace");
}

TEST(TraceIo, RefusesANewerFormat) {
  std::string content = content_of_trace({});
  ASSERT_EQ(content[16], '\x10');  // the tag of format_version, after the kind
  content[17] = 7;
  EXPECT_EQ(error_of(content), "run.trace has format version 7; this pipeloom reads up to 1: update pipeloom");
}

TEST(TraceIo, RefusesAnUnknownLane) {
  Trace trace{.name = "", .plan_digest = 0, .spans = {Span{}}};
  trace.spans[0].lane = static_cast<Lane>(9);
  EXPECT_EQ(error_of(content_of_trace(trace)), "run.trace: lane is 9; allowed are 0 to 4");
}

TEST(TraceIo, RefusesAnUnknownKindOfTask) {
  Trace trace{.name = "", .plan_digest = 0, .spans = {Span{}}};
  trace.spans[0].key.kind = static_cast<TaskKind>(9);
  EXPECT_EQ(error_of(content_of_trace(trace)), "run.trace: kind is 9; allowed are 0 to 6");
}

TEST(TraceIo, RefusesAnUnknownWait) {
  Trace trace{.name = "", .plan_digest = 0, .spans = {Span{}}};
  trace.spans[0].wait.kind = static_cast<WaitKind>(9);
  EXPECT_EQ(error_of(content_of_trace(trace)), "run.trace: wait is 9; allowed are 0 to 4");
}

// Two ranks, written before there were waits and replicas.
TEST(TraceIo, ReadsAFileOfBefore) {
  const Trace trace = read_trace(std::string(PIPELOOM_TEST_DATA) + "/formats/first.trace").value();
  EXPECT_EQ(trace.name, "two ranks");
  EXPECT_EQ(trace.plan_digest, 2749016792437348700u);
  EXPECT_EQ(trace.clock_error_ns, 0);
  ASSERT_EQ(trace.spans.size(), 24u);
  for (const Span& span : trace.spans) {
    EXPECT_EQ(span.replica, 0);
    EXPECT_EQ(span.issue_ns(), span.begin_ns);
    EXPECT_EQ(span.wait, Wait{});
  }
}

TEST(TraceIo, TellsTheSendOfASlotFromItsReceive) {
  const tests::TempFolder folder;
  Trace trace{.name = "", .plan_digest = 0, .spans = {Span{}, Span{}}};
  trace.spans[0].key.kind = TaskKind::kReceive;
  trace.spans[1].key.kind = TaskKind::kSend;
  ASSERT_TRUE(write_trace(folder.path("t"), trace).has_value());
  EXPECT_TRUE(read_trace(folder.path("t")).value() == trace);
}

TEST(TraceIo, RefusesASpanThatEndsBeforeItBegins) {
  Trace trace{.name = "", .plan_digest = 0, .spans = {Span{}}};
  trace.spans[0].begin_ns = 5;
  EXPECT_EQ(error_of(content_of_trace(trace)), "run.trace: a span ends at 0 ns, before it begins (5 ns)");
}

TEST(TraceIo, RefusesAFolderAndAMissingFile) {
  const tests::TempFolder folder;
  EXPECT_EQ(read_trace(folder.path(".")).error().message, "can't read " + folder.path(".") + ": Is a directory");
  EXPECT_EQ(read_trace("/nonexistent/t").error().message, "can't read /nonexistent/t: No such file or directory");
}

}  // namespace
}  // namespace pipeloom::proto
