#include "backend/cuda/nccl/nccl_tasks.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "backend/cuda/cuda_check.h"
#include "backend/device/run/one_gpu_tasks.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

using Kind = Communicator::Kind;

void require(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// Places in an edge's communicator: source, then target.
constexpr int kSource = 0;
constexpr int kTarget = 1;

}  // namespace

NcclTasks::NcclTasks(const Plan& plan, const RankProgram& program, RunRank rank, TaskLauncher& launcher,
                     NcclWorld& world)
    : plan_(plan), rank_(rank), launcher_(launcher), world_(world) {
  for (const RankTask& task : program.tasks()) tasks_[task.number] = &task;
}

void NcclTasks::wait(ncclComm_t communicator, const char* what) {
  require(world_.wait_until_enqueued(communicator, what));
}

// --- the first exchange ---

void NcclTasks::connect(cudaStream_t stream) {
  float* number = nullptr;
  PIPELOOM_CUDA_CHECK(cudaMalloc(reinterpret_cast<void**>(&number), sizeof(float)));
  PIPELOOM_CUDA_CHECK(cudaMemsetAsync(number, 0, sizeof(float), stream));
  const auto& communicators = world_.plan().communicators;
  for (size_t i = 0; i < communicators.size(); ++i) {
    const auto& members = communicators[i].members;
    if (std::ranges::count(members, world_.rank()) == 0) continue;
    const ncclComm_t communicator = world_.communicator(static_cast<int>(i));
    if (communicators[i].kind != Kind::kEdge) {
      PIPELOOM_NCCL_CHECK(ncclAllReduce(number, number, 1, ncclFloat, ncclSum, communicator, stream));
    } else if (members[kSource] == world_.rank()) {
      PIPELOOM_NCCL_CHECK(ncclSend(number, 1, ncclFloat, kTarget, communicator, stream));
    } else {
      PIPELOOM_NCCL_CHECK(ncclRecv(number, 1, ncclFloat, kSource, communicator, stream));
    }
    wait(communicator, "the first exchange of a communicator");
  }
  PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(stream));
  PIPELOOM_CUDA_CHECK(cudaFree(number));
}

// --- a step's launches ---

void NcclTasks::run(const Launch& launch, const SmStream& place) {
  const RankTask& task = *tasks_.at(launch.tasks.front());
  switch (task.task.key.kind) {
    case TaskKind::kSend:
    case TaskKind::kReceive:
      transfer(launch, place);
      break;
    case TaskKind::kComponent:
      component(task, place);
      break;
    case TaskKind::kEma:
      launcher_.launch(task, place);
      break;
    case TaskKind::kOptimizer:
      launcher_.launch(task, place);
      if (plan_.job.clipping != Clipping::kValidated) hand_out(place);
      break;
    case TaskKind::kGradientReduction:
      reduce(task, place);
      if (plan_.job.clipping != Clipping::kNone) launcher_.add_squares(task, place);
      break;
    case TaskKind::kNorm:
      clip(place);
      if (plan_.job.clipping == Clipping::kValidated) hand_out(place);
      break;
  }
}

int NcclTasks::edge_of(const RankTask& transfer) const {
  const int ranks = plan_.job.layout.pipeline;
  const int own = rank_.number(ranks);
  const int peer = RunRank{rank_.replica, transfer.task.peer}.number(ranks);
  const bool sends = transfer.task.key.kind == TaskKind::kSend;
  return world_.plan().find(Kind::kEdge, sends ? std::vector{own, peer} : std::vector{peer, own},
                            transfer.task.direction);
}

void NcclTasks::transfer(const Launch& launch, const SmStream& place) {
  std::set<int> edges;
  PIPELOOM_NCCL_CHECK(ncclGroupStart());
  for (const uint32_t number : launch.tasks) {
    const RankTask& task = *tasks_.at(number);
    const int edge = edge_of(task);
    edges.insert(edge);
    const ncclComm_t communicator = world_.communicator(edge);
    if (task.task.key.kind == TaskKind::kSend) {
      const DeviceBytes bytes = launcher_.outgoing(task);
      PIPELOOM_NCCL_CHECK(
          ncclSend(bytes.data, static_cast<size_t>(bytes.size_bytes), ncclChar, kTarget, communicator, place.stream));
    } else {
      const DeviceBytes bytes = launcher_.incoming(task);
      PIPELOOM_NCCL_CHECK(
          ncclRecv(bytes.data, static_cast<size_t>(bytes.size_bytes), ncclChar, kSource, communicator, place.stream));
    }
  }
  PIPELOOM_NCCL_CHECK(ncclGroupEnd());
  for (const int edge : edges) wait(world_.communicator(edge), "sends and receives");
}

