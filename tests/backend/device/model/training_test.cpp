// The model on a device against the sequential run on a CPU: the loss of every step, whatever the schedule and layout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <tuple>

#include "backend/device/model/gpu_trainable.h"
#include "backend/model/chunk_state.h"
#include "backend/model/moments.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/device/model/gpu_run.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Training);

constexpr int64_t kSteps = 3;
// Both round the factors of products to BF16 and add in 32 bits, each in its own order; losses are about 5.
constexpr double kTolerance = 1e-3;
// Rows of experts and their gradients are rounded to BF16 once more on their way, and now and then a token then chooses
// another expert.
constexpr double kExpertsTolerance = 4e-3;

// Rounding activations to BF16 before E4M3 alone moves the loss of a few tokens so far; DeepSeek-V3's report (arXiv
// 2412.19437, appendix B.1) has below 0.25 % between FP8 and BF16.
constexpr double kFp8Tolerance = 0.0025 * 5;

struct Case {
  Model model;
  const char* schedule;
  int ranks = 2;
  int data = 1;
  int expert = 1;
  int micro_batches = 4;
};

Plan plan_of(const Case& tested, Precision precision) {
  Job job = training_job(tested.model, tested.ranks, tested.micro_batches, tested.data, tested.expert);
  job.precision = precision;
  return plan_with(job, tested.schedule).value();
}

backend::TextTokens tokens_for(const Job& job) {
  return backend::TextTokens::create(some_text(), job.batch, job.model->vocabulary, 1, 1 + job.model->mtp_depth)
      .value();
}

std::vector<double> losses_of(const Plan& plan, bool on_device) {
  const backend::TextTokens text = tokens_for(plan.job);
  const backend::TrainingOptions options;
  if (on_device) return train_on_device(plan, text, kSteps, options, 17).losses;
  return backend::train_sequentially(plan.job, text, kSteps, options).value().losses;
}

void expect_the_cpus_losses(const Case& tested, Precision precision = Precision::kBf16) {
  const Plan plan = plan_of(tested, precision);
  const std::vector<double> sequential = losses_of(plan, false);
  const std::vector<double> device = losses_of(plan, true);
  const double tolerance = precision == Precision::kFp8 ? kFp8Tolerance
                           : tested.model.moe           ? kExpertsTolerance
                                                        : kTolerance;
  for (int64_t step = 0; step < kSteps; ++step) {
    EXPECT_NEAR(device[step], sequential[step], tolerance) << tested.schedule << ", step " << step;
  }
}

Model with_layers(Model model, int layers) {
  model.layers = layers;
  return model;
}

// Whose every width is a multiple of 16.
Model tiny_wide() {
  Model model;
  model.family = "wide";
  model.layers = 4;
  model.hidden = 32;
  model.vocabulary = 128;
  model.intermediate = 48;
  model.attention.heads = 2;
  model.attention.kv_heads = 2;
  model.attention.head_dim = 16;
  model.attention.value_dim = 16;
  model.attention.kv_lora_rank = 16;
  model.attention.q_lora_rank = 32;
  model.attention.rope_dim = 16;
  model.moe = MoeShape{
      .routed_experts = 4, .shared_experts = 1, .experts_per_token = 2, .intermediate = 16, .first_dense_layers = 1};
  return make_model(model).value();
}

// Every component of the model, dispatch and combine apart.
StageProgram program_with_exchanges(const Model& model) {
  StageProgram program;
  for (const ComponentCost& cost : backend::whole_program(model)) {
    const bool experts = cost.component == Component::kExperts;
    if (experts) program.push_back({cost.layer, Component::kDispatch, Lane::kEp, 1, 1, 0});
    program.push_back(cost);
    if (experts) program.push_back({cost.layer, Component::kCombine, Lane::kEp, 1, 1, 0});
  }
  return program;
}

