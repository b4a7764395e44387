#include "backend/model/training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string_view>

#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

TextTokens text_for(const Job& job) {
  return TextTokens::create(tests::some_text(), job.batch, job.model->vocabulary, 1, 1 + job.model->mtp_depth).value();
}

TEST(TextTokens, GivesEveryTokenTheNextOne) {
  const Batch batch{.sequence_length = 3, .micro_batch_size = 2, .global_batch = 4};
  const TextTokens text = TextTokens::create("abcdefgh", batch, 128).value();
  const Tokens first = text.micro_batch(0, 0, 0, 2);
  EXPECT_EQ(first.inputs, (std::vector<int32_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
  EXPECT_EQ(first.targets.at(0), (std::vector<int32_t>{'b', 'c', 'd', 'e', 'f', 'g'}));
  EXPECT_EQ(text.micro_batch(0, 0, 1, 2).inputs[0], 'g');
  EXPECT_EQ(text.micro_batch(0, 0, 1, 2).inputs[1], 'a');  // over again: 'h' has no next token
}

TEST(TextTokens, GivesAsManyNextTokensAsAreAsked) {
  const Batch batch{.sequence_length = 3, .micro_batch_size = 1, .global_batch = 1};
  const TextTokens text = TextTokens::create("abcdef", batch, 128, 1, 3).value();
  const Tokens tokens = text.micro_batch(0, 0, 0, 1);
  EXPECT_EQ(tokens.inputs, (std::vector<int32_t>{'a', 'b', 'c'}));
  ASSERT_EQ(tokens.targets.size(), 3);
  EXPECT_EQ(tokens.targets[0], (std::vector<int32_t>{'b', 'c', 'd'}));
  EXPECT_EQ(tokens.targets[2], (std::vector<int32_t>{'d', 'e', 'f'}));
  EXPECT_EQ(TextTokens::create("abcde", batch, 128, 1, 3).error().message,
            "the text has 5 tokens; a sequence and its next 3 tokens need 6");
}

TEST(TextTokens, ReplicasAndStepsFollowEachOther) {
  const Batch batch{.sequence_length = 3, .micro_batch_size = 1, .global_batch = 4};
  const TextTokens text = TextTokens::create(tests::some_text(), batch, 128).value();
  EXPECT_EQ(text.micro_batch(0, 1, 0, 2), text.micro_batch(0, 0, 2, 2));
  EXPECT_EQ(text.micro_batch(1, 0, 0, 2), text.micro_batch(0, 0, 4, 2));
}

TEST(TextTokens, RefusesAShortTextAndATokenOutsideOfTheVocabulary) {
  const Batch batch{.sequence_length = 4, .micro_batch_size = 1, .global_batch = 1};
  EXPECT_EQ(TextTokens::create("abcd", batch, 256).error().message,
            "the text has 4 tokens; a sequence and its next token need 5");
  EXPECT_EQ(TextTokens::create("abcd\xff", batch, 128).error().message,
            "token 4 of the text is 255; model.vocabulary is 128: tokens are 0 to 127");
}

TEST(TextTokens, ReadsTokensOfSeveralBytes) {
  using std::string_view_literals::operator""sv;
  const Batch batch{.sequence_length = 1, .micro_batch_size = 1, .global_batch = 1};
  EXPECT_EQ(TextTokens::create("\x01\x02\xff\x00"sv, batch, 1000, 2)->micro_batch(0, 0, 0, 1),
            (Tokens{{0x201}, {{0xff}}}));
  EXPECT_EQ(TextTokens::create("\x01\x02\x00\x00\x04\x00\x00\x00"sv, batch, 1000, 4)->micro_batch(0, 0, 0, 1),
            (Tokens{{0x201}, {{4}}}));
  EXPECT_EQ(TextTokens::create("\x01\x02\xff"sv, batch, 1000, 2).error().message,
            "the text has 3 bytes; allowed are multiples of 2, a token's");
  EXPECT_EQ(TextTokens::create("\xff\xff\xff\xff\x00\x00\x00\x00"sv, batch, 1000, 4).error().message,
            "token 0 of the text is 2147483647; model.vocabulary is 1000: tokens are 0 to 999");
}

std::string refusal(const Job& job) {
  const Status status = check_trainable(job);
  return status ? "none" : status.error().message;
}

TEST(CheckTrainable, NamesTheFieldThatItCannotRun) {
  const Job job = tests::training_job(tests::tiny_dense(), 1, 2);
  EXPECT_EQ(refusal(job), "none");
  Job changed = job;
  changed.layout.context = 2;
  EXPECT_EQ(refusal(changed), "layout.context is 2; pipeloom-run trains with 1");
  changed = job;
  changed.zero_stage = 3;
  EXPECT_EQ(refusal(changed), "zero_stage is 3; pipeloom-run trains with 0 to 2");
  changed = job;
  changed.offload.optimizer = true;
  EXPECT_EQ(refusal(changed), "offload is 1; pipeloom-run trains with none: a CPU has nothing to offload to");
  changed = job;
  changed.model->tied_embedding = true;
  EXPECT_EQ(refusal(changed), "model.tied_embedding is 1; pipeloom-run trains with 0 (separate weights)");
  changed = job;
  changed.model->attention.window = 4;
  EXPECT_EQ(refusal(changed), "model.attention.window is 4; pipeloom-run trains with 0 (every token is seen)");
  changed = job;
  changed.model->attention.head_dim = 3;
  EXPECT_EQ(refusal(changed), "the rotary width of a head is 3; pipeloom-run trains with an even number");
  changed = tests::training_job(tests::tiny_gpt(), 1, 2);
  changed.batch.sequence_length = 9;
  EXPECT_EQ(refusal(changed), "model.learned_positions is 8; pipeloom-run trains with at least batch.sequence_length");
}

class Trains : public testing::TestWithParam<Model> {};

TEST_P(Trains, TheLossFallsInBothModes) {
  const Job job = tests::training_job(GetParam(), 1, 4);
  // Every step reads the same 24 bytes.
  const TextTokens text = TextTokens::create(tests::some_text().substr(0, 25 + job.model->mtp_depth), job.batch, 128, 1,
                                             1 + job.model->mtp_depth)
                              .value();
  for (const bool check : {true, false}) {
    TrainingOptions options;
    options.check = check;
    options.adam.learning_rate = 3e-3;
    const TrainingResult result = train_sequentially(job, text, 30, options).value();
    EXPECT_NEAR(result.losses.front(), std::log(128), 0.1);
    EXPECT_LT(result.losses.back(), result.losses.front() - 1.0);
  }
}

TEST_P(Trains, FastAndCheckModeAgreeToFloatPrecision) {
  const Job job = tests::training_job(GetParam(), 1, 4);
  TrainingOptions options;
  const TrainingResult fast = train_sequentially(job, text_for(job), 2, options).value();
  options.check = true;
  const TrainingResult check = train_sequentially(job, text_for(job), 2, options).value();
  // The second step's loss sees every weight that the first step moved. Sums of some hundred floats.
  EXPECT_NEAR(fast.losses[0], check.losses[0], 1e-5);
  EXPECT_NEAR(fast.losses[1], check.losses[1], 1e-4);
}

INSTANTIATE_TEST_SUITE_P(, Trains,
                         testing::Values(tests::tiny_dense(), tests::tiny_gpt(), tests::tiny_moe(),
                                         tests::tiny_mixtral(), tests::tiny_v3()),
                         [](const auto& tested) { return tested.param.family; });

TEST(TrainSequentially, FollowsThePrecisionOfTheJob) {
  std::map<Precision, double> losses;
  for (const Precision precision : {Precision::kFp16, Precision::kBf16, Precision::kFp8}) {
    Job job = tests::training_job(tests::tiny_moe(), 1, 4);
    job.precision = precision;
    losses[precision] = train_sequentially(job, text_for(job), 1, {}).value().losses.front();
  }
  const double exact = losses[Precision::kFp16];  // in FP32
  for (const Precision precision : {Precision::kBf16, Precision::kFp8}) {
    EXPECT_NE(losses[precision], exact);
    EXPECT_NEAR(losses[precision], exact, 2e-3 * exact);
  }
  EXPECT_NE(losses[Precision::kBf16], losses[Precision::kFp8]);
}

// Their mean over tokens and modules, which no weight multiplies.
TEST(TrainSequentially, TellsTheLossOfMtpModules) {
  Job job = tests::training_job(tests::tiny_v3(), 1, 4);
  job.model->mtp_depth = 2;
  TrainingOptions options;
  options.adam.learning_rate = 3e-3;
  const TrainingResult result = train_sequentially(job, text_for(job), 20, options).value();
  ASSERT_EQ(result.mtp_losses.size(), 20U);
  EXPECT_NEAR(result.mtp_losses.front(), std::log(128), 0.1);
  EXPECT_LT(result.mtp_losses.back(), result.mtp_losses.front() - 0.3);
  job.model->mtp_loss_weight = 0;  // nothing learns of them
  EXPECT_GT(train_sequentially(job, text_for(job), 20, options).value().mtp_losses.back(),
            result.mtp_losses.back() + 0.1);
  EXPECT_TRUE(train_sequentially(tests::training_job(tests::tiny_moe(), 1, 4), text_for(job), 1, {})
                  .value()
                  .mtp_losses.empty());
}

// 2 replicas' 4 micro-batches of 6 tokens, each with 3 of 8 experts.
TEST(LoadBalance, IsEvenWhereEachExpertGetsItsShareOfTheStepsChoices) {
  EXPECT_EQ(load_balance(tests::training_job(tests::tiny_v3(), 1, 4, 2)).even_load, 2 * 4 * 6 * 3 / 8);
  EXPECT_EQ(load_balance(tests::training_job(tests::tiny_v3(), 1, 4, 2)).step, 0.01);
  EXPECT_EQ(load_balance(tests::training_job(tests::tiny_dense(), 1, 4)).step, 0);
}

TEST(TrainSequentially, RecomputingChangesNoBit) {
  Job job = tests::training_job(tests::tiny_moe(), 1, 3);
  TrainingOptions options;
  options.check = true;
  const TrainingResult kept = train_sequentially(job, text_for(job), 2, options).value();
  for (const Recompute recompute : {Recompute::kSelective, Recompute::kFull}) {
    job.recompute = recompute;
    EXPECT_EQ(train_sequentially(job, text_for(job), 2, options).value(), kept);
  }
}

TEST(TrainSequentially, EndsWithAnErrorWhereAGradientOverflows) {
  const Job job = tests::training_job(tests::tiny_dense(), 1, 1);
  TrainingOptions options;
  options.check = true;
  options.adam.learning_rate = 1e30;
  const auto result = train_sequentially(job, text_for(job), 3, options);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("a gradient is"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace pipeloom::backend
