#include "tests/backend/cuda/model/gpu_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <span>

#include "backend/cuda/model/gpu_trainable.h"
#include "backend/cuda/model/gpu_trainer.h"
#include "core/lowering/lower.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {

namespace {

using Range = GpuTrainer::Range;

struct Rank {
  Rank(const Plan& plan, const TaskGraph& graph, RunRank number, const TextTokens& text, const TrainingOptions& options,
       ProductRunner& products)
      : program(plan.schedule, graph, number.pipeline_rank),
        trainer(plan, program, number, text, options, products),
        memory(trainer.memory_bytes()) {
    // NaN everywhere: what is read before it is written shows.
    const std::vector<std::byte> ones(static_cast<size_t>(memory.size_bytes()), std::byte{0xff});
    copy_to_device(memory.data(), ones.data(), memory.size_bytes());
    trainer.use(memory.data());
    upload(trainer.initial());
    trainer.prepare(device_stream());
    for (const RankTask& task : program.tasks()) tasks[task.number] = &task;
  }
  static void upload(const std::vector<GpuUpload>& uploads) {
    for (const GpuUpload& one : uploads) copy_to_device(one.to, one.from.data(), static_cast<int64_t>(one.from.size()));
  }

  RankProgram program;
  GpuTrainer trainer;
  DeviceMemory memory;
  std::map<uint32_t, const RankTask*> tasks;  // by number in the graph
};

std::vector<std::byte> read(const Range& range) {
  std::vector<std::byte> bytes(static_cast<size_t>(range.size_bytes));
  copy_from_device(bytes.data(), range.data, range.size_bytes);
  return bytes;
}

void write(const Range& range, const std::vector<std::byte>& bytes) {
  ASSERT_EQ(static_cast<int64_t>(bytes.size()), range.size_bytes);
  copy_to_device(range.data, bytes.data(), range.size_bytes);
}

// Any order that the graph allows.
std::vector<uint32_t> order_of(const TaskGraph& graph, uint64_t seed) {
  const auto count = static_cast<uint32_t>(graph.tasks().size());
  std::vector<std::vector<uint32_t>> after(count);
  std::vector<int> waits(count);
  const auto edge = [&](uint32_t from, uint32_t to) {
    after[from].push_back(to);
    ++waits[to];
  };
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) edge(tasks[i - 1], tasks[i]);
  }
  for (uint32_t task = 0; task < count; ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) edge(dependency.from, task);
  }
  std::vector<uint32_t> ready;
  for (uint32_t task = 0; task < count; ++task) {
    if (waits[task] == 0) ready.push_back(task);
  }
  std::mt19937_64 random(seed);
  std::vector<uint32_t> order;
  while (!ready.empty()) {
    std::swap(ready[random() % ready.size()], ready.back());
    order.push_back(ready.back());
    ready.pop_back();
    for (const uint32_t next : after[order.back()]) {
      if (--waits[next] == 0) ready.push_back(next);
    }
  }
  return order;
}

class DeviceRun {
 public:
  DeviceRun(const Plan& plan, const TextTokens& text, const TrainingOptions& options)
      : plan_(plan),
        // Receives have as many buffers as the job says: without the waits for them messages would be overwritten.
        graph_(lower(plan.schedule, plan.costs, {plan.job.p2p.mode, plan.job.clipping, plan.job.p2p.receive_depth})),
        products_(device_products()) {
    for (int replica = 0; replica < plan.job.layout.data; ++replica) {
      for (int rank = 0; rank < plan.job.layout.pipeline; ++rank) {
        ranks_.push_back(std::make_unique<Rank>(plan, graph_, RunRank{replica, rank}, text, options, *products_));
      }
    }
  }

  double step(int64_t step, uint64_t seed) {
    members_left_.clear();
    for (const auto& rank : ranks_) {
      Rank::upload(rank->trainer.step_uploads(step));
      rank->trainer.begin_step(device_stream());
    }
    for (const uint32_t task : order_of(graph_, seed)) run(task);
    double sum = 0;
    for (const auto& rank : ranks_) {
      for (const auto& [micro_batch, place] : rank->trainer.losses()) {
        double loss = 0;
        copy_from_device(&loss, place, sizeof loss);
        sum += loss;
      }
    }
    return sum / static_cast<double>(micro_batches_per_step(plan_.job) * plan_.job.batch.tokens());
  }

  // Of weights or gradients.
  std::map<std::string, std::vector<float>> numbers(float* GpuNumbers::*which) const {
    std::map<std::string, std::vector<float>> result;
    for (const auto& rank : ranks_) {
      for (const auto& chunk : rank->trainer.chunks()) {
        for (const StageParameter& parameter : chunk->stage().parameters()) {
          auto& numbers = result[parameter.name];
          numbers.resize(static_cast<size_t>(parameter.parameter.size()));
          copy_from_device(numbers.data(), chunk->numbers().*which + parameter.offset,
                           parameter.parameter.size() * int64_t{sizeof(float)});
        }
      }
    }
    return result;
  }

 private:
  Rank& rank(int replica, int pipeline_rank) { return *ranks_[replica * plan_.job.layout.pipeline + pipeline_rank]; }

