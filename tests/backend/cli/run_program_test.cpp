#include "backend/cli/run_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <sstream>

#include "backend/cli/folder_store.h"
#include "backend/cli/linked_devices.h"
#include "proto/base/files.h"
#include "proto/job/expert_loads_csv.h"
#include "proto/plan/plan_io.h"
#include "proto/trace/trace_io.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;

  std::string last_line() const { return out.substr(out.rfind('\n', out.size() - 2) + 1); }
};

class PipeloomRun : public testing::Test {
 protected:
  PipeloomRun() {
    const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipev").value();
    EXPECT_TRUE(proto::write_plan(plan_path(), plan).has_value());
  }

  static Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "pipeloom-run");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_pipeloom_run(static_cast<int>(argv.size()), argv.data(), out, err, false, linked_devices());
    return {code, out.str(), err.str()};
  }
  Outcome train(std::vector<std::string> more) const {
    const std::vector<std::string> common = {plan_path(), "--text", text_path(), "--check"};
    more.insert(more.begin(), common.begin(), common.end());
    return run(more);
  }

  std::string plan_path() const { return folder_.path("a.plan"); }
  std::string text_path() const { return text_path_; }

  tests::TempFolder folder_;
  std::string text_path_ = folder_.file("text", tests::some_text());
};

TEST_F(PipeloomRun, ThreadsEndWithTheSequentialRunsParameters) {
  const Outcome sequential = train({"--steps", "2", "--ranks", "sequential"});
  const Outcome threads = train({"--steps", "2", "--ranks", "threads"});
  ASSERT_EQ(sequential.code, 0) << sequential.err;
  ASSERT_EQ(threads.code, 0) << threads.err;
  EXPECT_TRUE(sequential.last_line().starts_with("parameters ")) << sequential.out;
  EXPECT_EQ(threads.last_line(), sequential.last_line());
  EXPECT_NE(train({"--steps", "2", "--seed", "2"}).last_line(), sequential.last_line());
}

TEST_F(PipeloomRun, PrintsAStepALine) {
  const Outcome outcome = train({"--steps", "3", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 4);
  EXPECT_NE(outcome.out.find("\"loss\":4."), std::string::npos) << outcome.out;
}

TEST_F(PipeloomRun, PrintsTheLossOfMtpModulesBesideTheMainOne) {
  EXPECT_EQ(train({"--json"}).out.find("mtp"), std::string::npos);
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_v3(), 2, 4), "1f1b").value();
  ASSERT_TRUE(proto::write_plan(folder_.path("mtp.plan"), plan).has_value());
  for (const char* ranks : {"threads", "sequential"}) {
    const std::string text = run({folder_.path("mtp.plan"), "--text", text_path(), "--check", "--ranks", ranks}).out;
    EXPECT_NE(text.find("   MTP loss  4."), std::string::npos) << text;
    const std::string json =
        run({folder_.path("mtp.plan"), "--text", text_path(), "--check", "--ranks", ranks, "--json"}).out;
    EXPECT_NE(json.find("\"mtp_loss\":4."), std::string::npos) << json;
  }
}

TEST_F(PipeloomRun, ResumesFromItsCheckpoints) {
  const std::string folder = folder_.path("checkpoints");
  const Outcome whole = train({"--steps", "5"});
  ASSERT_EQ(train({"--steps", "2", "--checkpoints", folder, "--checkpoint-every", "2"}).code, 0);
  const Outcome rest = train({"--steps", "5", "--checkpoints", folder, "--resume"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(std::ranges::count(rest.out, '\n'), 4);
  EXPECT_EQ(rest.last_line(), whole.last_line());
}

TEST_F(PipeloomRun, RefusesCheckpointsThatAreThereAndFoldersInUse) {
  const std::string folder = folder_.path("checkpoints");
  const std::vector<std::string> two_steps = {"--steps", "2", "--checkpoints", folder, "--checkpoint-every", "2"};
  ASSERT_EQ(train(two_steps).code, 0);
  const Outcome again = train(two_steps);
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(again.err,
            "pipeloom-run: the folder of checkpoints has one after 2 steps: --resume goes on from it, --overwrite "
            "removes it\n");
  std::vector<std::string> overwrite = two_steps;
  overwrite.emplace_back("--overwrite");
  EXPECT_EQ(train(overwrite).code, 0);
  FolderStore other = FolderStore::create(folder).value();
  ASSERT_TRUE(other.lock());
  overwrite.back() = "--resume";
  EXPECT_EQ(train(overwrite).err, "pipeloom-run: another run writes its checkpoints to " + folder +
                                      ": wait for its end, or name another folder\n");
}

TEST_F(PipeloomRun, CleansWhatAWriteThatWasKilledHasLeft) {
  const std::string folder = folder_.path("checkpoints");
  ASSERT_TRUE(FolderStore::create(folder));
  for (const char* name : {"/step2.rank0.4711-0.tmp", "/last.4711-1.tmp", "/notes.tmp"}) {
    ASSERT_TRUE(proto::write_file_atomically(folder + name, "half"));
  }
  ASSERT_EQ(train({"--steps", "2", "--checkpoints", folder, "--checkpoint-every", "2"}).code, 0);
  std::vector<std::string> names = FolderStore::create(folder)->names().value();
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"last", "lock", "notes.tmp", "step2.rank0", "step2.rank1", "step2.rank2",
                                             "step2.rank3"}));
}

