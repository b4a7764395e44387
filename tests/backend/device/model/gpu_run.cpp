#include "tests/backend/device/model/gpu_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <span>

#include "backend/device/model/gpu_trainable.h"
#include "backend/device/model/gpu_trainer.h"
#include "backend/runtime/training/checkpoint.h"
#include "core/tasks/lower.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/device/model/device_rank.h"
#include "tests/backend/device/model/task_order.h"

namespace pipeloom::tests {

namespace {

std::vector<std::byte> read(const backend::DeviceBytes& range) {
  std::vector<std::byte> bytes(static_cast<size_t>(range.size_bytes));
  copy_from_device(bytes.data(), range.data, range.size_bytes);
  return bytes;
}

void write(const backend::DeviceBytes& range, const std::vector<std::byte>& bytes) {
  ASSERT_EQ(static_cast<int64_t>(bytes.size()), range.size_bytes);
  copy_to_device(range.data, bytes.data(), range.size_bytes);
}

class DeviceRun {
 public:
  // All of them outlive the run.
  DeviceRun(const Plan& plan, const backend::TextTokens& text, const backend::TrainingOptions& options)
      : plan_(plan),
        text_(text),
        options_(options),
        // Receives have as many buffers as the job says: without the waits for them messages would be overwritten.
        graph_(lower(plan.schedule, plan.costs, {plan.job.p2p.mode, plan.job.clipping, plan.job.p2p.receive_depth})),
        products_(device_products()) {
    for (int replica = 0; replica < plan.job.layout.data; ++replica) {
      for (int rank = 0; rank < plan.job.layout.pipeline; ++rank) {
        ranks_.push_back(
            std::make_unique<DeviceRank>(plan, graph_, backend::RunRank{replica, rank}, text, options, *products_));
      }
    }
  }

  double step(int64_t step, uint64_t seed) {
    reduced_.clear();
    step_ = step;
    for (const auto& rank : ranks_) {
      DeviceRank::upload(rank->trainer.step_uploads(step));
      rank->trainer.begin_step(device_stream());
    }
    for (const uint32_t task : order_of(graph_, seed)) run(task);
    double sum = 0;
    mtp_loss_ = 0;
    for (const auto& rank : ranks_) {
      std::vector<double> losses(static_cast<size_t>(1 + rank->trainer.mtp_modules()));
      for (const auto& [micro_batch, place] : rank->trainer.losses()) {
        copy_from_device(losses.data(), place, static_cast<int64_t>(losses.size() * sizeof(double)));
        sum += losses[0];
        mtp_loss_ += std::accumulate(losses.begin() + 1, losses.end(), 0.0);
      }
    }
    return sum / static_cast<double>(backend::micro_batches_per_step(plan_.job) * plan_.job.batch.tokens());
  }

  // Of the last step, as TrainingResult::mtp_losses.
  double mtp_loss() const { return mtp_loss_ * backend::mtp_loss_scale(plan_.job); }

  Checkpoints save(int64_t steps) {
    Checkpoints checkpoints;
    checkpoints[backend::kLastCheckpoint] = std::to_string(steps);
    for (size_t number = 0; number < ranks_.size(); ++number) {
      const backend::GpuTrainer& trainer = ranks_[number]->trainer;
      const auto chunks = trainer.host_chunks();
      for (const backend::GpuTrainer::Transfer& one : trainer.transfers(chunks)) {
        copy_from_device(one.host, one.gpu, one.size_bytes);
      }
      if (ranks_[number]->averages) ranks_[number]->averages->save(chunks);
      const auto rank = static_cast<int>(number);
      checkpoints[backend::checkpoint_name(steps, rank)] =
          backend::write_checkpoint(backend::checkpoint_identity(plan_, text_, options_, rank), steps, chunks).value();
    }
    return checkpoints;
  }

