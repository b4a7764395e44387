#include "backend/device/program/accesses.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "backend/device/program/happens_before.h"
#include "backend/runtime/program/rank_program.h"
#include "backend/runtime/program/replicas.h"

namespace pipeloom::backend {

namespace {

using Kind = Resource::Kind;

class AccessFinder {
 public:
  AccessFinder(const Plan& plan, const TaskGraph& graph, Transfers transfers)
      : plan_(plan),
        graph_(graph),
        transfers_(transfers),
        copies_(copies_token_table(plan)),
        borrows_(borrows_token_table(plan, plan.schedule.stages() - 1)),
        accesses_(graph.tasks().size()) {}

  std::vector<std::vector<Access>> run() {
    for (int rank = 0; rank < plan_.schedule.ranks(); ++rank) {
      const RankProgram program(plan_.schedule, graph_, rank);
      for (const RankTask& task : program.tasks()) visit(task);
    }
    for (const auto& [entry, task] : inputs_) {
      const auto buffer = buffer_of_.find(entry);
      if (buffer != buffer_of_.end()) accesses_[task].push_back({buffer->second, false});
    }
    return std::move(accesses_);
  }

 private:
  void read(const RankTask& task, const Resource& resource) { accesses_[task.number].push_back({resource, false}); }
  void write(const RankTask& task, const Resource& resource) { accesses_[task.number].push_back({resource, true}); }

  void visit(const RankTask& task) {
    switch (task.task.key.kind) {
      case TaskKind::kComponent:
        component(task);
        break;
      case TaskKind::kSend:
        read(task, flow(task, task.stage, task.task.direction));
        if (transfers_ == Transfers::kCopies) write(task, incoming(task, task.task.peer, task.task.key.rank));
        break;
      case TaskKind::kReceive:
        receive(task);
        break;
      case TaskKind::kGradientReduction:
        reduction(task);
        break;
      case TaskKind::kOptimizer:
        optimizer(task);
        break;
      case TaskKind::kNorm:
        norm(task);
        break;
      case TaskKind::kEma:
        moving_average(task);
        break;
    }
  }

  // --- components ---

  Resource flow(const RankTask& task, int stage, Direction direction) const {
    return {.kind = Kind::kFlow,
            .rank = task.task.key.rank,
            .pipe = task.pipe,
            .stage = stage,
            .micro_batch = task.micro_batch,
            .direction = direction};
  }

  Resource saved(const RankTask& task) const {
    return {.kind = Kind::kSaved,
            .rank = task.task.key.rank,
            .pipe = task.pipe,
            .stage = task.stage,
            .micro_batch = task.micro_batch,
            .layer = task.task.key.layer,
            .component = task.task.key.component};
  }

  static Resource of_copy(Kind kind, int rank, int stage, int part) {
    return {.kind = kind, .rank = rank, .stage = stage, .part = part};
  }

  void component(const RankTask& task) {
    const TaskKey& key = task.task.key;
    const bool forward = key.pass == SlotKind::kF;
    const Direction direction = forward ? Direction::kForward : Direction::kBackward;
    // What came in may be read until the slot has ended.
    inputs_.emplace_back(Entry{key.rank, key.slot, direction}, task.number);
    if (key.pass == SlotKind::kW) {
      read(task, saved(task));
      for (int member = 0; member < plan_.schedule.placement().pipes(); ++member) {
        write(task, of_copy(Kind::kGradients, key.rank, task.stage, member));
      }
      if (key.component == Component::kEmbed) embed_weights(task);
      return;
    }
    write(task, saved(task));
    write(task, flow(task, task.stage, direction));
    for (const Resource& weights : weights_of(key.rank, task.stage)) read(task, weights);
    if (forward && key.component == Component::kEmbed) {
      for (const Resource& table : table_of(key.rank, task.stage)) read(task, table);
    }
    if (!enters(task)) return;
    const int before = forward ? task.stage - 1 : task.stage + 1;
    if (before < 0 || before >= plan_.schedule.stages()) return;
    if (plan_.schedule.placement().rank_of(task.pipe, before) == key.rank) read(task, flow(task, before, direction));
  }

  // All parts of a copy.
  std::vector<Resource> weights_of(int rank, int stage) const {
    std::vector<Resource> parts;
    for (int part = 0; part < plan_.schedule.placement().pipes(); ++part) {
      parts.push_back(of_copy(Kind::kWeights, rank, stage, part));
    }
    return parts;
  }