TEST_F(PipeloomRun, FindsFilesThatItCanNotWriteBeforeTheFirstStep) {
  const Outcome trace = train({"--steps", "2", "--trace", folder_.path("no/such/folder")});
  EXPECT_EQ(trace.code, 1);
  EXPECT_EQ(trace.out, "");
  EXPECT_EQ(trace.err, "pipeloom-run: can't write " + folder_.path("no/such/folder") + ": No such file or directory\n");
  const Outcome checkpoints = train({"--steps", "2", "--checkpoints", text_path(), "--checkpoint-every", "2"});
  EXPECT_EQ(checkpoints.code, 1);
  EXPECT_EQ(checkpoints.out, "");
  const std::string shared = folder_.path("shared");
  std::filesystem::create_directory(shared);
  std::filesystem::permissions(shared, std::filesystem::perms::all);
  EXPECT_EQ(train({"--steps", "2", "--checkpoints", shared}).err,
            "pipeloom-run: everyone may write to " + shared +
                ", so its checkpoints could be anybody's: chmod o-w it, or name another folder\n");
}

TEST_F(PipeloomRun, EndsWhereTheLossIsNotFinite) {
  // Check mode notices the gradients, before that.
  const Outcome outcome = run({plan_path(), "--text", text_path(), "--steps", "5", "--learning-rate", "1e300"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("nan: the run ends, and its last checkpoint is from before"), std::string::npos)
      << outcome.err;
  const Outcome sequential =
      run({plan_path(), "--text", text_path(), "--steps", "5", "--learning-rate", "1e300", "--ranks", "sequential"});
  EXPECT_EQ(sequential.err, outcome.err);
}

TEST_F(PipeloomRun, PrintsNothingThatATerminalObeys) {
  const Outcome outcome =
      run({"/no\x1b[2J\x07such\xff"
           "plan",
           "--text", text_path()});
  EXPECT_EQ(outcome.err, "pipeloom-run: can't read /no\\x1b[2J\\x07such\\xffplan: No such file or directory\n");
}

TEST_F(PipeloomRun, WritesTheLoadsOfTheExperts) {
  const auto loads = [&](const char* ranks) {
    const std::string path = folder_.path("loads.csv");
    EXPECT_EQ(train({"--steps", "2", "--ranks", ranks, "--expert-load", path}).code, 0);
    return proto::parse_expert_loads(path, proto::read_file(path).value()).value();
  };
  const std::vector<ExpertLoad> threads = loads("threads");
  EXPECT_EQ(threads, loads("sequential"));
  ASSERT_EQ(threads.size(), 7);  // of 8 layers the first is dense
  for (const ExpertLoad& load : threads) {
    // Steps x sequences x tokens x experts per token.
    EXPECT_EQ(std::accumulate(load.tokens.begin(), load.tokens.end(), int64_t{0}), 2 * 16 * 3 * 3) << load.layer;
  }
}

TEST_F(PipeloomRun, WritesATraceOfEveryTask) {
  ASSERT_EQ(train({"--steps", "2", "--trace", folder_.path("t")}).code, 0);
  const Trace trace = proto::read_trace(folder_.path("t")).value();
  const Plan plan = proto::read_plan(plan_path()).value();
  EXPECT_EQ(trace.plan_digest, plan.task_digest);
  ASSERT_GT(trace.spans.size(), 100u);
  std::set<int> replicas;
  int64_t waits = 0;
  for (const Span& span : trace.spans) {
    replicas.insert(span.replica);
    EXPECT_GE(span.issue_ns(), 0);
    EXPECT_GE(span.queued_ns, 0);
    EXPECT_GE(span.work_ns(), 0);
    const bool transfer = span.key.kind == TaskKind::kSend || span.key.kind == TaskKind::kReceive;
    const int64_t hand_over_bytes = plan.costs.schedule.message_bytes(0);
    EXPECT_TRUE(!transfer || span.bytes == hand_over_bytes) << span.bytes;
    if (span.wait.kind != WaitKind::kNone) ++waits;
    EXPECT_TRUE(span.wait.kind != WaitKind::kTask || span.wait.task.rank == span.key.rank);
  }
  EXPECT_EQ(static_cast<int>(replicas.size()), plan.job.layout.data);
  EXPECT_GT(waits, 20);
  const Outcome paced = run({plan_path(), "--pace", "--steps", "1", "--trace", folder_.path("p")});
  ASSERT_EQ(paced.code, 0) << paced.err;
  // Paced runs are of one replica.
  EXPECT_EQ(plan.job.layout.data * proto::read_trace(folder_.path("p")).value().spans.size(), trace.spans.size());
}

TEST_F(PipeloomRun, SaysWhatIsWrong) {
  const auto error = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1);
    return outcome.err;
  };
  EXPECT_EQ(error({plan_path()}), "pipeloom-run: --text is missing: name a file to train on\n");
  EXPECT_EQ(error({"/nonexistent", "--text", text_path()}),
            "pipeloom-run: can't read /nonexistent: No such file or directory\n");
  EXPECT_EQ(
      error({plan_path(), "--text", folder_.file("short", "abc")}),
      "pipeloom-run: " + folder_.path("short") + ": the text has 3 tokens; a sequence and its next token need 4\n");
  EXPECT_EQ(error({plan_path(), "--text", text_path(), "--resume"}),
            "pipeloom-run: --checkpoint-every, --resume and --overwrite need --checkpoints FOLDER\n");
  EXPECT_EQ(error({plan_path(), "--text", text_path(), "--ranks", "sequential", "--trace", "x"}),
            "pipeloom-run: --ranks sequential writes neither traces nor checkpoints\n");
}

