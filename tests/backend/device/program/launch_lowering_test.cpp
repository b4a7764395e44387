// Lowered programs on a device that runs them in any order that it likes, and under the vector clocks.
#include "backend/device/program/launch_lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>

#include "backend/device/program/accesses.h"
#include "backend/device/program/happens_before.h"
#include "core/tasks/lower.h"
#include "planner/schedules/schedule_table.h"
#include "tests/backend/device/program/fake_device.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

constexpr Transfers kBoth[] = {Transfers::kCopies, Transfers::kMessages};

// A lowered step of one rank's device, or of the one device that all share.
struct Lowered {
  Lowered(const Plan& for_plan, Transfers transfers, int rank)
      : plan(for_plan),
        graph(launch_graph(plan)),
        rules{transfers, rank,
              transfers == Transfers::kMessages ? launch_groups(plan, graph, rank)
                                                : std::vector<std::vector<uint32_t>>{}},
        program(lower_launches(graph, rules).value()),
        accesses(task_accesses(plan, graph, transfers)),
        launch_of(graph.tasks().size(), UINT32_MAX) {
    for (uint32_t launch = 0; launch < program.launches.size(); ++launch) {
      for (const uint32_t task : program.launches[launch].tasks) launch_of[task] = launch;
    }
  }

  // Whether the program keeps every order that the graph asks of the tasks that it launches.
  bool keeps_order(const LaunchProgram& tried) const {
    const HappensBefore happens(tried);
    for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
      if (launch_of[task] != UINT32_MAX && !comes_after_sources(happens, task, task)) return false;
    }
    for (uint32_t launch = 0; launch < tried.launches.size(); ++launch) {
      if (!happens.after_begin(launch) || !happens.ended_at_end(launch)) return false;
    }
    return true;
  }

  bool is_wrong(const LaunchProgram& tried) const {
    return !keeps_order(tried) || !find_races(tried, accesses).empty();
  }

  size_t waits() const { return std::ranges::count(program.ops, LaunchOp::Kind::kWait, &LaunchOp::kind); }

  const Plan& plan;
  TaskGraph graph;
  LaunchRules rules;
  LaunchProgram program;
  std::vector<std::vector<Access>> accesses;
  std::vector<uint32_t> launch_of;

 private:
  // `through`: `task`, or a receive without a launch on the way to it.
  bool comes_after_sources(const HappensBefore& happens, uint32_t task, uint32_t through) const {
    return std::ranges::all_of(graph.dependencies(through), [&](const TaskDependency& dependency) {
      const uint32_t from = dependency.from;
      if (launch_of[from] != UINT32_MAX) {
        return launch_of[from] == launch_of[task] || happens.before(launch_of[from], launch_of[task]);
      }
      return rules.transfers == Transfers::kMessages || comes_after_sources(happens, task, from);
    });
  }
};

Job moe_job(int ranks, int micro_batches, P2pMode mode = P2pMode::kAsync) {
  Job job = tests::training_job(tests::tiny_moe(), ranks, micro_batches);
  job.p2p.mode = mode;
  return job;
}

int devices(Transfers transfers, const Plan& plan) {
  return transfers == Transfers::kCopies ? 1 : plan.schedule.ranks();
}

class EverySchedule : public testing::TestWithParam<planner::NamedSchedule> {};

TEST_P(EverySchedule, IsLoweredWithoutRacesAndInOrder) {
  int checked = 0;
  for (const int ranks : {2, 4}) {
    for (const P2pMode mode : {P2pMode::kAsync, P2pMode::kBlocking}) {
      const auto plan = tests::plan_with(moe_job(ranks, 2 * ranks, mode), GetParam().name);
      if (!plan) continue;
      for (const Transfers transfers : kBoth) {
        for (int rank = 0; rank < devices(transfers, *plan); ++rank) {
          const Lowered lowered(*plan, transfers, rank);
          EXPECT_TRUE(lowered.keeps_order(lowered.program)) << ranks << " ranks";
          EXPECT_THAT(find_races(lowered.program, lowered.accesses), testing::IsEmpty()) << ranks << " ranks";
          ++checked;
        }
      }
    }
  }
  EXPECT_GT(checked, 0) << "no shape of this test fits the schedule";
}

