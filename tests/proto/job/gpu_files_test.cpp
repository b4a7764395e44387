#include "proto/job/gpu_files.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::proto {
namespace {

TEST(GpuFiles, KnowsPublishedGpus) {
  for (const char* name : {"A100-40GB", "A100-80GB", "H100", "H800", "H200", "H20", "B200", "B300", "GB200", "GB300",
                           "MI300X", "MI325X", "MI355X"}) {
    const auto gpu = find_gpu(name);
    ASSERT_TRUE(gpu.has_value()) << name;
    EXPECT_TRUE(check_gpu(*gpu, true).has_value()) << name;
  }
  EXPECT_EQ(find_gpu("H800")->nvlink_bytes_per_s, 160e9);  // DeepEP README: 160 of 200 GB/s
  EXPECT_EQ(find_gpu("A100-80GB")->rates.all_reduce.size(), 3u);
  EXPECT_DOUBLE_EQ(find_gpu("A100-80GB")->rates.all_reduce[2].seconds.at(1 << 24), 232e-6);
}

TEST(GpuFiles, UnknownGpuListsTheKnownOnes) {
  const auto gpu = find_gpu("H801");
  ASSERT_FALSE(gpu.has_value());
  EXPECT_EQ(gpu.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(gpu.error().message,
            "cluster.gpu \"H801\" is unknown; allowed are A100-40GB, A100-80GB, B200, B300, GB200, GB300, H100-500W, "
            "H100, H20, H200, H800, MI300X, MI325X, MI355X");
}

// What a file leaves out is Hopper's: the defaults and the file of the H800 say the same.
TEST(GpuFiles, DefaultsAreTheH800s) {
  const KernelRates h800 = find_gpu("H800")->rates;
  const KernelRates defaults;
  EXPECT_NEAR(h800.core_forward_efficiency, defaults.core_forward_efficiency, 0.0005);
  EXPECT_NEAR(h800.core_backward_efficiency, defaults.core_backward_efficiency, 0.0005);
  EXPECT_EQ(h800.fp8_products, defaults.fp8_products);
  EXPECT_EQ(h800.fp8_weight_gradients, defaults.fp8_weight_gradients);
  EXPECT_EQ(h800.product_efficiency, defaults.product_efficiency);
  EXPECT_EQ(h800.memory_efficiency, defaults.memory_efficiency);
}

// The text of a known GPU is a file to start another from.
TEST(GpuFiles, TextReadsBack) {
  const std::string text = gpu_file_text("B200").value();
  EXPECT_EQ(parse_gpu("mine.txtpb", text).value(), find_gpu("B200").value());
}

TEST(GpuFiles, HandOverCurvesAreRead) {
  const Gpu gpu = parse_gpu("x.txtpb", R"(
    name: "X" sms: 10 memory_gbytes: 8 bf16_flops: 1e12 memory_bytes_per_s: 1e11
    rates { hand_over { sms: 8 of_message { message_bytes: 65536 bytes_per_s: 2e11 method: BULK piece_bytes: 16384 } } }
  )")
                      .value();
  const HandOverCurve::Point point = {65'536, 2e11, {CopyMethod::kBulk, 16'384}};
  EXPECT_EQ(gpu.rates.hand_over, (std::vector<HandOverCurve>{{8, {point}}}));
  EXPECT_TRUE(find_gpu("H100")->rates.hand_over.empty());  // nothing was measured on one
}

TEST(GpuFiles, NamesFileAndFieldOfWhatIsWrong) {
  const std::string text = R"(name: "X" sms: 10 memory_gbytes: 8 bf16_flops: 1e12 memory_bytes_per_s: 1e11 )";
  const auto message = [&](const std::string& more) { return parse_gpu("x.txtpb", text + more).error().message; };
  ASSERT_TRUE(parse_gpu("x.txtpb", text).has_value());
  EXPECT_EQ(message("rates { memory_efficiency: 1.5 }"),
            "x.txtpb: cluster.gpu.rates.memory_efficiency is 1.5; allowed are 0.001 to 1");
  EXPECT_EQ(message("rates { kernel_gap_us: -1 }"),
            "x.txtpb: cluster.gpu.rates.kernel_gap_us is -1; allowed are 0 to 1000000");
  EXPECT_EQ(message("rates { fp8_products { tile_columns: 128 start_us: 1 slowdown: 1 } }"),
            "x.txtpb: cluster.gpu.rates.fp8_products.step_us is 0; allowed are 1e-06 to 1000000");
  EXPECT_EQ(message("rates { product_curve { x: 2 y: 1 } product_curve { x: 2 y: 1 } }"),
            "x.txtpb: cluster.gpu.rates.product_curve[1].x is 2; it must be above the point before (2)");
  EXPECT_EQ(message("rates { all_reduce { members: 2 } }"),
            "x.txtpb: cluster.gpu.rates.all_reduce.seconds is empty; allowed are 1 point and more");
  EXPECT_EQ(message("rates { hand_over { sms: 8 } }"),
            "x.txtpb: cluster.gpu.rates.hand_over.of_message is empty; allowed are 1 point and more");
  EXPECT_EQ(message("rates { hand_over { sms: 8 of_message { message_bytes: 64 bytes_per_s: 1e9 method: BULK } } }"),
            "x.txtpb: cluster.gpu.rates.hand_over.of_message.piece_bytes is 0; allowed are 16 to 1099511627776");
  EXPECT_EQ(message("rates { hand_over { sms: 8 of_message { message_bytes: 64 bytes_per_s: 1e9 method: 9 "
                    "piece_bytes: 64 } } }"),
            "x.txtpb: cluster.gpu.rates.hand_over.of_message.method is 9; allowed are 0 to 3");
}

}  // namespace
}  // namespace pipeloom::proto