  // The token table that a stage embeds by, beyond its own weights: an MTP module reads the first stage's, where that
  // is on the rank.
  std::vector<Resource> table_of(int rank, int stage) const {
    if (borrows_) return weights_of(rank, 0);
    std::vector<Resource> parts;
    for (int part = 0; has_copied_table(stage) && part < 2 * plan_.schedule.placement().pipes(); ++part) {
      parts.push_back(of_copy(Kind::kTable, rank, stage, part));
    }
    return parts;
  }

  // A token table that both ends of the pipeline have.
  bool has_copied_table(int stage) const { return copies_ && (stage == 0 || stage == plan_.schedule.stages() - 1); }

  // The token table's gradients: the stage's own, a copy of both ends', or the first stage's.
  void embed_weights(const RankTask& task) {
    const int rank = task.task.key.rank;
    if (copies_) write(task, of_copy(Kind::kTokens, rank, task.stage, 0));
    if (!borrows_ || task.stage == 0) return;
    for (int member = 0; member < plan_.schedule.placement().pipes(); ++member) {
      write(task, of_copy(Kind::kGradients, rank, 0, member));
    }
  }

  // Whether the task is the first of its pass.
  bool enters(const RankTask& task) const {
    const StageProgram& program = plan_.costs.programs[task.stage];
    const ComponentCost& first = task.task.key.pass == SlotKind::kF ? program.front() : program.back();
    return first.layer == task.task.key.layer && first.component == task.task.key.component;
  }

  // --- transfers ---

  // Buffers go round: of asynchronous queues as many as the job says, else one for each message.
  Resource incoming(const RankTask& task, int target, int source) {
    const bool sends = task.task.key.kind == TaskKind::kSend;
    const int depth = plan_.job.p2p.mode == P2pMode::kAsync ? plan_.job.p2p.receive_depth : 0;
    const int number = count_[{sends, target, source, task.task.direction}]++;
    return {.kind = Kind::kIncoming,
            .rank = target,
            .pipe = source,
            .part = depth == 0 ? number : number % depth,
            .direction = task.task.direction};
  }

  void receive(const RankTask& task) {
    const Resource buffer = incoming(task, task.task.key.rank, task.task.peer);
    buffer_of_[{task.task.key.rank, task.task.key.slot, task.task.direction}] = buffer;
    if (transfers_ == Transfers::kMessages) write(task, buffer);
  }

  // --- the end of the step ---

  // A member adds up one part of all copies, for itself.
  void reduction(const RankTask& task) {
    const Placement& placement = plan_.schedule.placement();
    const int rank = task.task.key.rank;
    if (has_copied_table(task.stage)) token_reduction(task);
    if (plan_.job.clipping != Clipping::kNone) write(task, {.kind = Kind::kSquares, .rank = rank});
    if (transfers_ == Transfers::kMessages) {
      for (int part = 0; part < placement.pipes(); ++part) {
        write(task, of_copy(Kind::kGradients, rank, task.stage, part));
      }
      return;
    }
    for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
      read(task, of_copy(Kind::kGradients, placement.rank_of(pipe, task.stage), task.stage, task.pipe));
    }
    write(task, of_copy(Kind::kGradients, rank, task.stage, task.pipe));
  }

  // The copies of each end get the sum of both ends'.
  void token_reduction(const RankTask& task) {
    const Placement& placement = plan_.schedule.placement();
    const int rank = task.task.key.rank;
    read(task, of_copy(Kind::kTokens, rank, task.stage, 0));
    write(task, of_copy(Kind::kTokenSum, rank, task.stage, 0));
    for (int pipe = 0; transfers_ == Transfers::kCopies && pipe < placement.pipes(); ++pipe) {
      for (const int stage : {0, placement.stages() - 1}) {
        read(task, of_copy(Kind::kTokens, placement.rank_of(pipe, stage), stage, 0));
      }
    }
  }

  // Of its part of what the rank has; with validated clipping the others get it from the norm.
  void optimizer(const RankTask& task) {
    optimize(task);
    if (plan_.job.clipping != Clipping::kValidated) hand_out(task);
    if (plan_.job.clipping == Clipping::kGlobal) read(task, {.kind = Kind::kNorm, .rank = task.task.key.rank});
  }

  void optimize(const RankTask& task) {
    const int rank = task.task.key.rank;
    for (const Chunk& chunk : plan_.schedule.placement().chunks_of(rank)) {
      if (has_copied_table(chunk.stage)) {
        read(task, of_copy(Kind::kTokenSum, rank, chunk.stage, 0));
        write(task, of_copy(Kind::kTable, rank, chunk.stage, table_part(chunk)));
      }
      read(task, of_copy(Kind::kGradients, rank, chunk.stage, chunk.pipe));
      write(task, of_copy(Kind::kWeights, rank, chunk.stage, chunk.pipe));
    }
  }