  // On every replica.
  void run(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    const SmStream stream = device_stream();
    if (task.key.kind == TaskKind::kComponent && task.lane == Lane::kEp) return exchange(number);
    if (task.key.kind == TaskKind::kGradientReduction) return reduce(number);
    for (int replica = 0; replica < plan_.job.layout.data; ++replica) {
      Rank& own = rank(replica, task.key.rank);
      const RankTask& own_task = *own.tasks.at(number);
      switch (task.key.kind) {
        case TaskKind::kSend: {
          const bool forward = task.key.pass == SlotKind::kF;
          const int consumer = own_task.stage + (forward ? 1 : -1);
          messages_[{replica, forward, consumer, own_task.micro_batch}] = read(own.trainer.outgoing(own_task));
          break;
        }
        case TaskKind::kReceive: {
          const bool forward = task.key.pass == SlotKind::kF;
          const auto message = messages_.find({replica, forward, own_task.stage, own_task.micro_batch});
          ASSERT_NE(message, messages_.end()) << describe(own_task);
          write(own.trainer.incoming(own_task), message->second);
          messages_.erase(message);
          break;
        }
        default:
          own.trainer.launch(own_task, stream);
      }
    }
  }

  // Between the replicas of an EP group: package number i of member j goes to place j at member i.
  void exchange(uint32_t number) {
    const int pipeline_rank = graph_.tasks()[number].key.rank;
    const int replicas = plan_.job.layout.data;
    std::vector<std::vector<std::vector<std::byte>>> sent;
    for (int replica = 0; replica < replicas; ++replica) {
      Rank& own = rank(replica, pipeline_rank);
      own.trainer.pack(*own.tasks.at(number), device_stream());
      auto& packages = sent.emplace_back();
      for (const Range& package : own.trainer.send_packages()) packages.push_back(read(package));
    }
    for (int replica = 0; replica < replicas; ++replica) {
      Rank& own = rank(replica, pipeline_rank);
      const EpGroup group = ep_group(plan_.job.layout, {replica, pipeline_rank});
      const auto places = own.trainer.receive_packages();
      for (size_t member = 0; member < group.members.size(); ++member) {
        const RunRank from = RunRank::of(group.members[member], plan_.job.layout.pipeline);
        write(places[member], sent[from.replica][group.place]);
      }
      own.trainer.unpack(*own.tasks.at(number), device_stream());
    }
  }

  // When the last copy of a stage is there, all get the sum.
  void reduce(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    const int stage = task.key.layer;
    int copies = 0;
    for (const Task& other : graph_.tasks()) {
      copies += other.key.kind == TaskKind::kGradientReduction && other.key.layer == stage ? 1 : 0;
    }
    std::vector<uint32_t>& there = members_left_[stage];
    there.push_back(number);
    if (static_cast<int>(there.size()) < copies) return;
    for (const bool routed : {false, true}) {
      // By place in the EP group for routed experts; one group for the rest.
      std::map<int, std::vector<Range>> groups;
      for (int replica = 0; replica < plan_.job.layout.data; ++replica) {
        for (const uint32_t member : there) {
          const int pipeline_rank = graph_.tasks()[member].key.rank;
          Rank& own = rank(replica, pipeline_rank);
          const RankTask& reduction = *own.tasks.at(member);
          const int place = routed ? ep_group(plan_.job.layout, {replica, pipeline_rank}).place : 0;
          groups[place].push_back(routed ? own.trainer.routed_gradients(reduction)
                                         : own.trainer.shared_gradients(reduction));
        }
      }
      for (const auto& [place, ranges] : groups) add_up(ranges);
    }
  }

  static void add_up(const std::vector<Range>& ranges) {
    std::vector<float> sums(static_cast<size_t>(ranges[0].size_bytes) / sizeof(float));
    for (const Range& range : ranges) {
      std::vector<float> numbers(sums.size());
      copy_from_device(numbers.data(), range.data, range.size_bytes);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += numbers[i];
    }
    for (const Range& range : ranges) copy_to_device(range.data, sums.data(), range.size_bytes);
  }

  const Plan& plan_;
  TaskGraph graph_;
  std::unique_ptr<ProductRunner> products_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::map<std::tuple<int, bool, int, int>, std::vector<std::byte>>
      messages_;                                       // replica, forward, consumer, micro-batch
  std::map<int, std::vector<uint32_t>> members_left_;  // by stage
};

}  // namespace

TrainingResult train_on_device(const Plan& plan, const TextTokens& text, int64_t steps, const TrainingOptions& options,
                               uint64_t seed) {
  const Status trainable = check_gpu_trainable(plan.job);
  EXPECT_TRUE(trainable) << trainable.error().message;
  DeviceRun run(plan, text, options);
  TrainingResult result;
  for (int64_t step = 0; step < steps; ++step) {
    result.losses.push_back(run.step(step, seed + static_cast<uint64_t>(step)));
  }
  result.parameters = run.numbers(&GpuNumbers::weights);
  return result;
}

std::map<std::string, std::vector<float>> gradients_on_device(const Plan& plan, const TextTokens& text,
                                                              const TrainingOptions& options) {
  DeviceRun run(plan, text, options);
  run.step(0, 0);
  return run.numbers(&GpuNumbers::gradients);
}

}  // namespace pipeloom::tests
