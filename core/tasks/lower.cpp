#include "core/tasks/lower.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "core/schedule/batches.h"
#include "core/schedule/messages.h"
#include "core/tasks/slot_components.h"

namespace pipeloom {

namespace {

constexpr uint32_t kNone = MessageTable::kNone;
constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};

// The last task so far on each of a rank's two lanes.
struct LaneEnds {
  std::array<uint32_t, 2> task = {kNone, kNone};  // [Lane::kCompute, Lane::kEp]
};

class Lowering {
 public:
  Lowering(const Schedule& schedule, const StepCosts& costs, const StepRules& rules)
      : schedule_(schedule),
        costs_(costs),
        rules_(rules),
        messages_(schedule),
        ends_(schedule.slots().size()),
        begins_(schedule.slots().size()),
        outputs_(schedule.slots().size(), {kNone, kNone}),
        last_weight_slot_(static_cast<size_t>(schedule.ranks()) * schedule.stages(), kNone) {}

  TaskGraph run() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) add_slots(rank);
    if (rules_.p2p == P2pMode::kBlocking) find_commits();
    add_sends();
    if (rules_.p2p == P2pMode::kAsync && rules_.receive_depth > 0) add_credits();
    add_receives();
    if (!costs_.ema_ns.empty()) add_emas();
    add_gradient_reductions();
    if (rules_.clipping == Clipping::kGlobal) add_norms();
    add_optimizers();
    if (rules_.clipping == Clipping::kValidated) add_norms();
    return std::move(builder_).build();
  }

 private:
  // --- components: slots of a rank one after the other, each on two lanes ---

  void add_slots(int rank) {
    LaneEnds before;
    for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
      before = add_slot(rank, slot, before);
      ends_[slot] = before;
    }
  }

  // Adds the tasks of one slot. The slot starts when both lanes of the slot before are done; after that its tasks
  // follow their lanes and their inputs.
  LaneEnds add_slot(int rank, uint32_t number, const LaneEnds& before) {
    const Slot& slot = schedule_.slots()[number];
    LaneEnds ends = before;
    std::array<bool, 2> lane_used = {false, false};
    uint32_t forward_end = kNone;
    uint32_t input_end = kNone;
    const uint32_t first = builder_.size();
    for (const SlotComponent& part : slot_components(slot, costs_)) {
      const uint32_t task = builder_.add(component_task(rank, number, part));
      const size_t lane = part.cost.lane == Lane::kCompute ? 0 : 1;
      if (!lane_used[lane]) {
        lane_used[lane] = true;
        begins_[number].push_back(task);
        if (before.task[1 - lane] != kNone) builder_.depend(task, before.task[1 - lane]);
      }
      if (part.after >= 0) builder_.depend(task, first + static_cast<uint32_t>(part.after));
      if (part.pass == SlotKind::kF) forward_end = task;
      if (part.pass == SlotKind::kI) input_end = task;
      ends.task[lane] = task;
    }
    if (overlap_program(slot, costs_) != nullptr) outputs_[number] = {forward_end, input_end};
    if (slot.has_weight_backward()) {
      last_weight_slot_[stage_index(rank, slot.backward_pass_stage())] = number;
    }
    return ends;
  }

  Task component_task(int rank, uint32_t slot, const SlotComponent& part) const {
    Task task;
    task.key = {rank, static_cast<int32_t>(slot - schedule_.first_slot(rank)), part.cost.layer, part.cost.component,
                part.pass};
    task.lane = part.cost.lane;
    task.duration_ns = part.duration_ns;
    return task;
  }

  size_t stage_index(int rank, int stage) const { return static_cast<size_t>(rank) * schedule_.stages() + stage; }

  // Lets `task` wait until all of `slot` is done.
  void depend_on_slot(uint32_t task, uint32_t slot) {
    for (const uint32_t end : ends_[slot].task) {
      if (end != kNone) builder_.depend(task, end);
    }
  }

  // --- hand-overs: a send on the producer's rank, a receive one latency later on the consumer's ---

  Task transfer_task(TaskKind kind, uint32_t message, Direction direction) const {
    const Placement::Queue& queue = schedule_.placement().queues()[messages_.messages()[message].queue];
    const bool send = kind == TaskKind::kSend;
    const uint32_t slot = send ? messages_.messages()[message].producer : messages_.messages()[message].consumer;
    const int rank = send ? queue.source : queue.target;
    const Slot& content = schedule_.slots()[slot];
    const bool forward = direction == Direction::kForward;
    const int micro_batch_class = costs_.schedule.class_of(content.micro_batch_of(direction));
    Task task;
    task.key = {rank,
                static_cast<int32_t>(slot - schedule_.first_slot(rank)),
                content.stage_of(direction),
                Component::kStage,
                forward ? SlotKind::kF : SlotKind::kI,
                kind};
    task.lane = Lane::kP2p;
    task.direction = direction;
    task.peer = send ? queue.target : queue.source;
    task.bytes = costs_.schedule.message_bytes(micro_batch_class);
    if (send) {
      task.duration_ns = costs_.schedule.occupancy_ns(costs_.schedule.link(rank, task.peer), micro_batch_class);
    }
    return task;
  }

  void add_sends() {
    send_of_.assign(messages_.messages().size(), kNone);
    for (uint32_t slot = 0; slot < schedule_.slots().size(); ++slot) {
      for (const Direction direction : kDirections) {
        const uint32_t message = messages_.output(slot, direction);
        if (message == kNone) continue;
        send_of_[message] = builder_.add(transfer_task(TaskKind::kSend, message, direction));
        const uint32_t output = outputs_[slot][direction == Direction::kForward ? 0 : 1];
        if (!commits_.empty()) {
          depend_on_commits(message);
        } else if (output != kNone) {
          builder_.depend(send_of_[message], output);
        } else {
          depend_on_slot(send_of_[message], slot);
        }
      }
    }
  }

  void add_credits() {
    for (int queue = 0; queue < static_cast<int>(schedule_.placement().queues().size()); ++queue) {
      for (uint32_t message = messages_.first_of(queue) + rules_.receive_depth; message < messages_.first_of(queue + 1);
           ++message) {
        depend_on_slot(send_of_[message], messages_.messages()[message - rules_.receive_depth].consumer);
      }
    }
  }

  void add_receives() {
    for (uint32_t slot = 0; slot < schedule_.slots().size(); ++slot) {
      for (const Direction direction : kDirections) {
        const uint32_t message = messages_.input(slot, direction);
        if (message == kNone) continue;
        const uint32_t receive = builder_.add(transfer_task(TaskKind::kReceive, message, direction));
        const Placement::Queue& queue = schedule_.placement().queues()[messages_.messages()[message].queue];
        builder_.depend(receive, send_of_[message], costs_.schedule.link(queue.source, queue.target).latency_ns);
        if (commits_.empty()) {
          begin_after(slot, receive);
        } else {
          wait_for_transfer(message, receive);
        }
      }
    }
  }

  void begin_after(uint32_t slot, uint32_t task, int64_t delay_ns = 0) {
    for (const uint32_t begin : begins_[slot]) builder_.depend(begin, task, delay_ns);
  }

  // --- blocking P2P: the slots around the batches of a message ---

  // The slots around the batch that holds a message, on one of its two ranks.
  struct Commit {
    uint32_t after = kNone;   // the batch is committed when this slot has ended; kNone: at once
    uint32_t before = kNone;  // this slot waits for the batch; kNone: the batch comes after the last slot
  };

  void find_commits() {
    const Batches batches(schedule_, messages_);
    commits_.resize(messages_.messages().size());
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      const uint32_t first = schedule_.first_slot(rank);
      const uint32_t slots = schedule_.first_slot(rank + 1) - first;
      for (uint32_t position = 0; position <= slots; ++position) {
        for (const uint32_t message : batches.messages(rank, position)) {
          const bool source = schedule_.placement().queues()[messages_.messages()[message].queue].source == rank;
          commits_[message][source ? 0 : 1] = {position == 0 ? kNone : first + position - 1,
                                               position == slots ? kNone : first + position};
        }
      }
    }
  }

  void depend_on_commits(uint32_t message) {
    for (const Commit& commit : commits_[message]) {
      if (commit.after != kNone) depend_on_slot(send_of_[message], commit.after);
    }
  }

  void wait_for_transfer(uint32_t message, uint32_t receive) {
    const auto& [source, target] = commits_[message];
    const Placement::Queue& queue = schedule_.placement().queues()[messages_.messages()[message].queue];
    if (target.after != kNone) depend_on_slot(receive, target.after);
    if (target.before != kNone) begin_after(target.before, receive);
    if (source.before == kNone) return;
    begin_after(source.before, send_of_[message], costs_.schedule.link(queue.source, queue.target).latency_ns);
  }

  // --- the end of the step ---

  // Returns the stage whose gradients belong to the same embedding as those of `stage`, if any.
  std::optional<int> stage_sharing_with(int stage) const {
    const int last = schedule_.stages() - 1;
    if (!costs_.shares_embedding || (stage != 0 && stage != last)) return std::nullopt;
    if (stage == last && schedule_.placement().ends_share_a_rank()) return std::nullopt;
    return last - stage;
  }

  // Adds one collective per stage over the ranks that hold a copy; the payload starts when the last member is there.
  // Late stages go first, because their gradients are ready first.
  void add_gradient_reductions() {
    const Placement& placement = schedule_.placement();
    reductions_.resize(schedule_.ranks());
    std::vector<uint32_t> last_reduction(schedule_.ranks(), kNone);
    for (int stage = schedule_.stages() - 1; stage >= 0; --stage) {
      std::vector<uint32_t> started;
      for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
        const int rank = placement.rank_of(pipe, stage);
        Task task;
        task.key = {rank, -1, stage, Component::kStage, SlotKind::kW, TaskKind::kGradientReduction};
        task.lane = Lane::kDp;
        task.collective = stage;
        task.duration_ns = costs_.gradient_reduction_ns[stage];
        const uint32_t number = builder_.add(task);
        started.push_back(number);
        for (int member = 0; member < placement.pipes(); ++member) {
          const uint32_t last = last_weight_slot_[stage_index(placement.rank_of(member, stage), stage)];
          if (last != kNone) depend_on_slot(number, last);
          if (const auto other = stage_sharing_with(stage)) {
            const uint32_t others = last_weight_slot_[stage_index(placement.rank_of(member, *other), *other)];
            if (others != kNone) depend_on_slot(number, others);
          }
          const uint32_t before = last_reduction[placement.rank_of(member, stage)];
          if (before != kNone) builder_.depend(number, before);
        }
      }
      for (const uint32_t number : started) {
        const int rank = builder_.task(number).key.rank;
        last_reduction[rank] = number;
        reductions_[rank].push_back(number);
      }
    }
  }

  // Adds the moving averages of the weights that the last step left. They run beside the whole step; only the
  // optimizer, which changes the weights, waits for them.
  void add_emas() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      Task task;
      task.key = {rank, -1, -1, Component::kStage, SlotKind::kW, TaskKind::kEma};
      task.lane = Lane::kHost;
      for (const Chunk& chunk : schedule_.placement().chunks_of(rank)) task.duration_ns += costs_.ema_ns[chunk.stage];
      emas_.push_back(builder_.add(task));
    }
  }

  void add_optimizers() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      Task task;
      task.key = {rank, -1, -1, Component::kStage, SlotKind::kW, TaskKind::kOptimizer};
      for (const Chunk& chunk : schedule_.placement().chunks_of(rank)) {
        task.duration_ns += costs_.optimizer_ns[chunk.stage];
      }
      const uint32_t number = builder_.add(task);
      for (const uint32_t reduction : reductions_[rank]) builder_.depend(number, reduction);
      if (rules_.clipping == Clipping::kGlobal) builder_.depend(number, norms_[rank]);
      if (!emas_.empty()) builder_.depend(number, emas_[rank]);
      optimizers_.push_back(number);
    }
  }

  // Adds one collective over all ranks: before the optimizers, or after them to validate.
  void add_norms() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      Task task;
      task.key = {rank, -1, -1, Component::kStage, SlotKind::kW, TaskKind::kNorm};
      task.lane = Lane::kDp;
      task.collective = schedule_.stages();
      task.duration_ns = costs_.norm_ns;
      norms_.push_back(builder_.add(task));
      for (int member = 0; member < schedule_.ranks(); ++member) {
        builder_.depend(norms_.back(), optimizers_.empty() ? reductions_[member].back() : optimizers_[member]);
      }
    }
  }

  const Schedule& schedule_;
  const StepCosts& costs_;
  const StepRules rules_;
  const MessageTable messages_;
  TaskGraphBuilder builder_;
  std::vector<LaneEnds> ends_;                 // [slot]
  std::vector<std::vector<uint32_t>> begins_;  // [slot] its first task on each lane
  // [slot][forward, backward] The last task of its chain if the slot has an overlap program. Else kNone: outputs leave
  // when the whole slot is done.
  std::vector<std::array<uint32_t, 2>> outputs_;
  std::vector<uint32_t> last_weight_slot_;         // [rank][stage] the last slot that holds a W of the stage
  std::vector<uint32_t> send_of_;                  // [message]
  std::vector<std::array<Commit, 2>> commits_;     // [message][source, target]; empty: asynchronous
  std::vector<std::vector<uint32_t>> reductions_;  // [rank]
  std::vector<uint32_t> optimizers_;               // [rank]
  std::vector<uint32_t> norms_;                    // [rank]
  std::vector<uint32_t> emas_;                     // [rank]; empty: none
};

}  // namespace