  int table_part(const Chunk& chunk) const {
    return chunk.pipe + (chunk.stage == 0 ? 0 : plan_.schedule.placement().pipes());
  }

  // As messages the parts of the others come here; on one device they are put into the others' memory.
  void hand_out(const RankTask& task) {
    const Placement& placement = plan_.schedule.placement();
    const int rank = task.task.key.rank;
    for (const Chunk& chunk : placement.chunks_of(rank)) {
      if (transfers_ == Transfers::kMessages) {
        for (const Resource& weights : weights_of(rank, chunk.stage)) write(task, weights);
        for (const Resource& table : table_of(rank, chunk.stage)) write(task, table);
        continue;
      }
      for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
        write(task, of_copy(Kind::kWeights, placement.rank_of(pipe, chunk.stage), chunk.stage, chunk.pipe));
        for (const int end : {0, placement.stages() - 1}) {
          if (!has_copied_table(chunk.stage)) continue;
          write(task, of_copy(Kind::kTable, placement.rank_of(pipe, end), end, table_part(chunk)));
        }
      }
    }
  }

  // What this rank owns the average of.
  void moving_average(const RankTask& task) {
    const int rank = task.task.key.rank;
    for (const Chunk& chunk : plan_.schedule.placement().chunks_of(rank)) {
      read(task, of_copy(Kind::kWeights, rank, chunk.stage, chunk.pipe));
      if (has_copied_table(chunk.stage)) read(task, of_copy(Kind::kTable, rank, chunk.stage, table_part(chunk)));
    }
  }

  // Of what the reductions added up; where that is found out afterwards, the optimizer runs again.
  void norm(const RankTask& task) {
    const int rank = task.task.key.rank;
    write(task, {.kind = Kind::kNorm, .rank = rank});
    for (int other = 0; other < plan_.schedule.ranks(); ++other) {
      if (transfers_ == Transfers::kCopies || other == rank) read(task, {.kind = Kind::kSquares, .rank = other});
    }
    if (plan_.job.clipping != Clipping::kValidated) return;
    optimize(task);
    hand_out(task);
  }

  using Entry = std::tuple<int, int, Direction>;  // rank, slot, and which way the input goes

  const Plan& plan_;
  const TaskGraph& graph_;
  Transfers transfers_;
  bool copies_;   // both ends have a token table
  bool borrows_;  // the last stage uses the first's, on its rank
  std::vector<std::vector<Access>> accesses_;
  std::map<std::tuple<bool, int, int, Direction>, int> count_;
  std::map<Entry, Resource> buffer_of_;
  std::vector<std::pair<Entry, uint32_t>> inputs_;  // components by what they may read
};

// [task] its launch, and whether it has one.
std::vector<uint32_t> launch_of_tasks(const LaunchProgram& program, size_t tasks) {
  std::vector<uint32_t> launch_of(tasks, UINT32_MAX);
  for (uint32_t launch = 0; launch < program.launches.size(); ++launch) {
    for (const uint32_t task : program.launches[launch].tasks) launch_of[task] = launch;
  }
  return launch_of;
}

}  // namespace

std::vector<std::vector<Access>> task_accesses(const Plan& plan, const TaskGraph& graph, Transfers transfers) {
  return AccessFinder(plan, graph, transfers).run();
}

std::vector<Race> find_races(const LaunchProgram& program, const std::vector<std::vector<Access>>& accesses) {
  struct User {
    uint32_t task = 0;
    uint32_t launch = 0;
    bool writes = false;
  };
  const HappensBefore happens(program);
  const std::vector<uint32_t> launch_of = launch_of_tasks(program, accesses.size());
  std::map<Resource, std::vector<User>> users;
  for (uint32_t task = 0; task < accesses.size(); ++task) {
    if (launch_of[task] == UINT32_MAX) continue;
    for (const Access& access : accesses[task]) {
      users[access.resource].push_back({task, launch_of[task], access.writes});
    }
  }
  std::vector<Race> races;
  for (auto& [resource, list] : users) {
    const auto readers = std::stable_partition(list.begin(), list.end(), [](const User& user) { return user.writes; });
    const auto writers = static_cast<size_t>(readers - list.begin());
    for (size_t i = 0; i < writers; ++i) {
      for (size_t j = i + 1; j < list.size(); ++j) {
        if (list[i].launch == list[j].launch || happens.ordered(list[i].launch, list[j].launch)) continue;
        races.push_back({list[i].task, list[j].task, resource});
      }
    }
  }
  return races;
}

}  // namespace pipeloom::backend