  void restore(const Checkpoints& checkpoints, int64_t steps) {
    for (size_t number = 0; number < ranks_.size(); ++number) {
      const backend::GpuTrainer& trainer = ranks_[number]->trainer;
      const auto chunks = trainer.host_chunks();
      const auto rank = static_cast<int>(number);
      const Status read =
          backend::read_checkpoint(checkpoints.at(backend::checkpoint_name(steps, rank)),
                                   backend::checkpoint_identity(plan_, text_, options_, rank), steps, chunks);
      ASSERT_TRUE(read) << read.error().message;
      for (const backend::GpuTrainer::Transfer& one : trainer.transfers(chunks)) {
        copy_to_device(one.gpu, one.host, one.size_bytes);
      }
      if (ranks_[number]->averages) ranks_[number]->averages->restore(chunks);
    }
    for (const auto& rank : ranks_) rank->trainer.prepare(device_stream());
  }

  std::vector<ExpertLoad> expert_loads() const {
    backend::ExpertCounts counts;
    for (const auto& rank : ranks_) {
      for (const backend::GpuTrainer::ExpertLoads& loads : rank->trainer.expert_loads()) {
        std::vector<int64_t> tokens(static_cast<size_t>(loads.experts));
        copy_from_device(tokens.data(), loads.tokens, loads.experts * int64_t{sizeof(int64_t)});
        backend::add_counts({{loads.layer, tokens}}, counts);
      }
    }
    return backend::loads_of(counts);
  }

  int64_t memory_bytes() const {
    int64_t sum = 0;
    for (const auto& rank : ranks_) sum += rank->trainer.memory_bytes();
    return sum;
  }

  // After the last step.
  uint64_t averages_digest() {
    uint64_t sum = 0;
    for (const auto& rank : ranks_) {
      rank->update_averages();
      sum += rank->averages->digest();
    }
    return sum;
  }