// Of one micro-batch, as the sequential run computes them.
std::map<std::string, std::vector<float>> gradients_on_cpu(const Plan& plan, const backend::TextTokens& text) {
  backend::PartShape shape = backend::part_shape(plan.job, 0);
  shape.ep_ranks = 1;
  const backend::Arithmetic<float> arithmetic = backend::arithmetic_for(shape.formats, false);
  const backend::Stage<float> stage(*plan.job.model, program_with_exchanges(*plan.job.model), shape, arithmetic);
  backend::ChunkState chunk(stage, backend::Sums::kFloat, 1, backend::TrainingOptions().seed);
  backend::Tokens tokens = text.micro_batch(0, 0, 0, 1);
  backend::Flow<float> flow;
  flow.tokens = std::move(tokens.inputs);
  flow.targets = std::move(tokens.targets);
  std::vector<std::unique_ptr<backend::PartRun<float>>> runs;
  for (size_t i = 0; i < stage.parts().size(); ++i) {
    runs.push_back(stage.parts()[i].part->start());
    if (auto* exchange = dynamic_cast<backend::ExchangeRun<float>*>(runs.back().get())) {
      exchange->unpack_forward(exchange->pack_forward(flow), flow);
    } else {
      chunk.forward(static_cast<int>(i), *runs.back(), flow);
    }
  }
  for (size_t i = stage.parts().size(); i-- > 0;) {
    if (auto* exchange = dynamic_cast<backend::ExchangeRun<float>*>(runs[i].get())) {
      exchange->unpack_backward(exchange->pack_backward(flow), flow);
    } else {
      EXPECT_TRUE(chunk.input_backward(static_cast<int>(i), *runs[i], flow));
      EXPECT_TRUE(chunk.weight_backward(static_cast<int>(i), *runs[i]));
    }
  }
  const std::vector<std::byte> sums = chunk.sums_of(0, stage.size());
  std::map<std::string, std::vector<float>> gradients;
  for (const backend::StageParameter& parameter : stage.parameters()) {
    std::vector<float>& own = gradients[parameter.name];
    own.resize(static_cast<size_t>(parameter.parameter.size()));
    std::memcpy(own.data(), sums.data() + parameter.offset * int64_t{sizeof(float)}, own.size() * sizeof(float));
  }
  return gradients;
}

// Sums in other orders, and the few factors that those let fall on the other side of a BF16 rounding.
constexpr double kGradientTolerance = 2e-3;

void expect_the_cpus_gradients(const Job& job) {
  const Plan plan = plan_with(job, "gpipe").value();
  const Model& model = *plan.job.model;
  const backend::TextTokens text = tokens_for(plan.job);
  const auto expected = gradients_on_cpu(plan, text);
  const auto actual = gradients_on_device(plan, text, {});
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, gradient] : expected) {
    EXPECT_LT(relative_difference(actual.at(name), gradient), kGradientTolerance) << model.family << ", " << name;
  }
}

const Model kAllModels[] = {with_layers(tiny_dense(), 3),
                            with_layers(tiny_gpt(), 3),
                            with_layers(tiny_moe(), 3),
                            with_layers(tiny_mixtral(), 3),
                            tiny_wide(),
                            tiny_v3(3)};

// Every parameter of every kind of component. Losses alone would not show that a part of a gradient is missing.
DEVICE_TEST(Training, GradientsOfEveryParameter) {
  for (const Model& model : kAllModels) expect_the_cpus_gradients(training_job(model, 1, 1));
}

DEVICE_TEST(Training, GradientsWithWhatIsComputedAgain) {
  for (const Model& model : kAllModels) {
    Job job = training_job(model, 1, 1);
    job.recompute = Recompute::kSelective;
    expect_the_cpus_gradients(job);
  }
}

