#include "sim/cost/lowered_loads.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/costs/pass_duration.h"
#include "core/tasks/slot_components.h"
#include "sim/cost/groups.h"
#include "sim/cost/overlap_costs.h"
#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

namespace {

constexpr SlotKind kPasses[] = {SlotKind::kF, SlotKind::kI, SlotKind::kW};

size_t pass_index(SlotKind pass) {
  return pass == SlotKind::kF ? 0 : pass == SlotKind::kI ? 1 : 2;
}

double nic_bytes_per_s(const Cluster& cluster) {
  return cluster.nic_bytes_per_s * cluster.gpu.rates.nic_efficiency;
}

LinkShare share(double bytes, double seconds, double bytes_per_s) {
  if (bytes <= 0) return 0;
  return static_cast<LinkShare>(std::lround(std::min(1.0, bytes / seconds / bytes_per_s) * kWholeLink));
}

// What an all-to-all's payload asks of the links while it lasts.
void add_links(const AllToAll& transfer, const Cluster& cluster, TaskLoad& load) {
  const double seconds = all_to_all_payload_seconds(transfer, cluster);
  load.nic = share(transfer.nic_bytes, seconds, nic_bytes_per_s(cluster));
  load.nvlink = share(transfer.nvlink_bytes, seconds, cluster.gpu.nvlink_bytes_per_s);
}

// Whether compute of the pair has all SMs: F, then B, where overlapping gains nothing (overlap_costs).
bool runs_in_turn(const SlotProgram& program) {
  const auto is_forward = [](const SlotStep& step) { return step.pass == SlotKind::kF; };
  return std::is_partitioned(program.begin(), program.end(), is_forward);
}

class Builder {
 public:
  Builder(const Job& job, const Schedule& schedule, const StepCosts& costs)
      : job_(job), schedule_(schedule), costs_(costs), stages_(overlap_stages(job, costs.layers_per_stage)) {
    for (size_t stage = 0; stage < costs.programs.size(); ++stage) {
      first_load_.push_back(static_cast<uint32_t>(result_.loads.size()));
      for (const bool split : {false, true}) {
        for (size_t component = 0; component < costs.programs[stage].size(); ++component) {
          for (const SlotKind pass : kPasses) result_.loads.push_back(component_load(stage, component, pass, split));
        }
      }
    }
    first_other_ = static_cast<int64_t>(result_.loads.size());
  }

  TaskLoads run(const TaskGraph& graph) {
    result_.of_task.reserve(graph.tasks().size());
    for (const Task& task : graph.tasks()) result_.of_task.push_back(load_of(task));
    return std::move(result_);
  }

 private:
  TaskLoad component_load(size_t stage, size_t component, SlotKind pass, bool split) const {
    const ComponentCost& whole = costs_.programs[stage][component];
    const OverlapStage& reduced = stages_[stage];
    const auto ns = [&](const StageProgram& program) { return pass_duration_ns(program[component], pass); };
    TaskLoad load;
    load.beside_waiting_ns = std::max(pass_duration_ns(whole, pass), ns(reduced.alone));
    load.alone_ns = split ? ns(reduced.alone) : pass_duration_ns(whole, pass);
    for (size_t kernel = 0; kernel < std::size(load.beside_ns); ++kernel) {
      load.beside_ns[kernel] = std::max(load.alone_ns, ns(reduced.beside[kernel]));
    }
    if (whole.lane == Lane::kEp) {
      load.kernel = all_to_all_kernel(whole.component, pass);
      add_links(all_to_all_of(whole.component, pass), *job_.cluster, load);
    }
    return load;
  }

  AllToAll all_to_all_of(Component component, SlotKind pass) const {
    const WorkShape shape = make_work_shape(job_);
    const ComponentWork work =
        component == Component::kDispatch ? dispatch_work(*job_.model, shape) : combine_work(*job_.model, shape);
    return pass == SlotKind::kF ? work.forward.all_to_all : work.input.all_to_all;
  }

  uint32_t load_of(const Task& task) {
    switch (task.key.kind) {
      case TaskKind::kComponent:
        return component_load_of(task.key);
      case TaskKind::kSend:
        return other(transfer_load(task.duration_ns, crosses_nodes(task.key.rank, task.peer)));
      case TaskKind::kGradientReduction:
        return other(transfer_load(task.duration_ns, reduction_crosses_nodes()));
      default:
        return other(TaskLoad::alone(task.duration_ns));
    }
  }

  uint32_t component_load_of(const TaskKey& key) const {
    const Slot& slot = schedule_.slots()[schedule_.first_slot(key.rank) + static_cast<uint32_t>(key.slot)];
    const int stage = slot.stage_of(direction_of(key.pass));
    const StageProgram& program = costs_.programs[stage];
    const auto found = std::find_if(program.begin(), program.end(), [&](const ComponentCost& part) {
      return part.layer == key.layer && part.component == key.component;
    });
    const auto component = static_cast<size_t>(found - program.begin());
    const SlotProgram* overlap = overlap_program(slot, costs_);
    const bool split = slot.kind == SlotKind::kFB && overlap != nullptr && !runs_in_turn(*overlap);
    const size_t place = ((split ? program.size() : 0) + component) * std::size(kPasses) + pass_index(key.pass);
    return first_load_[stage] + static_cast<uint32_t>(place);
  }

  // A transfer that fills its link.
  static TaskLoad transfer_load(int64_t duration_ns, bool over_nic) {
    TaskLoad load = TaskLoad::alone(duration_ns);
    (over_nic ? load.nic : load.nvlink) = kWholeLink;
    return load;
  }

  bool crosses_nodes(int source, int target) const {
    return place_of_rank(job_.layout, *job_.cluster, source).node !=
           place_of_rank(job_.layout, *job_.cluster, target).node;
  }
  bool reduction_crosses_nodes() const {
    const Group group = dense_replicas(job_.layout, *job_.cluster, schedule_.placement().pipes());
    return group.members > group.per_node;
  }

  // Sends, receives and what ends the step: few kinds of them.
  uint32_t other(const TaskLoad& load) {
    const auto known = std::find(result_.loads.begin() + first_other_, result_.loads.end(), load);
    const auto number = static_cast<uint32_t>(known - result_.loads.begin());
    if (known == result_.loads.end()) result_.loads.push_back(load);
    return number;
  }

  const Job& job_;
  const Schedule& schedule_;
  const StepCosts& costs_;
  const std::vector<OverlapStage> stages_;
  std::vector<uint32_t> first_load_;  // [stage], then [all SMs, split][component][pass]
  TaskLoads result_;
  int64_t first_other_ = 0;  // after them
};

}  // namespace

TaskLoads task_loads(const Job& job, const Schedule& schedule, const StepCosts& costs, const TaskGraph& graph) {
  if (!job.model) return uncontended_loads(graph);
  return Builder(job, schedule, costs).run(graph);
}

}  // namespace pipeloom::sim
