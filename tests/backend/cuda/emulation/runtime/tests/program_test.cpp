// `pipeloom-run --device emulated`: emulated GPUs as a second accelerator beside `cuda`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "backend/cli/run_program.h"
#include "backend/cuda/row/cuda_row.h"
#include "backend/device/table/cpu_row.h"
#include "proto/plan/plan_io.h"
#include "proto/trace/trace_io.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"
#include "tests/backend/cuda/emulation/runtime/program/emulated_row.h"
#include "tests/backend/cuda/emulation/runtime/tests/runs.h"
#include "tests/backend/support.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;

class EmulatedProgram : public testing::Test {
 protected:
  EmulatedProgram() { EXPECT_TRUE(proto::write_plan(folder_.path("a.plan"), plan_).has_value()); }

  static Plan some_plan() {
    Model model = tiny_moe();
    model.layers = 3;
    return gpu_plan(training_job(model, 2, 4), "1f1b");
  }

  // What it prints; its error where it fails.
  std::string run(std::vector<std::string> arguments) const {
    const std::vector<std::string> common = {"pipeloom-run", folder_.path("a.plan"), "--device", "emulated"};
    arguments.insert(arguments.begin(), common.begin(), common.end());
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream err;
    const backend::DeviceTable devices({backend::cpu_row(), backend::cuda_row(), emulated_row()});
    const int code = backend::run_pipeloom_run(static_cast<int>(argv.size()), argv.data(), out, err, false, devices);
    return code == 0 ? out.str() : err.str();
  }

  TempFolder folder_;
  std::string text_ = folder_.file("text", some_text());
  Plan plan_ = some_plan();
};

TEST_F(EmulatedProgram, TrainsTracesAndGoesOnFromACheckpoint) {
  const emulation::EmulatedGpus gpus({.cupti = true});
  const std::vector<std::string> folder = {"--checkpoints", folder_.path("kept")};
  const std::string first = run({"--text", text_, "--steps", "2", "--checkpoint-every", "2", folder[0], folder[1],
                                 "--trace", folder_.path("a.trace"), "--copy", "bulk"});
  EXPECT_THAT(first, HasSubstr("Steps were run as one CUDA graph of "));
  EXPECT_THAT(first, HasSubstr("SMs: 2 ranks x (56 + 8) SMs"));
  EXPECT_THAT(first, HasSubstr("Traced by CUPTI"));
  const auto trace = proto::read_trace(folder_.path("a.trace"));
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->plan_digest, plan_.task_digest);
  const std::string second = run({"--text", text_, "--steps", "3", "--resume", folder[0], folder[1], "--no-graph"});
  EXPECT_THAT(second, HasSubstr("launch by launch: as asked for"));
  EXPECT_THAT(gpus.complaints(), testing::IsEmpty());
  EXPECT_THAT(gpus.leaks(), testing::IsEmpty());
}

TEST_F(EmulatedProgram, Paces) {
  const emulation::EmulatedGpus gpus({.any_order = false});
  EXPECT_THAT(run({"--pace", "--steps", "2"}), HasSubstr("SM census: no SM was used by two partitions"));
}

TEST_F(EmulatedProgram, SaysWhatTheGpuLacks) {
  const emulation::EmulatedGpus gpus({.memory_bytes = int64_t{1} << 20});
  EXPECT_THAT(run({"--text", text_}), HasSubstr("has 1.0 MB free of 1.0 MB; 2 ranks need "));
  EXPECT_THAT(run({"--text", text_, "--gpu", "8"}), HasSubstr("this rank wants GPU 8; the machine has 8"));
}

TEST_F(EmulatedProgram, RefusesWhatItsRowCanNotDo) {
  const emulation::EmulatedGpus gpus({});
  EXPECT_EQ(run({"--check"}),
            "pipeloom-run: --check is given; --device emulated has no check mode: use --device cpu\n");
  EXPECT_THAT(run({"--ranks", "sequential"}), HasSubstr("--device emulated has no sequential run: use --device cpu"));
  EXPECT_EQ(run({"--pace", "--vary", "5"}),
            "pipeloom-run: --vary is given; --device emulated has no paced tasks that vary: use --device cpu\n");
  EXPECT_EQ(run({"--pace", "--ranks", "tcp"}),
            "pipeloom-run: --pace is given; --device emulated has no paced ranks in several processes: use --ranks "
            "threads or --device cpu\n");
  EXPECT_THAT(run({"--help"}), HasSubstr("emulated (GPUs that CPUs emulate)"));
}

TEST_F(EmulatedProgram, SaysThatAMachineHasNone) {
  const emulation::EmulatedGpus gpus({.devices = 0});
  EXPECT_EQ(run({"--text", text_}),
            "pipeloom-run: --device emulated: this machine has no NVIDIA GPU; --device cpu runs "
            "the same plan on CPUs\n");
}

}  // namespace
}  // namespace pipeloom::tests