TEST_F(PipeloomRun, RefusesAPlanWithoutAModel) {
  Job job;
  job.costs = DirectCosts{{1}, {1}, {1}, {}, {}};
  job.layout.pipeline = 2;
  job.micro_batches = 2;
  const Plan plan = tests::plan_with(make_job(job).value(), "1f1b").value();
  ASSERT_TRUE(proto::write_plan(folder_.path("direct.plan"), plan).has_value());
  EXPECT_EQ(run({folder_.path("direct.plan"), "--text", text_path()}).err,
            "pipeloom-run: the job has no model; pipeloom-run needs one to train\n");
  EXPECT_EQ(run({folder_.path("direct.plan"), "--pace"}).code, 0);
}

TEST_F(PipeloomRun, RefusesUnknownOptions) {
  EXPECT_EQ(run({plan_path(), "--ranks", "many"}).code, 2);
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"--help"}).code, 0);
}

// Whatever this build has and this machine lacks.
TEST_F(PipeloomRun, SaysWhyItCanNotRunOnAGpu) {
  const Outcome outcome = run({plan_path(), "--text", text_path(), "--device", "cuda", "--steps", "1"});
  if (outcome.code == 0) GTEST_SKIP() << "this machine has a GPU";
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(outcome.err.starts_with("pipeloom-run: --device cuda: ") || outcome.err.find("GPU") != std::string::npos)
      << outcome.err;
}

TEST_F(PipeloomRun, WritesNoLoadsWhereNothingIsTrained) {
  for (const char* device : {"cpu", "cuda"}) {
    const std::string error = run({plan_path(), "--device", device, "--pace", "--expert-load", "x"}).err;
    EXPECT_NE(error.find("--expert-load is given; a run with --pace trains nothing"), std::string::npos) << error;
  }
}

TEST_F(PipeloomRun, RefusesOnAGpuWhatGpusDoNotDo) {
  if (linked_devices().find("cuda")->missing.empty()) {
    const std::string check = run({plan_path(), "--device", "cuda", "--check"}).err;
    EXPECT_NE(check.find("--device cuda has no check mode: use --device cpu"), std::string::npos) << check;
    const std::string resume = run({plan_path(), "--device", "cuda", "--resume"}).err;
    EXPECT_NE(resume.find("need --checkpoints FOLDER"), std::string::npos) << resume;
    const std::string sequential = run({plan_path(), "--device", "cuda", "--ranks", "sequential"}).err;
    EXPECT_NE(sequential.find("--device cpu"), std::string::npos) << sequential;
  } else {
    const std::string none = run({plan_path(), "--device", "cuda"}).err;
    EXPECT_NE(none.find("built without CUDA"), std::string::npos) << none;
  }
  EXPECT_EQ(run({plan_path(), "--device", "tpu"}).code, 2);
  const std::string graph = run({plan_path(), "--no-graph"}).err;
  EXPECT_EQ(graph, "pipeloom-run: --no-graph is given; --device cpu has no graphs of whole steps: use --device cuda\n");
}

}  // namespace
}  // namespace pipeloom::backend