// F runs on the same numbers once more, so no bit changes, in whatever order passes of other micro-batches come
// between.
DEVICE_TEST(Training, RunningLayersAgainChangesNoBit) {
  for (const Model& model : kAllModels) {
    Job job = training_job(model, 1, 1);
    job.recompute = Recompute::kFull;
    expect_the_cpus_gradients(job);
  }
  for (const char* schedule : {"zb-v", "dualpipe"}) {
    Job job = training_job(tiny_v3(4), 2, 4);
    const Plan kept = plan_with(job, schedule).value();
    job.recompute = Recompute::kFull;
    const Plan again = plan_with(job, schedule).value();
    const backend::TextTokens text = tokens_for(job);
    const backend::TrainingResult expected = train_on_device(kept, text, 1, {}, 17);
    const backend::TrainingResult actual = train_on_device(again, text, 1, {}, 17);
    EXPECT_EQ(actual.losses, expected.losses) << schedule;
    EXPECT_EQ(actual.parameters, expected.parameters) << schedule;
  }
}

DEVICE_TEST(Training, MemoryIsWhatTheJobSaves) {
  const auto memory_of = [](const Job& job) {
    return memory_on_device(plan_with(job, "gpipe").value(), tokens_for(job));
  };
  Job job = training_job(tiny_v3(4), 2, 8);
  const int64_t kept = memory_of(job);
  job.recompute = Recompute::kSelective;
  const int64_t selective = memory_of(job);
  job.recompute = Recompute::kFull;
  EXPECT_LT(selective, kept);
  EXPECT_LT(memory_of(job), selective);
  // Of Adam's moments two replicas hold one copy between them.
  const int64_t replicas = memory_of(training_job(tiny_v3(4), 2, 8, 2));
  int64_t moments = 0;
  const backend::TrainingResult trained = backend::train_sequentially(job, tokens_for(job), 1, {}).value();
  for (const auto& [name, numbers] : trained.parameters) {
    moments += static_cast<int64_t>(numbers.size()) * backend::moment_bytes(Format::kFp32);
  }
  EXPECT_NEAR(static_cast<double>(2 * kept - replicas), static_cast<double>(moments),
              0.1 * static_cast<double>(moments));
}

DEVICE_TEST(Training, GradientsWithActivationsInFewBits) {
  for (const Model& model : kAllModels) {
    for (const Recompute recompute : {Recompute::kNone, Recompute::kSelective}) {
      Job job = training_job(model, 1, 1);
      job.recompute = recompute;
      job.formats.cached = job.formats.dispatch = Format::kFp8;
      job.formats.cached_core = Format::kE5m6;
      expect_the_cpus_gradients(job);
    }
  }
}

DEVICE_TEST(Training, GroupedQueriesAndSwiglu) {
  expect_the_cpus_losses({tiny_dense(), "1f1b"});
}

DEVICE_TEST(Training, LearnedPositionsAndGelu) {
  expect_the_cpus_losses({tiny_gpt(), "1f1b"});
}

DEVICE_TEST(Training, LatentAttentionAndExpertsInGroups) {
  expect_the_cpus_losses({with_layers(tiny_moe(), 3), "1f1b"});
}

DEVICE_TEST(Training, ExpertsWithoutSharedOnes) {
  expect_the_cpus_losses({with_layers(tiny_mixtral(), 3), "1f1b"});
}

// Backward passes in two, both directions at once, chunks that meet on a rank.
DEVICE_TEST(Training, EverySchedule) {
  for (const char* schedule : {"gpipe", "zb-h1", "zb-v", "interleaved-1f1b", "dualpipe", "chimera"}) {
    expect_the_cpus_losses({tiny_dense(), schedule, 4, 1, 1, 8});
  }
}

DEVICE_TEST(Training, ExpertsSpreadOverReplicas) {
  expect_the_cpus_losses({with_layers(tiny_moe(), 3), "1f1b", 2, 2, 2});
  expect_the_cpus_losses({with_layers(tiny_moe(), 3), "dualpipe", 2, 4, 2});
}

