// The device table and the command that reads it, with devices that are made up.
#include "backend/device/table/device_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "backend/cli/run_program.h"
#include "backend/device/table/cpu_row.h"
#include "backend/device/table/cuda_outline.h"
#include "proto/plan/plan_io.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A device that trains nothing, but tells what it is asked.
DeviceKind abacus(std::string& asked, std::vector<Ability> abilities, std::string not_here = "") {
  DeviceKind row;
  row.name = "abacus";
  row.what = "beads on wires";
  row.abilities = std::move(abilities);
  row.why_not_here = [not_here] { return not_here; };
  row.check_job = [](const Job& job) {
    return job.precision == Precision::kFp8 ? unsupported("precision is FP8; an abacus has BF16") : Status{};
  };
  row.run = [&asked](const DeviceRun& run) {
    asked = run.options.paced ? "to pace" : "to train";
    asked += run.options.graphs ? "" : " without graphs";
    DeviceRunResult result;
    result.how = "beads";
    return run.on_end(result);
  };
  return row;
}

class DeviceTableTest : public testing::Test {
 protected:
  DeviceTableTest() { write(Precision::kBf16); }

  void write(Precision precision) const {
    Job job = tests::training_job(tests::tiny_dense(), 2, 4);
    job.precision = precision;
    EXPECT_TRUE(proto::write_plan(folder_.path("a.plan"), tests::plan_with(job, "1f1b").value()).has_value());
  }

  // What the command prints with these devices; its error where it fails.
  std::string run(const DeviceTable& devices, std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"pipeloom-run", folder_.path("a.plan"), "--text", text_, "--device",
                                          "abacus"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_pipeloom_run(static_cast<int>(argv.size()), argv.data(), out, err, false, devices);
    return code == 0 ? out.str() : err.str();
  }

  tests::TempFolder folder_;
  std::string text_ = folder_.file("text", tests::some_text());
  std::string asked_;
};

TEST_F(DeviceTableTest, ADeviceIsARow) {
  const DeviceTable devices({cpu_row(), abacus(asked_, {Ability::kStepGraphs})});
  EXPECT_THAT(devices.names(), ElementsAre("cpu", "abacus"));
  EXPECT_EQ(devices.find("tpu"), nullptr);
  EXPECT_EQ(devices.names_that_can(Ability::kCheckMode), "cpu");
  EXPECT_EQ(devices.names_that_can(Ability::kTuning), "");
  EXPECT_EQ(devices.first_that_can(Ability::kTuning), nullptr);
  EXPECT_THAT(run(devices, {"--no-graph"}), HasSubstr("Steps were run as beads"));
  EXPECT_EQ(asked_, "to train without graphs");
  run(devices, {"--pace"});
  EXPECT_EQ(asked_, "to pace");
  EXPECT_THAT(run(devices, {"--help"}), HasSubstr("abacus (beads on wires)"));
}

TEST_F(DeviceTableTest, RefusesWhatADeviceCanNotDo) {
  const DeviceTable devices({cpu_row(), abacus(asked_, {})});
  EXPECT_EQ(run(devices, {"--check"}),
            "pipeloom-run: --check is given; --device abacus has no check mode: use --device cpu\n");
  EXPECT_EQ(run(devices, {"--no-graph"}),
            "pipeloom-run: --no-graph is given; --device abacus has no graphs of whole steps\n");
  EXPECT_THAT(run(devices, {"--ranks", "sequential"}), HasSubstr("has no sequential run: use --device cpu"));
  EXPECT_THAT(run(devices, {"--pace", "--vary", "10"}), HasSubstr("has no paced tasks that vary: use --device cpu"));
  write(Precision::kFp8);
  EXPECT_EQ(run(devices, {}), "pipeloom-run: precision is FP8; an abacus has BF16\n");
  EXPECT_EQ(asked_, "");
}

TEST_F(DeviceTableTest, RefusesWhatOnlyADeviceOfAllRanksCanDo) {
  DeviceKind cuda = cuda_outline();
  cuda.missing = "built without CUDA";
  const DeviceTable devices({cpu_row(), abacus(asked_, {}), cuda});
  for (const auto& [option, value] : {std::pair("--gpu", "1"), {"--copy", "bulk"}, {"--link-gbytes-per-s", "0.5"}}) {
    EXPECT_EQ(run(devices, {option, value}), std::string("pipeloom-run: ") + option +
                                                 " is given; --device abacus has no way to share one device among all "
                                                 "ranks: use --device cuda\n");
  }
  EXPECT_EQ(asked_, "");
  run(DeviceTable({cpu_row(), abacus(asked_, {Ability::kOneDevice})}), {"--gpu", "1"});
  EXPECT_EQ(asked_, "to train");
}

// torchrun's variables make this process one of several.
TEST_F(DeviceTableTest, SaysThatRanksAsThreadsCanBePaced) {
  setenv("RANK", "0", 1);
  setenv("WORLD_SIZE", "2", 1);
  const DeviceTable devices({cpu_row(), abacus(asked_, {})});
  EXPECT_EQ(run(devices, {"--pace"}),
            "pipeloom-run: --pace is given; --device abacus has no paced ranks in several processes: use --ranks "
            "threads or --device cpu\n");
  EXPECT_EQ(asked_, "");
  run(devices, {"--pace", "--ranks", "threads"});
  EXPECT_EQ(asked_, "to pace");
  unsetenv("RANK");
  unsetenv("WORLD_SIZE");
}

TEST_F(DeviceTableTest, SaysWhyADeviceIsNotHere) {
  EXPECT_EQ(run(DeviceTable({cpu_row(), abacus(asked_, {}, "the beads are lost")}), {}),
            "pipeloom-run: --device abacus: the beads are lost; --device cpu runs the same plan on CPUs\n");
  DeviceKind missing = abacus(asked_, {Ability::kTuning});
  missing.missing = "built without beads";
  const DeviceTable without({cpu_row(), missing});
  EXPECT_EQ(run(without, {"--check"}),
            "pipeloom-run: --device abacus: this pipeloom-run was built without beads; "
            "--device cpu runs the same plan on CPUs\n");
  EXPECT_THAT(run(without, {"--help"}), HasSubstr("abacus (beads on wires; not here: built without beads)"));
}

}  // namespace
}  // namespace pipeloom::backend
