// What is made of measurements, with made-up ones: no GPU.
#include "backend/device/tuning/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backend/device/tuning/tuned_file.h"
#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "planner/overlap/split.h"
#include "proto/job/gpu_files.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;

// A kernel that copies `per_sm` on each of up to `most` SMs, and 1 - exp(-tokens / constant) of that in pieces.
std::vector<MeasuredForward> forwards(double per_sm, int most, double constant) {
  std::vector<MeasuredForward> measured;
  for (const int sms : {2, 4, 8, 16, 24}) {
    for (const int tokens : {1, 4, 16, 64}) {
      measured.push_back({sms, tokens, per_sm * std::min(sms, most) * (1 - std::exp(-tokens / constant))});
    }
  }
  return measured;
}

TuneMeasurements some_measurements() {
  TuneMeasurements measured;
  measured.dispatches = forwards(30e9, 8, 3);
  measured.combines = forwards(25e9, 16, 5);
  measured.product = {1e-3, 1.2e-3, 1.1e-3};
  measured.memory_bound = {2e-3, 3e-3, 1.9e-3};
  measured.memory_bytes_per_s = 2.5e12;
  measured.copies = {{CopyMethod::kStreaming, 4, 16'384, 65'536, 20e9},
                     {CopyMethod::kBulk, 4, 65'536, 65'536, 10e9},
                     {CopyMethod::kStreaming, 4, 16'384, 1 << 20, 80e9},
                     {CopyMethod::kBulk, 4, 65'536, 1 << 20, 90e9},
                     {CopyMethod::kStreaming, 8, 16'384, 1 << 20, 150e9}};
  return measured;
}

TEST(Tuning, TheFewestSmsThatReachTheRateAreChosen) {
  const std::vector<MeasuredCopy> copies = {
      {CopyMethod::kStreaming, 1, 65'536, 1 << 20, 50e9},   {CopyMethod::kStreaming, 8, 65'536, 1 << 20, 291e9},
      {CopyMethod::kBulk, 8, 65'536, 1 << 20, 295e9},       {CopyMethod::kBulk, 8, 16'384, 1 << 20, 250e9},
      {CopyMethod::kStreaming, 32, 16'384, 1 << 20, 300e9}, {CopyMethod::kStreaming, 1, 16'384, 4096, 5e9}};
  EXPECT_EQ(best_copy(copies, 1 << 20).method, CopyMethod::kBulk);
  EXPECT_EQ(best_copy(copies, 1 << 20).sms, 8);
  EXPECT_EQ(best_copy(copies, 1 << 20, 0.99).sms, 32);
  EXPECT_EQ(best_copy(copies, 4096).sms, 1);
}

TEST(Tuning, RatesAreThoseOfTheModelThatMadeTheMeasurements) {
  EXPECT_NEAR(sm_bytes_per_s(forwards(30e9, 100, 3)), 30e9, 0.001e9);
  // Beyond 8 SMs nothing more is copied: those don't count.
  EXPECT_NEAR(sm_bytes_per_s(forwards(30e9, 8, 3)), 30e9, 0.001e9);
  EXPECT_NEAR(piece_tokens_constant(forwards(30e9, 8, 3)), 3, 0.03);
  EXPECT_NEAR(piece_tokens_constant(forwards(30e9, 8, 6)), 6, 0.06);
}

TEST(Tuning, AGpuGetsWhatWasMeasured) {
  const Gpu gpu = tuned_gpu(proto::find_gpu("H800").value(), some_measurements()).value();
  EXPECT_NEAR(gpu.rates.all_to_all_sm_bytes_per_s, 25e9, 0.01e9);  // the slower
  EXPECT_NEAR(gpu.rates.all_to_all_piece_tokens, 5, 0.05);
  EXPECT_DOUBLE_EQ(gpu.rates.contention.products_beside_dispatch, 1.2);
  EXPECT_DOUBLE_EQ(gpu.rates.contention.products_beside_combine, 1.1);
  EXPECT_DOUBLE_EQ(gpu.rates.contention.memory_beside_dispatch, 1.5);
  EXPECT_DOUBLE_EQ(gpu.rates.contention.memory_beside_combine, 1);  // noise is no speed-up
  EXPECT_DOUBLE_EQ(gpu.rates.memory_efficiency, 2.5 / 3.35);
}

TEST(Tuning, CurvesHaveTheSlowerOfDispatchAndCombine) {
  const std::vector<MeasuredForward> dispatches = {{4, 8, 50e9}, {4, 16, 90e9}, {8, 8, 70e9}, {16, 8, 1e9}};
  const std::vector<MeasuredForward> combines = {{4, 8, 60e9}, {4, 16, 80e9}, {8, 8, 75e9}};
  const auto curves = all_to_all_curves(dispatches, combines);
  ASSERT_EQ(curves.size(), 2u);
  EXPECT_EQ(curves[0].sms, 4);
  EXPECT_EQ(curves[0].bytes_per_s.points(), (std::vector<Curve::Point>{{8, 50e9}, {16, 80e9}}));
  EXPECT_EQ(curves[1].sms, 8);
  EXPECT_EQ(curves[1].bytes_per_s.points(), (std::vector<Curve::Point>{{8, 70e9}}));
}

// Each message by what was fastest for it.
TEST(Tuning, HandOversKeepTheFastestCopyOfEachMessage) {
  const std::vector<HandOverCurve> curves = hand_over_curves(some_measurements().copies);
  ASSERT_EQ(curves.size(), 2u);
  EXPECT_EQ(curves[0].sms, 4);
  EXPECT_EQ(curves[0].points, (std::vector<HandOverCurve::Point>{{65'536, 20e9, {CopyMethod::kStreaming, 16'384}},
                                                                 {1 << 20, 90e9, {CopyMethod::kBulk, 65'536}}}));
  EXPECT_EQ(curves[1].sms, 8);
  EXPECT_EQ(curves[1].points, (std::vector<HandOverCurve::Point>{{1 << 20, 150e9, {CopyMethod::kStreaming, 16'384}}}));
}

TEST(Tuning, WhatCannotBeIsRefusedByName) {
  const auto error_of = [](const auto& change) {
    TuneMeasurements measured = some_measurements();
    change(measured);
    const auto gpu = tuned_gpu(proto::find_gpu("H800").value(), measured);
    return gpu ? std::string() : gpu.error().message;
  };
  EXPECT_EQ(error_of([](TuneMeasurements&) {}), "");
  EXPECT_THAT(error_of([](TuneMeasurements& m) { m.combines[1].bytes_per_s = 0; }),
              HasSubstr("a combine on 2 SMs with pieces of 4 tokens was measured at 0 bytes/s"));
  EXPECT_THAT(error_of([](TuneMeasurements& m) { m.dispatches.resize(4); }),
              HasSubstr("a dispatch was measured on 1 numbers of SMs; at least 2 are needed"));
  EXPECT_THAT(error_of([](TuneMeasurements& m) { m.product.alone_s = 0; }), HasSubstr("a product took 0 s alone"));
  EXPECT_THAT(error_of([](TuneMeasurements& m) { m.memory_bytes_per_s = 0; }), HasSubstr("memory_efficiency is 0"));
  EXPECT_THAT(error_of([](TuneMeasurements& m) { m.copies[1].bytes_per_s = 0; }),
              HasSubstr("a bulk copy of 65536 bytes on 4 SMs was measured at 0 bytes/s; allowed is a rate above 0"));
  EXPECT_THAT(error_of([](TuneMeasurements& m) {
                m.variants.push_back({"copy bulk", 20, 1e11, 0, 1e-3, {}, {}, {}});
              }),
              HasSubstr("copy bulk was measured at 100000000000 bytes/s, a product beside it at 0 s"));
}

TEST(Tuning, AGpuFileKeepsItsCommentsAndReadsBack) {
  for (const Gpu& known : proto::known_gpus()) {
    const std::string text = proto::gpu_file_text(known.name).value();
    const Gpu tuned = tuned_gpu(known, some_measurements()).value();
    const std::string written = with_tuned_rates(text, tuned, "measured");
    const Gpu read = proto::parse_gpu("tuned.txtpb", written).value();
    EXPECT_NEAR(read.rates.all_to_all_sm_bytes_per_s, tuned.rates.all_to_all_sm_bytes_per_s, 1e6);
    EXPECT_NEAR(read.rates.contention.memory_beside_dispatch, 1.5, 1e-3);
    EXPECT_NEAR(read.rates.memory_efficiency, tuned.rates.memory_efficiency, 1e-5);
    EXPECT_EQ(read.rates.nic_efficiency, known.rates.nic_efficiency);
    ASSERT_EQ(read.rates.all_to_all.size(), tuned.rates.all_to_all.size());
    EXPECT_EQ(read.rates.all_to_all[1].sms, tuned.rates.all_to_all[1].sms);
    const double expected = tuned.rates.all_to_all[1].bytes_per_s.at(3);
    EXPECT_NEAR(read.rates.all_to_all[1].bytes_per_s.at(3), expected, 1e-5 * expected);
    EXPECT_EQ(read.rates.product_curve, known.rates.product_curve);
    EXPECT_EQ(read.rates.hand_over, tuned.rates.hand_over);
    EXPECT_THAT(written, HasSubstr(text.substr(0, text.find('\n'))));
    EXPECT_THAT(written, HasSubstr("  # measured\n"));
    EXPECT_EQ(with_tuned_rates(written, tuned, "measured"), written);
  }
}

// Experts on two nodes whose all-to-all is worth hiding.
Job job_on(const Gpu& gpu) {
  Model model = tests::tiny_mixtral();
  model.hidden = 4096;
  model.attention.heads = 32;
  model.attention.kv_heads = 8;
  model.attention.head_dim = model.attention.value_dim = 128;
  model.moe->routed_experts = 64;
  model.moe->experts_per_token = 8;
  model.moe->intermediate = 1536;
  Job job = tests::training_job(model, 2, 8, 8, 8);
  job.batch = {.sequence_length = 4096, .micro_batch_size = 1, .global_batch = 64};
  job.cluster->gpu = gpu;
  job.cluster->nodes = 4;
  job.cluster->gpus_per_node = 4;
  job.cluster->nic_bytes_per_s = 50e9;
  return make_job(job).value();
}

// What the planner makes of the file: slower SMs, so more of them; a larger constant, so larger pieces.
TEST(Tuning, ThePlannerChoosesByWhatWasMeasured) {
  const auto choice = [](double per_sm, double piece_constant) {
    TuneMeasurements measured = some_measurements();
    measured.dispatches = measured.combines = forwards(per_sm, 100, piece_constant);
    const Gpu gpu = tuned_gpu(proto::find_gpu("H800").value(), measured).value();
    const Gpu read =
        proto::parse_gpu("t", with_tuned_rates(proto::gpu_file_text("H800").value(), gpu, "measured")).value();
    const planner::NamedSchedule& named = *planner::find_schedule("dualpipe").value();
    const Job job = planner::job_for(job_on(read), named).value();
    const Job best = planner::with_best_split(job, planner::split_curve(job, named, {4, 8, 16, 24, 32}));
    const planner::Evaluation evaluation = planner::evaluate(best, named).value();
    const Plan plan = make_plan(best, "dualpipe", evaluation.schedule, evaluation.costs, best.cluster->comm_sms, {});
    return std::pair(plan.comm_sms, plan.job.cluster->comm_piece_tokens);
  };
  const auto [fast_sms, fast_piece] = choice(60e9, 1);
  const auto [slow_sms, slow_piece] = choice(10e9, 8);
  EXPECT_LT(fast_sms, slow_sms);
  EXPECT_LT(fast_piece, slow_piece);
}

// SMs beyond 8 and pieces beyond 8 tokens bring nothing: constants would say otherwise.
TEST(Tuning, ThePlannerTakesNoMoreThanTheCurvesReward) {
  std::vector<AllToAllCurve> curves;
  for (const int sms : {4, 8, 16, 32}) {
    std::vector<Curve::Point> points;
    for (const double piece : {4.0, 8.0, 16.0, 64.0}) {
      points.push_back({piece, 25e9 * std::min(sms, 8) * std::min(piece, 8.0) / 8});
    }
    curves.push_back({sms, Curve::create("test", std::move(points)).value()});
  }
  Gpu gpu = proto::find_gpu("H800").value();
  gpu.rates.all_to_all_sm_bytes_per_s = 25e9;
  gpu.rates.all_to_all_piece_tokens = 0.1;  // of a NIC, which then asks for no large pieces
  const auto choice = [&] {
    const planner::NamedSchedule& named = *planner::find_schedule("dualpipe").value();
    const Job job = planner::job_for(job_on(gpu), named).value();
    const Job best = planner::with_best_split(job, planner::split_curve(job, named, {4, 8, 16, 24, 32}));
    return std::pair(best.cluster->comm_sms, best.cluster->comm_piece_tokens);
  };
  const auto constant = choice();
  gpu.rates.all_to_all = curves;
  const auto measured = choice();
  EXPECT_GT(constant.first, 8);
  EXPECT_LE(measured.first, 8);
  EXPECT_EQ(constant.second, 4);
  EXPECT_EQ(measured.second, 8);
}

}  // namespace
}  // namespace pipeloom::backend