DEVICE_TEST(Training, Fp8AsOnTheCpuAndCloseToBf16) {
  const Case tested = {tiny_wide(), "1f1b"};
  expect_the_cpus_losses(tested, Precision::kFp8);
  const std::vector<double> fp8 = losses_of(plan_of(tested, Precision::kFp8), true);
  const std::vector<double> bf16 = losses_of(plan_of(tested, Precision::kBf16), true);
  for (int64_t step = 0; step < kSteps; ++step) EXPECT_NEAR(fp8[step], bf16[step], kFp8Tolerance) << step;
  EXPECT_NE(fp8, bf16);
}

// DeepSeek-V3's recipe: with what every option does, in every placement of the token table that MTP modules share.
DEVICE_TEST(Training, TheWholeRecipe) {
  int biases = 0;
  int within = 0;  // of them the CPU's
  for (const char* schedule : {"1f1b", "zb-v", "interleaved-1f1b", "dualpipe"}) {
    for (const bool few_bits : {false, true}) {
      Job job = training_job(tiny_v3(4), 2, 4);
      job.ema_decay = 0.9;
      if (few_bits) {
        job.recompute = Recompute::kSelective;
        job.formats = {
            .cached = Format::kFp8, .cached_core = Format::kE5m6, .dispatch = Format::kFp8, .moments = Format::kBf16};
      }
      const Plan plan = plan_with(job, schedule).value();
      const backend::TextTokens text = tokens_for(plan.job);
      const backend::TrainingResult device = train_on_device(plan, text, kSteps, {}, 17);
      const backend::TrainingResult sequential = backend::train_sequentially(plan.job, text, kSteps, {}).value();
      for (int64_t step = 0; step < kSteps; ++step) {
        EXPECT_NEAR(device.losses[step], sequential.losses[step], kExpertsTolerance) << schedule << ", step " << step;
        EXPECT_NEAR(device.mtp_losses.at(step), sequential.mtp_losses.at(step), kExpertsTolerance) << schedule;
      }
      for (const auto& [name, numbers] : sequential.parameters) {
        if (!name.ends_with(".bias")) continue;
        // A device whose sums have another order may send a token elsewhere now and then.
        EXPECT_LT(relative_difference(device.parameters.at(name), numbers), 0.7) << name;
        within += device.parameters.at(name) == numbers ? 1 : 0;
        ++biases;
      }
    }
  }
  EXPECT_GT(biases, 0);
  EXPECT_GT(2 * within, biases);
}

// All tokens count once, whoever sent them and however often F ran.
DEVICE_TEST(Training, LoadsOfExperts) {
  for (const auto& [schedule, data, expert, recompute] : {std::tuple("1f1b", 2, 2, Recompute::kNone),
                                                          {"dualpipe", 2, 1, Recompute::kFull},
                                                          {"zb-v", 1, 1, Recompute::kSelective}}) {
    Job job = training_job(tiny_v3(4), 2, 4, data, expert);
    job.recompute = recompute;
    const Plan plan = plan_with(job, schedule).value();
    const backend::TextTokens text = tokens_for(plan.job);
    constexpr int64_t kTwice = 2;
    const auto device = train_on_device(plan, text, kTwice, {}, 17).expert_loads;
    const auto sequential = backend::train_sequentially(plan.job, text, kTwice, {}).value().expert_loads;
    ASSERT_EQ(device.size(), sequential.size());
    int64_t elsewhere = 0;
    int64_t all = 0;
    for (size_t layer = 0; layer < device.size(); ++layer) {
      EXPECT_EQ(device[layer].layer, sequential[layer].layer);
      for (size_t i = 0; i < device[layer].tokens.size(); ++i) {
        elsewhere += std::abs(device[layer].tokens[i] - sequential[layer].tokens.at(i));
        all += device[layer].tokens[i];
      }
    }
    EXPECT_EQ(all, static_cast<int64_t>(device.size()) * kTwice * backend::micro_batches_per_step(job) *
                       job.batch.tokens() * job.model->moe->experts_per_token);
    EXPECT_LE(100 * elsewhere, all) << schedule;
  }
}