void NcclTasks::component(const RankTask& task, const SmStream& place) {
  const EpGroup group = ep_group(plan_.job.layout, rank_);
  if (task.task.lane != Lane::kEp || group.members.size() == 1) {
    launch_alone(launcher_, task, place);
    return;
  }
  launcher_.pack(task, place);
  const ExchangeBytes packages = launcher_.packages(task);
  const ncclComm_t communicator = world_.communicator(world_.plan().find(Kind::kExpert, group.members));
  PIPELOOM_NCCL_CHECK(ncclGroupStart());
  for (int member = 0; member < static_cast<int>(group.members.size()); ++member) {
    const DeviceBytes& to = packages.send[member];
    const DeviceBytes& from = packages.receive[member];
    PIPELOOM_NCCL_CHECK(
        ncclSend(to.data, static_cast<size_t>(to.size_bytes), ncclChar, member, communicator, place.stream));
    PIPELOOM_NCCL_CHECK(
        ncclRecv(from.data, static_cast<size_t>(from.size_bytes), ncclChar, member, communicator, place.stream));
  }
  PIPELOOM_NCCL_CHECK(ncclGroupEnd());
  wait(communicator, "an exchange between experts");
  launcher_.unpack(task, place);
}

ncclComm_t NcclTasks::communicator_of(const ReductionGroup& group) const {
  return world_.communicator(world_.plan().find(Kind::kReplica, group.members));
}

void NcclTasks::reduce(const RankTask& reduction, const SmStream& place) {
  const TaskLauncher::Gradients gradients = launcher_.gradients(reduction);
  const Placement& placement = plan_.schedule.placement();
  const auto own_group = [&](bool routed) {
    return reduction_group(plan_.job.layout, placement, reduction.stage, rank_, routed);
  };
  for (const DeviceBytes& range : gradients.shared) reduce_parts(range, range, own_group(false), place);
  for (const DeviceBytes& range : gradients.routed) reduce_parts(range, range, own_group(true), place);
  // One collective of both ends, which each enters with the reduction of its stage.
  if (gradients.tokens.size_bytes == 0) return;
  reduce_parts(gradients.tokens, gradients.token_sum, token_table_group(plan_.job.layout, placement, rank_), place);
}

// Each member gets the sum of its part.
void NcclTasks::reduce_parts(const DeviceBytes& from, const DeviceBytes& to, const ReductionGroup& group,
                             const SmStream& place) {
  if (group.members.size() == 1) return;
  const ncclComm_t communicator = communicator_of(group);
  const auto* copies = static_cast<const float*>(from.data);
  auto* sums = static_cast<float*>(to.data);
  PIPELOOM_NCCL_CHECK(ncclGroupStart());
  for (int member = 0; member < static_cast<int>(group.members.size()); ++member) {
    const auto [begin, count] = group.part(member, from.size_bytes / static_cast<int64_t>(sizeof(float)));
    PIPELOOM_NCCL_CHECK(ncclReduce(copies + begin, sums + begin, static_cast<size_t>(count), ncclFloat, ncclSum, member,
                                   communicator, place.stream));
  }
  PIPELOOM_NCCL_CHECK(ncclGroupEnd());
  wait(communicator, "a gradient reduction");
}

// Every member's part to all.
void NcclTasks::hand_out(const SmStream& place) {
  const std::vector<SharedWeights> shared = launcher_.shared_weights();
  for (const SharedWeights& own : shared) {
    const ReductionGroup& group = own.numbers.group;
    const ncclComm_t communicator = communicator_of(group);
    PIPELOOM_NCCL_CHECK(ncclGroupStart());
    for (int member = 0; member < own.numbers.members(); ++member) {
      const auto [begin, count] = group.part(member, own.numbers.size);
      PIPELOOM_NCCL_CHECK(ncclBroadcast(own.weights + begin, own.weights + begin, static_cast<size_t>(count), ncclFloat,
                                        member, communicator, place.stream));
    }
    PIPELOOM_NCCL_CHECK(ncclGroupEnd());
    wait(communicator, "the weights of the other copies");
  }
  if (!shared.empty()) launcher_.round_weights(place);
}

void NcclTasks::clip(const SmStream& place) {
  launcher_.total({launcher_.squares()}, place);
  void* total = launcher_.total_squares().data;
  PIPELOOM_NCCL_CHECK(ncclAllReduce(total, total, 1, ncclDouble, ncclSum, world_.world(), place.stream));
  wait(world_.world(), "the norm of the gradients");
  launcher_.clip(place);
}

}  // namespace pipeloom::backend
