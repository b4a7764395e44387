#include "backend/cuda/nccl/nccl_tasks.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "backend/cuda/check.h"
#include "backend/cuda/run/one_gpu_tasks.h"
#include "core/check.h"

namespace pipeloom {

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

void NcclTasks::run(const Launch& launch, const LaunchPlace& place) {
  const RankTask& task = *tasks_.at(launch.tasks.front());
  switch (task.task.key.kind) {
    case TaskKind::kSend:
    case TaskKind::kReceive:
      transfer(launch, place);
      break;
    case TaskKind::kComponent:
      component(task, place);
      break;
    case TaskKind::kOptimizer:
    case TaskKind::kEma:
      launcher_.launch(task, place);
      break;
    case TaskKind::kGradientReduction:
      reduce(task, place);
      if (plan_.job.clipping != Clipping::kNone) launcher_.add_squares(task, place);
      break;
    case TaskKind::kNorm:
      clip(place);
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

void NcclTasks::transfer(const Launch& launch, const LaunchPlace& place) {
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

void NcclTasks::component(const RankTask& task, const LaunchPlace& place) {
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

void NcclTasks::reduce(const RankTask& reduction, const LaunchPlace& place) {
  const TaskLauncher::Gradients gradients = launcher_.gradients(reduction);
  const Placement& placement = plan_.schedule.placement();
  all_reduce(gradients.shared, reduction_group(plan_.job.layout, placement, reduction.stage, rank_, false), place);
  all_reduce(gradients.routed, reduction_group(plan_.job.layout, placement, reduction.stage, rank_, true), place);
  if (gradients.tokens.size_bytes > 0) add_up_tokens(gradients, place);
}

void NcclTasks::clip(const LaunchPlace& place) {
  launcher_.total({launcher_.squares()}, place);
  void* total = launcher_.total_squares().data;
  PIPELOOM_NCCL_CHECK(ncclAllReduce(total, total, 1, ncclDouble, ncclSum, world_.world(), place.stream));
  wait(world_.world(), "the norm of the gradients");
  launcher_.clip(place);
}

// One collective of both ends, which each enters with the reduction of its stage.
void NcclTasks::add_up_tokens(const TaskLauncher::Gradients& gradients, const LaunchPlace& place) {
  const ReductionGroup group = token_table_group(plan_.job.layout, plan_.schedule.placement(), rank_);
  const ncclComm_t communicator = world_.communicator(world_.plan().find(Kind::kReplica, group.members));
  const auto count = static_cast<size_t>(gradients.tokens.size_bytes) / sizeof(float);
  PIPELOOM_NCCL_CHECK(ncclAllReduce(gradients.tokens.data, gradients.token_sum.data, count, ncclFloat, ncclSum,
                                    communicator, place.stream));
  wait(communicator, "the reduction of the token table's gradients");
}

void NcclTasks::all_reduce(const std::vector<DeviceBytes>& ranges, const ReductionGroup& group,
                           const LaunchPlace& place) {
  if (group.members.size() == 1 || ranges.empty()) return;
  const ncclComm_t communicator = world_.communicator(world_.plan().find(Kind::kReplica, group.members));
  PIPELOOM_NCCL_CHECK(ncclGroupStart());
  for (const DeviceBytes& range : ranges) {
    const auto count = static_cast<size_t>(range.size_bytes) / sizeof(float);
    PIPELOOM_NCCL_CHECK(ncclAllReduce(range.data, range.data, count, ncclFloat, ncclSum, communicator, place.stream));
  }
  PIPELOOM_NCCL_CHECK(ncclGroupEnd());
  wait(communicator, "a gradient reduction");
}

}  // namespace pipeloom