  // Of weights or gradients.
  std::map<std::string, std::vector<float>> numbers(float* backend::GpuNumbers::*which) const {
    std::map<std::string, std::vector<float>> result;
    for (const auto& rank : ranks_) {
      for (const auto& chunk : rank->trainer.chunks()) {
        for (const backend::StageParameter& parameter : chunk->stage().parameters()) {
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
  DeviceRank& rank(int replica, int pipeline_rank) {
    return *ranks_[replica * plan_.job.layout.pipeline + pipeline_rank];
  }

  // On every replica.
  void run(uint32_t number) {
    const Task& task = graph_.tasks()[number];
    const backend::SmStream stream = device_stream();
    if (task.key.kind == TaskKind::kComponent && task.lane == Lane::kEp) return exchange(number);
    if (task.key.kind == TaskKind::kGradientReduction) return reduce(number);
    for (int replica = 0; replica < plan_.job.layout.data; ++replica) {
      DeviceRank& own = rank(replica, task.key.rank);
      const backend::RankTask& own_task = *own.tasks.at(number);
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
          ASSERT_NE(message, messages_.end()) << backend::describe(own_task);
          write(own.trainer.incoming(own_task), message->second);
          messages_.erase(message);
          break;
        }
        case TaskKind::kNorm: {
          std::vector<backend::DeviceBytes> squares;
          for (const auto& rank : ranks_) squares.push_back(rank->trainer.squares());
          own.trainer.total(squares, stream);
          own.trainer.clip(stream);
          if (plan_.job.clipping == Clipping::kValidated) hand_out(own.trainer);
          break;
        }
        case TaskKind::kOptimizer:
          own.trainer.launch(own_task, stream);
          if (plan_.job.clipping != Clipping::kValidated) hand_out(own.trainer);
          break;
        case TaskKind::kEma:
          if (step_ > 0) own.update_averages();
          break;
        default:
          own.trainer.launch(own_task, stream);
      }
    }
  }

  // The part that a rank has optimized, to the others that have those weights.
  void hand_out(const backend::GpuTrainer& own) {
    for (const backend::SharedWeights& mine : own.shared_weights()) {
      const auto [begin, count] = mine.numbers.group.part(mine.numbers.group.place, mine.numbers.size);
      for (int member = 0; member < mine.numbers.members(); ++member) {
        if (member == mine.numbers.group.place) continue;
        for (const backend::SharedWeights& other :
             ranks_[mine.numbers.group.members[member]]->trainer.shared_weights()) {
          if (other.numbers.about != mine.numbers.about) continue;
          write({other.weights + begin, count * int64_t{sizeof(float)}},
                read({mine.weights + begin, count * int64_t{sizeof(float)}}));
          write({other.factors + begin, count * int64_t{sizeof(backend::Bf16)}},
                read({mine.factors + begin, count * int64_t{sizeof(backend::Bf16)}}));
        }
      }
    }
  }

  // Between the replicas of an EP group: package number i of member j goes to place j at member i.
  void exchange(uint32_t number) {
    const int pipeline_rank = graph_.tasks()[number].key.rank;
    const int replicas = plan_.job.layout.data;
    std::vector<std::vector<std::vector<std::byte>>> sent;
    for (int replica = 0; replica < replicas; ++replica) {
      DeviceRank& own = rank(replica, pipeline_rank);
      own.trainer.pack(*own.tasks.at(number), device_stream());
      auto& packages = sent.emplace_back();
      for (const backend::DeviceBytes& package : own.trainer.send_packages(*own.tasks.at(number)))
        packages.push_back(read(package));
    }
    for (int replica = 0; replica < replicas; ++replica) {
      DeviceRank& own = rank(replica, pipeline_rank);
      const backend::EpGroup group = backend::ep_group(plan_.job.layout, {replica, pipeline_rank});
      const auto places = own.trainer.receive_packages(*own.tasks.at(number));
      for (size_t member = 0; member < group.members.size(); ++member) {
        const backend::RunRank from = backend::RunRank::of(group.members[member], plan_.job.layout.pipeline);
        write(places[member], sent[from.replica][group.place]);
      }
      own.trainer.unpack(*own.tasks.at(number), device_stream());
    }
  }

  // When the first copy of a stage is there, all get the sum: those of the others wait for the same.
  void reduce(uint32_t number) {
    const int stage = graph_.tasks()[number].key.layer;
    std::vector<uint32_t> members;
    for (uint32_t other = 0; other < graph_.tasks().size(); ++other) {
      const TaskKey& key = graph_.tasks()[other].key;
      if (key.kind == TaskKind::kGradientReduction && key.layer == stage) members.push_back(other);
    }
    if (reduced_.insert(stage).second) add_up_copies(stage, members);
    for (int replica = 0; replica < plan_.job.layout.data && plan_.job.clipping != Clipping::kNone; ++replica) {
      DeviceRank& own = rank(replica, graph_.tasks()[number].key.rank);
      own.trainer.add_squares(*own.tasks.at(number), device_stream());
    }
  }

  void add_up_copies(int stage, const std::vector<uint32_t>& members) {
    for (const bool routed : {false, true}) {
      // By place in the EP group for routed experts; one group for the rest.
      std::map<int, std::vector<backend::DeviceBytes>> groups;
      for (int replica = 0; replica < plan_.job.layout.data; ++replica) {
        for (const uint32_t member : members) {
          const int pipeline_rank = graph_.tasks()[member].key.rank;
          DeviceRank& own = rank(replica, pipeline_rank);
          const backend::RankTask& reduction = *own.tasks.at(member);
          const int place = routed ? backend::ep_group(plan_.job.layout, {replica, pipeline_rank}).place : 0;
          groups[place].push_back(routed ? own.trainer.routed_gradients(reduction)
                                         : own.trainer.shared_gradients(reduction));
        }
      }
      for (const auto& [place, ranges] : groups) add_up(ranges, ranges);
    }
    if (backend::copies_token_table(plan_) && (stage == 0 || stage == plan_.schedule.stages() - 1))
      reduce_tokens(stage);
  }

  // The copies of one end get the sum of both ends'.
  void reduce_tokens(int stage) {
    std::vector<backend::DeviceBytes> own;
    std::vector<backend::DeviceBytes> sums;
    for (int replica = 0; replica < plan_.job.layout.data; ++replica) {
      for (const int end : {0, plan_.schedule.stages() - 1}) {
        for (int pipe = 0; pipe < plan_.schedule.placement().pipes(); ++pipe) {
          backend::RankTask of_copy;
          of_copy.pipe = pipe;
          of_copy.stage = end;
          const auto gradients =
              rank(replica, plan_.schedule.placement().rank_of(pipe, end)).trainer.token_gradients(of_copy);
          own.push_back(gradients.own);
          if (end == stage) sums.push_back(gradients.sum);
        }
      }
    }
    add_up(own, sums);
  }

  static void add_up(const std::vector<backend::DeviceBytes>& ranges, const std::vector<backend::DeviceBytes>& to) {
    std::vector<float> sums(static_cast<size_t>(ranges[0].size_bytes) / sizeof(float));
    for (const backend::DeviceBytes& range : ranges) {
      std::vector<float> numbers(sums.size());
      copy_from_device(numbers.data(), range.data, range.size_bytes);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += numbers[i];
    }
    for (const backend::DeviceBytes& range : to) copy_to_device(range.data, sums.data(), range.size_bytes);
  }

  const Plan& plan_;
  const backend::TextTokens& text_;
  const backend::TrainingOptions& options_;
  TaskGraph graph_;
  std::unique_ptr<backend::ProductRunner> products_;
  std::vector<std::unique_ptr<DeviceRank>> ranks_;
  int64_t step_ = 0;
  double mtp_loss_ = 0;  // of all tokens and modules
  std::map<std::tuple<int, bool, int, int>, std::vector<std::byte>>
      messages_;           // replica, forward, consumer, micro-batch
  std::set<int> reduced_;  // stages
};

}  // namespace

backend::TrainingResult train_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                        const backend::TrainingOptions& options, uint64_t seed) {
  const Status trainable = backend::check_gpu_trainable(plan.job);
  EXPECT_TRUE(trainable) << trainable.error().message;
  DeviceRun run(plan, text, options);
  backend::TrainingResult result;
  for (int64_t step = 0; step < steps; ++step) {
    result.losses.push_back(run.step(step, seed + static_cast<uint64_t>(step)));
    if (plan.job.model->mtp_depth > 0) result.mtp_losses.push_back(run.mtp_loss());
  }
  result.parameters = run.numbers(&backend::GpuNumbers::weights);
  result.expert_loads = run.expert_loads();
  if (plan.job.ema_decay > 0) result.averages_digest = run.averages_digest();
  return result;
}

int64_t memory_on_device(const Plan& plan, const backend::TextTokens& text) {
  return DeviceRun(plan, text, {}).memory_bytes();
}

AveragesDigests averages_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                   const backend::TrainingOptions& options) {
  DeviceRun run(plan, text, options);
  auto averages = run.numbers(&backend::GpuNumbers::weights);
  for (int64_t step = 0; step < steps; ++step) {
    run.step(step, 7);
    for (const auto& [name, weights] : run.numbers(&backend::GpuNumbers::weights)) {
      const double decay = plan.job.ema_decay;
      for (size_t i = 0; i < weights.size(); ++i) {
        float& average = averages.at(name)[i];
        average = static_cast<float>(decay * double{average} + (1 - decay) * double{weights[i]});
      }
    }
  }
  AveragesDigests digests;
  digests.actual = run.averages_digest();
  for (const auto& [name, numbers] : averages) {
    const auto count = static_cast<int64_t>(numbers.size());
    digests.expected += backend::numbers_digest({{name, 0, {name, 1, count, 0}}}, {0, count}, numbers);
  }
  return digests;
}

Checkpoints checkpoints_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                  const backend::TrainingOptions& options) {
  DeviceRun run(plan, text, options);
  for (int64_t step = 0; step < steps; ++step) run.step(step, 3);
  return run.save(steps);
}

backend::TrainingResult resume_on_device(const Plan& plan, const backend::TextTokens& text,
                                         const Checkpoints& checkpoints, int64_t done, int64_t steps,
                                         const backend::TrainingOptions& options, Checkpoints& again) {
  DeviceRun run(plan, text, options);
  run.restore(checkpoints, done);
  again = run.save(done);
  backend::TrainingResult result;
  for (int64_t step = done; step < steps; ++step) result.losses.push_back(run.step(step, 4));
  result.parameters = run.numbers(&backend::GpuNumbers::weights);
  return result;
}

std::map<std::string, std::vector<float>> gradients_on_device(const Plan& plan, const backend::TextTokens& text,
                                                              const backend::TrainingOptions& options) {
  DeviceRun run(plan, text, options);
  run.step(0, 0);
  return run.numbers(&backend::GpuNumbers::gradients);
}

}  // namespace pipeloom::tests