// Every weight once, whoever holds copies of it, and never those of an optimizer that is under way.
DEVICE_TEST(Training, MovingAverages) {
  for (const auto& [schedule, data, expert] : {std::tuple("1f1b", 1, 1), {"zb-v", 1, 1}, {"dualpipe", 2, 2}}) {
    Job job = training_job(tiny_v3(4), 2, 4, data, expert);
    job.ema_decay = 0.75;
    const Plan plan = plan_with(job, schedule).value();
    const AveragesDigests digests = averages_on_device(plan, tokens_for(plan.job), kSteps, {});
    EXPECT_EQ(digests.actual, digests.expected) << schedule;
  }
}

// Weights after some steps: Adam hides the scale of gradients from losses, but not how it changes from step to step.
void expect_the_cpus_clipping(Clipping clipping) {
  for (const auto& [model, schedule, data, expert] :
       {std::tuple(tiny_dense(), "1f1b", 1, 1), {tiny_v3(4), "1f1b", 2, 2}, {tiny_v3(4), "dualpipe", 1, 1}}) {
    Job job = training_job(model, 2, 4, data, expert);
    job.clipping = clipping;
    job.clip_norm = 0.5;
    const Plan plan = plan_with(job, schedule).value();
    const backend::TextTokens text = tokens_for(plan.job);
    backend::TrainingOptions options;
    options.adam.epsilon = 1;  // so that weights follow the gradients' size
    options.adam.learning_rate = 0.1;
    const backend::TrainingResult device = train_on_device(plan, text, kSteps, options, 17);
    const backend::TrainingResult sequential = backend::train_sequentially(plan.job, text, kSteps, options).value();
    job.clipping = Clipping::kNone;
    const backend::TrainingResult unclipped = backend::train_sequentially(job, text, kSteps, options).value();
    double effect = 0;
    double difference = 0;
    for (const auto& [name, numbers] : sequential.parameters) {
      if (name.ends_with(".bias")) continue;
      difference = std::max(difference, relative_difference(device.parameters.at(name), numbers));
      effect = std::max(effect, relative_difference(unclipped.parameters.at(name), numbers));
    }
    EXPECT_LT(difference, effect / 20) << schedule;
  }
}

DEVICE_TEST(Training, ClippedGradients) {
  expect_the_cpus_clipping(Clipping::kGlobal);
}

DEVICE_TEST(Training, GradientsClippedAfterTheOptimizer) {
  expect_the_cpus_clipping(Clipping::kValidated);
}

TEST(TrainableOnGpus, RefusesByName) {
  const auto error_of = [](const Model& model, const auto& change) {
    Job job = training_job(model, 2, 4);
    change(job);
    const Status status = backend::check_gpu_trainable(job);
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(error_of(tiny_moe(), [](Job&) {}), "");
  EXPECT_EQ(error_of(tiny_wide(), [](Job& job) { job.precision = Precision::kFp8; }), "");
  EXPECT_EQ(error_of(tiny_dense(), [](Job& job) { job.precision = Precision::kFp8; }),
            "model.hidden is 12; on GPUs FP8 needs a multiple of 16");
  EXPECT_EQ(error_of(tiny_dense(), [](Job& job) { job.precision = Precision::kFp16; }),
            "precision is FP16; on GPUs pipeloom-run trains with BF16 or FP8");
  EXPECT_EQ(error_of(tiny_dense(), [](Job& job) { job.recompute = Recompute::kSelective; }), "");
  EXPECT_EQ(error_of(tiny_moe(), [](Job& job) { job.recompute = Recompute::kFull; }), "");
  Job spread = training_job(tiny_moe(), 2, 4, 2, 2);
  spread.recompute = Recompute::kFull;
  EXPECT_EQ(backend::check_gpu_trainable(spread).error().message,
            "recompute is FULL; on GPUs pipeloom-run trains with NONE or SELECTIVE where experts are spread "
            "(layout.expert > 1)");
}

}  // namespace
}  // namespace pipeloom::tests