StepRules step_rules(const Job& job) {
  return {job.p2p.mode, job.clipping};
}

TaskGraph lower(const Schedule& schedule, const StepCosts& costs, const StepRules& rules) {
  return Lowering(schedule, costs, rules).run();
}

TaskGraph lower(const Plan& plan) {
  return lower(plan.schedule, plan.costs, step_rules(plan.job));
}

Plan make_plan(Job job, std::string schedule_name, Schedule schedule, StepCosts costs, int comm_sms,
               const PlanSummary& summary) {
  const uint64_t digest = lower(schedule, costs, step_rules(job)).digest();
  return {std::move(job),
          std::move(schedule_name),
          std::move(schedule),
          std::move(costs),
          comm_sms,
          summary,
          kLoweringVersion,
          digest};
}

Status check_digest(const Plan& plan) {
  if (plan.lowering_version != kLoweringVersion) {
    return unsupported(
        fmt::format("the plan was lowered by version {}; this pipeloom lowers by version {}: plan it again",
                    plan.lowering_version, kLoweringVersion));
  }
  const uint64_t digest = lower(plan).digest();
  if (digest != plan.task_digest) {
    return invalid(
        fmt::format("the plan's tasks have the digest {:016x}; its writer recorded {:016x}: the file was "
                    "changed or damaged",
                    digest, plan.task_digest));
  }
  return {};
}

}  // namespace pipeloom