INSTANTIATE_TEST_SUITE_P(Launches, EverySchedule,
                         testing::ValuesIn(planner::named_schedules().begin(), planner::named_schedules().end()),
                         [](const auto& row) {
                           std::string name(row.param.name);
                           std::ranges::replace_if(
                               name, [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

// MTP modules whose token table is the first stage's own, on its rank, or a copy of it; moving averages; a norm of all
// gradients before the optimizer.
TEST(Launches, TheRecipesStepHasNoRaces) {
  for (const auto& [schedule, clipping] : {std::pair("1f1b", Clipping::kGlobal),
                                           {"interleaved-1f1b", Clipping::kGlobal},
                                           {"zb-v", Clipping::kGlobal},
                                           {"dualpipe", Clipping::kGlobal},
                                           {"1f1b", Clipping::kValidated},
                                           {"dualpipe", Clipping::kValidated}}) {
    Job job = tests::training_job(tests::tiny_v3(), 4, 8);
    job.ema_decay = 0.9;
    job.clipping = clipping;
    const Plan plan = tests::plan_with(job, schedule).value();
    for (const Transfers transfers : kBoth) {
      for (int rank = 0; rank < devices(transfers, plan); ++rank) {
        const Lowered lowered(plan, transfers, rank);
        EXPECT_TRUE(lowered.keeps_order(lowered.program)) << schedule;
        EXPECT_THAT(find_races(lowered.program, lowered.accesses), testing::IsEmpty()) << schedule;
        const auto with = [&](Resource::Kind kind) {
          return std::ranges::any_of(lowered.accesses, [&](const std::vector<Access>& of_task) {
            return std::ranges::any_of(of_task, [&](const Access& access) { return access.resource.kind == kind; });
          });
        };
        const bool copies = !plan.schedule.placement().ends_share_a_rank();
        EXPECT_EQ(with(Resource::Kind::kTokens), copies) << schedule;
        EXPECT_EQ(with(Resource::Kind::kTokenSum), copies) << schedule;
        EXPECT_EQ(with(Resource::Kind::kTable), copies) << schedule;
        EXPECT_TRUE(with(Resource::Kind::kSquares)) << schedule;
      }
    }
  }
}

// What a checker that knows no token tables and no norms would not see.
TEST(Launches, AStepsEndOutOfOrderIsARace) {
  for (const auto& [schedule, kind] : {std::pair("1f1b", Resource::Kind::kTokens),
                                       {"1f1b", Resource::Kind::kTokenSum},
                                       {"1f1b", Resource::Kind::kSquares},
                                       {"dualpipe", Resource::Kind::kSquares}}) {
    Job job = tests::training_job(tests::tiny_v3(), 4, 8);
    job.clipping = Clipping::kGlobal;
    const Plan plan = tests::plan_with(job, schedule).value();
    const Lowered lowered(plan, Transfers::kCopies, 0);
    LaunchProgram tried = lowered.program;
    std::erase_if(tried.ops, [](const LaunchOp& op) { return op.kind == LaunchOp::Kind::kWait; });
    const std::vector<Race> races = find_races(tried, lowered.accesses);
    EXPECT_TRUE(std::ranges::any_of(races, [&](const Race& race) { return race.resource.kind == kind; })) << schedule;
  }
}

// Without one wait, something is no longer in order: so no wait is redundant, and the checker sees that it is needed.
TEST(Launches, NoWaitCanBeDropped) {
  for (const char* schedule : {"1f1b", "zb-h1", "dualpipe", "dualpipev", "chimera"}) {
    for (const P2pMode mode : {P2pMode::kAsync, P2pMode::kBlocking}) {
      const auto plan = tests::plan_with(moe_job(4, 8, mode), schedule);
      if (!plan) continue;
      for (const Transfers transfers : kBoth) {
        const Lowered lowered(*plan, transfers, devices(transfers, *plan) - 1);
        for (size_t op = 0; op < lowered.program.ops.size(); ++op) {
          if (lowered.program.ops[op].kind != LaunchOp::Kind::kWait) continue;
          LaunchProgram tried = lowered.program;
          tried.ops.erase(tried.ops.begin() + static_cast<std::ptrdiff_t>(op));
          ASSERT_TRUE(lowered.is_wrong(tried)) << schedule << ": op " << op << " can be dropped";
        }
      }
    }
  }
}

// The checker has to find races by what tasks touch, not by the dependencies that the program was made of.
TEST(Launches, ADroppedWaitForAHandOverIsARace) {
  const Plan plan = tests::plan_with(moe_job(4, 8), "1f1b").value();
  const Lowered lowered(plan, Transfers::kCopies, 0);
  size_t needed = 0;
  size_t races = 0;
  for (size_t op = 0; op < lowered.program.ops.size(); ++op) {
    if (lowered.program.ops[op].kind != LaunchOp::Kind::kWait) continue;
    ++needed;
    LaunchProgram tried = lowered.program;
    tried.ops.erase(tried.ops.begin() + static_cast<std::ptrdiff_t>(op));
    if (!find_races(tried, lowered.accesses).empty()) ++races;
  }
  RecordProperty("launches", static_cast<int>(lowered.program.launches.size()));
  RecordProperty("waits", static_cast<int>(needed));
  RecordProperty("of_them_against_races", static_cast<int>(races));
  EXPECT_GT(races, needed / 2);
}

TEST(Launches, AWaitForAnEventThatComesLaterIsNoWait) {
  const Plan plan = tests::plan_with(moe_job(2, 4), "1f1b").value();
  const Lowered lowered(plan, Transfers::kCopies, 0);
  LaunchProgram tried = lowered.program;
  const auto record = std::ranges::find_if(
      tried.ops, [](const LaunchOp& op) { return op.kind == LaunchOp::Kind::kRecord && op.number == 1; });
  ASSERT_NE(record, tried.ops.end());
  std::rotate(record, record + 1, tried.ops.end());
  EXPECT_TRUE(lowered.is_wrong(tried));
}

TEST(Launches, WaitAndOverlapAsThePlanDoes) {
  const Plan plan = tests::plan_with(moe_job(4, 8), "1f1b").value();
  const Lowered lowered(plan, Transfers::kCopies, 0);
  size_t dependencies = 0;
  for (uint32_t task = 0; task < lowered.graph.tasks().size(); ++task) {
    dependencies += lowered.graph.dependencies(task).size();
  }
  EXPECT_LT(lowered.waits(), dependencies / 2);
  // Rank 0 of an asynchronous 1F1B has lanes compute and dp, and one for its sends forward; what it receives the other
  // rank copies.
  const auto of_rank_0 = std::ranges::count(lowered.program.streams, 0, &LaunchStream::rank);
  EXPECT_EQ(of_rank_0, 3);
  const auto receives = std::ranges::count_if(lowered.graph.tasks(),
                                              [](const Task& task) { return task.key.kind == TaskKind::kReceive; });
  EXPECT_EQ(static_cast<std::ptrdiff_t>(lowered.program.passed.size()), receives);
}

TEST(Launches, OverlapAllToAllWithComputation) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipev").value();
  const Lowered lowered(plan, Transfers::kMessages, 1);
  EXPECT_TRUE(lowered.keeps_order(lowered.program));
  EXPECT_THAT(find_races(lowered.program, lowered.accesses), testing::IsEmpty());
  EXPECT_EQ(std::ranges::count(lowered.program.streams, Lane::kEp, &LaunchStream::lane), 1);
  const HappensBefore happens(lowered.program);
  bool beside = false;
  for (uint32_t i = 0; i < lowered.program.launches.size(); ++i) {
    if (lowered.program.streams[lowered.program.launches[i].stream].lane != Lane::kEp) continue;
    for (uint32_t j = 0; j < lowered.program.launches.size(); ++j) {
      const Task& task = lowered.graph.tasks()[lowered.program.launches[j].tasks[0]];
      beside |= task.lane == Lane::kCompute && task.key.slot >= 0 && !happens.ordered(i, j) && i != j;
    }
  }
  EXPECT_TRUE(beside);
}

TEST(Launches, ABatchIsOneLaunch) {
  const Plan plan = tests::plan_with(moe_job(4, 8, P2pMode::kBlocking), "dualpipe").value();
  const Lowered lowered(plan, Transfers::kMessages, 1);
  size_t transfers = 0;
  size_t largest = 0;
  for (const Launch& launch : lowered.program.launches) {
    if (lowered.program.streams[launch.stream].lane != Lane::kP2p) continue;
    transfers += launch.tasks.size();
    largest = std::max(largest, launch.tasks.size());
  }
  const auto expected = std::ranges::count_if(
      lowered.graph.tasks(), [](const Task& task) { return task.key.rank == 1 && task.lane == Lane::kP2p; });
  EXPECT_EQ(transfers, static_cast<size_t>(expected));
  EXPECT_GT(largest, 2u);
}

// --- devices that run it ---

TEST(FakeDevices, OneForAllRanksEndsWhateverItsOrder) {
  const Plan plan = tests::plan_with(moe_job(4, 8), "dualpipe").value();
  const Lowered lowered(plan, Transfers::kCopies, 0);
  const HappensBefore happens(lowered.program);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    tests::FakeDevice device(lowered.program);
    issue(lowered.program, device);
    std::vector<uint32_t> ended;
    while (device.advance(
        random, [](const Launch&) { return true; },
        [&](const Launch& launch) { ended.push_back(lowered.launch_of[launch.tasks[0]]); })) {
    }
    EXPECT_TRUE(device.idle());
    ASSERT_EQ(ended.size(), lowered.program.launches.size());
    for (size_t i = 1; i < ended.size(); ++i) EXPECT_FALSE(happens.before(ended[i], ended[i - 1]));
  }
}

// A send or receive is through when the other side is at its own; a batch when all of it is; a member of a collective
// when all members are there. Each device runs at its own pace.
class Cluster {
 public:
  explicit Cluster(const Plan& plan) {
    for (int rank = 0; rank < plan.schedule.ranks(); ++rank) {
      ranks_.push_back(std::make_unique<Lowered>(plan, Transfers::kMessages, rank));
      devices_.push_back(std::make_unique<tests::FakeDevice>(ranks_.back()->program));
      issue(ranks_.back()->program, *devices_.back());
    }
    const TaskGraph& graph = ranks_[0]->graph;
    partners_.resize(graph.tasks().size());
    std::map<int32_t, std::vector<uint32_t>> members;
    for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
      if (graph.tasks()[task].collective >= 0) members[graph.tasks()[task].collective].push_back(task);
      if (graph.tasks()[task].key.kind != TaskKind::kReceive) continue;
      for (const TaskDependency& dependency : graph.dependencies(task)) {
        if (graph.tasks()[dependency.from].key.kind != TaskKind::kSend) continue;
        if (graph.tasks()[dependency.from].key.rank != graph.tasks()[task].peer) continue;
        partners_[task].push_back(dependency.from);
        partners_[dependency.from].push_back(task);
      }
    }
    for (const auto& [collective, tasks] : members) {
      for (const uint32_t task : tasks) partners_[task] = tasks;
    }
  }

  // Whether all devices come to their end.
  bool run(uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<size_t> order(devices_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (bool advanced = true; advanced;) {
      std::shuffle(order.begin(), order.end(), random);
      advanced =
          std::ranges::any_of(order,
                              [&](size_t rank) {
                                return devices_[rank]->advance(
                                    random, [&](const Launch& launch) { return arrive(launch); }, [](const Launch&) {});
                              }) ||
          arrived_new_;
      arrived_new_ = false;
    }
    return std::ranges::all_of(devices_, [](const auto& device) { return device->idle(); });
  }

 private:
  bool arrive(const Launch& launch) {
    for (const uint32_t task : launch.tasks) arrived_new_ |= arrived_.insert(task).second;
    return std::ranges::all_of(launch.tasks, [&](uint32_t task) {
      return std::ranges::all_of(partners_[task], [&](uint32_t partner) { return arrived_.contains(partner); });
    });
  }

  std::vector<std::unique_ptr<Lowered>> ranks_;
  std::vector<std::unique_ptr<tests::FakeDevice>> devices_;
  std::vector<std::vector<uint32_t>> partners_;  // [task]
  std::set<uint32_t> arrived_;
  bool arrived_new_ = false;
};

TEST(FakeDevices, OneForEachRankMeetAndEnd) {
  int plans = 0;
  for (const planner::NamedSchedule& row : planner::named_schedules()) {
    for (const P2pMode mode : {P2pMode::kAsync, P2pMode::kBlocking}) {
      const auto plan = tests::plan_with(moe_job(4, 8, mode), row.name);
      if (!plan) continue;
      ++plans;
      for (uint64_t seed = 1; seed <= 2; ++seed) {
        EXPECT_TRUE(Cluster(*plan).run(seed)) << row.name << (mode == P2pMode::kBlocking ? ", blocking" : "");
      }
    }
  }
  EXPECT_GT(plans, 20);
}

}  // namespace
}  // namespace pipeloom::backend
