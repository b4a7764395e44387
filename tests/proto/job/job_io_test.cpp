#include "proto/job/job_io.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/job/cluster.h"
#include "proto/job/gpu_files.h"
#include "tests/proto/random_inputs.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

using tests::random_job;
using tests::TempFolder;

Job read_text(const std::string& text, const std::string& name = "job.txtpb") {
  const tests::TempFolder folder;
  const auto job = read_job(folder.file(name, text));
  if (!job) throw std::runtime_error(job.error().message);
  return *job;
}

// Without the folder.
std::string error_of(const std::string& text, const std::string& name = "job.txtpb") {
  const tests::TempFolder folder;
  const auto job = read_job(folder.file(name, text));
  if (job) return "no error";
  std::string message = job.error().message;
  const std::string prefix = folder.path("");
  for (size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix)) {
    message.erase(at, prefix.size());
  }
  return message;
}

constexpr const char* kCosts = "layout { pipeline: 4 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 } ";
constexpr const char* kModel = R"(
  model { family: "llama" layers: 8 hidden: 64 intermediate: 128 vocabulary: 256 attention { heads: 4 kv_heads: 4 } }
  cluster { gpu: "H800" nodes: 2 gpus_per_node: 2 nic_gbytes_per_s: 50 }
  batch { sequence_length: 128 global_batch: 8 }
  layout { pipeline: 4 }
)";

TEST(JobIo, RanksCanShareOneGpu) {
  const auto with = [](const std::string& more) {
    return std::string(R"(
  model { family: "llama" layers: 8 hidden: 64 intermediate: 128 vocabulary: 256 attention { heads: 4 kv_heads: 4 } }
  batch { sequence_length: 128 global_batch: 8 }
  layout { pipeline: 4 }
  cluster { gpu: "H100" gpus_per_node: 4 shared_gpu: true )") +
           more + "}";
  };
  const Job job = read_text(with(""));
  EXPECT_EQ(job.cluster->shared_gpu, find_gpu("H100").value());
  EXPECT_EQ(job.cluster->gpu.sms, 32);
  EXPECT_EQ(job.cluster->comm_sms, 8);
  EXPECT_EQ(job.cluster->hand_over, std::nullopt);
  const Job fixed = read_text(with("comm_sms: 4 hand_over { method: BULK }"));
  EXPECT_EQ(fixed.cluster->comm_sms, 4);
  EXPECT_EQ(fixed.cluster->hand_over, (HandOverCopy{CopyMethod::kBulk, 65'536}));
}

TEST(JobIo, ReadsDirectCosts) {
  const Job job = read_text(
      "layout { pipeline: 4 } micro_batches: 8 p2p { mode: BLOCKING latency_ms: 0.25 }\n"
      "costs { f_ms: [1, 1.234567, 3, 4] i_ms: 1 w_ms: 1 pair_ms: 3 }\n"
      "schedule { name: \"dualpipe\" } weight_share: 0.3");
  EXPECT_EQ(job.costs->f_ns, (std::vector<int64_t>{1'000'000, 1'234'567, 3'000'000, 4'000'000}));
  EXPECT_EQ(job.costs->pair_ns, 3'000'000);
  EXPECT_TRUE(job.costs->b_ns.empty());
  EXPECT_EQ(job.p2p.mode, P2pMode::kBlocking);
  EXPECT_EQ(job.p2p.latency_ns, 250'000);
  EXPECT_EQ(job.p2p.receive_depth, 2);
  EXPECT_EQ(job.schedule.name, "dualpipe");
  EXPECT_EQ(job.weight_share_millionths, 300'000);
  EXPECT_EQ(job.zero_stage, 1);
}

TEST(JobIo, ReadsAModelOnACluster) {
  const Job job = read_text(kModel);
  EXPECT_EQ(job.cluster->gpu, find_gpu("H800").value());
  EXPECT_EQ(job.cluster->nic_bytes_per_s, 50e9);
  EXPECT_EQ(job.cluster->comm_sms, 20);
  EXPECT_TRUE(job.model->gated_mlp);
  EXPECT_EQ(job.micro_batches, 8);
}

// A GPU of one's own, in a file beside the job.
TEST(JobIo, ReadsAGpuFile) {
  const tests::TempFolder folder;
  std::string gpu = gpu_file_text("H800").value();
  gpu.replace(gpu.find("memory_efficiency: 0.867"), 24, "memory_efficiency: 0.5");
  folder.file("mine.txtpb", gpu);
  std::string text = kModel;
  text.replace(text.find("gpu: \"H800\""), 11, "gpu_file: \"mine.txtpb\"");
  const Job job = read_job(folder.file("job.txtpb", text)).value();
  EXPECT_EQ(job.cluster->gpu.rates.memory_efficiency, 0.5);
  EXPECT_EQ(job.cluster->gpu.sms, 132);
  text.replace(text.find("mine.txtpb"), 10, "none.txtpb");
  const auto missing = read_job(folder.file("other.txtpb", text));
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("none.txtpb"), std::string::npos);
}

TEST(JobIo, EmbeddedSamplesAreTheFiles) {
  const Job embedded = read_embedded_job("samples/deepseek-v3.txtpb").value();
  EXPECT_EQ(embedded, read_job(std::string(PIPELOOM_SOURCE) + "/samples/deepseek-v3.txtpb").value());
  EXPECT_FALSE(read_embedded_job("samples/none.txtpb").has_value());
}

TEST(JobIo, ZeroIsNotLeftOut) {
  EXPECT_EQ(read_text(std::string(kCosts) + "zero_stage: 0 p2p { receive_depth: 0 }").zero_stage, 0);
  EXPECT_EQ(read_text(std::string(kCosts) + "p2p { receive_depth: 0 }").p2p.receive_depth, 0);
}

TEST(JobIo, ReadsJson) {
  const Job job = read_text(R"({"layout": {"pipeline": 4}, "micro_batches": 8, "precision": "FP16",
      "costs": {"f_ms": [1], "i_ms": [1], "w_ms": [0.5]}})",
                            "job.json");
  EXPECT_EQ(job.costs->w_ns, std::vector<int64_t>{500'000});
  EXPECT_EQ(job.precision, Precision::kFp16);
}

TEST(JobIo, TextRoundTripLosesNothing) {
  std::mt19937_64 random(1);
  const tests::TempFolder folder;
  for (int i = 0; i < 300; ++i) {
    const Job job = tests::random_job(random);
    const std::string text = job_to_text(job);
    const auto back = read_job(folder.file("job.txtpb", text));
    ASSERT_TRUE(back.has_value()) << back.error().message << "\n" << text;
    ASSERT_EQ(*back, job) << text;
  }
}

TEST(JobIo, TextNamesAKnownGpu) {
  const std::string text = job_to_text(read_text(kModel));
  EXPECT_TRUE(text.find("gpu: \"H800\"") != std::string::npos) << text;
  EXPECT_TRUE(text.find("nic_gbytes_per_s: 50\n") != std::string::npos) << text;
}

TEST(JobIo, ReadsTheModelBesideTheJob) {
  const tests::TempFolder folder;
  folder.file("config.json", R"({"model_type": "llama", "num_hidden_layers": 8, "hidden_size": 64,
      "intermediate_size": 128, "vocab_size": 256, "num_attention_heads": 4})");
  const auto job = read_job(folder.file("job.txtpb", R"(huggingface_config: "config.json"
      cluster { gpu: "H100" gpus_per_node: 4 } batch { sequence_length: 128 global_batch: 8 } layout { pipeline: 4 })"));
  ASSERT_TRUE(job.has_value()) << job.error().message;
  EXPECT_EQ(job->model->layers, 8);
}

TEST(JobIo, NamesAModelFileThatIsMissing) {
  EXPECT_EQ(error_of("huggingface_config: \"config.json\""), "can't read config.json: No such file or directory");
}

TEST(JobIo, ReadsMeasuredLayersBesideTheJob) {
  const tests::TempFolder folder;
  folder.file("layers.csv", "layer,f_us,i_us,w_us\r\n0,1.5,2,3\n\n2,0.0004,0.0005,10\n");
  const auto job = read_job(folder.file("job.txtpb", std::string(kModel) + "measured_layers_csv: \"layers.csv\""));
  ASSERT_TRUE(job.has_value()) << job.error().message;
  EXPECT_EQ(job->measured_layers, (std::vector<MeasuredLayer>{{0, 1500, 2000, 3000}, {2, 0, 1, 10000}}));
}

TEST(JobIo, ReadsMeasuredComponents) {
  const tests::TempFolder folder;
  folder.file("layers.csv", "layer,component,f_us,i_us,w_us\n0,attention,1.5,2,3\n");
  const auto job = read_job(folder.file("job.txtpb", std::string(kModel) + "measured_layers_csv: \"layers.csv\""));
  ASSERT_TRUE(job.has_value()) << job.error().message;
  EXPECT_EQ(job->measured_layers, (std::vector<MeasuredLayer>{{0, 1500, 2000, 3000, Component::kAttention}}));
}

std::string measured_error(const std::string& csv) {
  const tests::TempFolder folder;
  folder.file("layers.csv", csv);
  const auto job = read_job(folder.file("job.txtpb", std::string(kModel) + "measured_layers_csv: \"layers.csv\""));
  return job ? "no error" : job.error().message.substr(folder.path("").size());
}

TEST(JobIo, SaysWhereMeasuredLayersAreWrong) {
  EXPECT_EQ(measured_error(""), "layers.csv:1:1: the header is \"\"; expected \"layer,f_us,i_us,w_us\"");
  EXPECT_EQ(measured_error("layer,component,f_us,i_us,w_us\n0,brain,1,2,3\n"),
            "layers.csv:2:3: there is no component brain");
  EXPECT_EQ(measured_error("layer,f_us,i_us,w_us\n0,1,2\n"), "layers.csv:2:1: 3 cells; expected 4");
  EXPECT_EQ(measured_error("layer,f_us,i_us,w_us\n0,1,2,3\n1,1,-2,3\n"),
            "layers.csv:3:5: i_us is -2; allowed is 0 or more");
  EXPECT_EQ(measured_error("layer,f_us,i_us,w_us\n0.5,1,2,3\n"),
            "layers.csv:2:1: layer is 0.5; allowed are whole numbers from 0");
  EXPECT_EQ(measured_error("layer,f_us,i_us,w_us\n0,x,2,3\n"),
            "layers.csv:2:3: \"x\" is not a number; allowed is a decimal number such as 1, 0.25 or 12.5, with at most "
            "six decimals");
}

TEST(JobIo, RefusesMeasuredLayersTwice) {
  EXPECT_EQ(error_of(std::string(kModel) + "measured_layers { layer: 0 } measured_layers_csv: \"layers.csv\""),
            "job.txtpb: measured_layers and measured_layers_csv are both given; allowed is one");
}

TEST(JobIo, SaysWhereTextIsWrong) {
  EXPECT_EQ(error_of("micro_batches: 8\n  modle { }"), "job.txtpb:2:9: \"Job\" has no field named \"modle\".");
  EXPECT_EQ(error_of("cluster {\n  nodse: 2\n}"), "job.txtpb:2:8: \"Cluster\" has no field named \"nodse\".");
  EXPECT_EQ(error_of("micro_batches: \"eight\""), "job.txtpb:1:16: Expected integer, got: \"eight\"");
  EXPECT_EQ(error_of("precision: FP4"),
            "job.txtpb:1:15: Unknown enumeration value of \"FP4\" for field \"precision\".");
  EXPECT_EQ(error_of("layout { pipeline: 4"), "job.txtpb:1:21: Expected identifier, got: ");
}

TEST(JobIo, SaysWhereJsonIsWrong) {
  const auto json_error = [](const std::string& text) { return error_of(text, "job.json"); };
  EXPECT_EQ(json_error("{\n  \"modle\": {}\n}"), "job.json:2:3: modle: Cannot find field.");
  EXPECT_EQ(json_error("{\n  \"cluster\": {\n    \"nodes\": 1}, \"nodes\": 2\n}"),
            "job.json:3:18: nodes: Cannot find field.");
  EXPECT_EQ(json_error("{\n  \"cluster\": {\n    \"nodse\": 2}\n}"),
            "job.json:3:5: (cluster) nodse: Cannot find field.");
  EXPECT_EQ(json_error("{\n  \"micro_batches\": \"eight\"\n}"),
            "job.json:2:3: (micro_batches): invalid value \"eight\" for type TYPE_INT32");
  EXPECT_TRUE(json_error("{\n  \"micro_batches\": 8,\n}").starts_with("job.json:3:1: "))
      << json_error("{\n  \"micro_batches\": 8,\n}");
  EXPECT_TRUE(json_error("").starts_with("job.json:1:1: ")) << json_error("");
}

// software.delay_weight_gradients was read by nothing and is gone.
TEST(JobIo, ReadsTextWithAFieldThatIsGone) {
  const auto with = [](const std::string& field) { return kModel + ("software { sdpa: true " + field + " }"); };
  EXPECT_EQ(read_text(with("delay_weight_gradients: true")), read_text(with("")));
  EXPECT_EQ(error_of("{\"software\": {\n  \"delayWeightGradients\": true}}", "job.json"),
            "job.json:2:3: (software) delayWeightGradients: Cannot find field.");
}

TEST(JobIo, RefusesTextThatIsNotUtf8) {
  EXPECT_EQ(error_of("name: \"\\377\""), "job.txtpb: a text is not UTF-8");
}

TEST(JobIo, RefusesNumbersThatAreNone) {
  EXPECT_EQ(error_of("costs { f_ms: nan }"), "job.txtpb: costs.f_ms is nan; allowed are numbers from 0 to 1000000000");
  EXPECT_EQ(error_of("costs { f_ms: -1 }"), "job.txtpb: costs.f_ms is -1; allowed are numbers from 0 to 1000000000");
  EXPECT_EQ(error_of("costs { f_ms: inf }"), "job.txtpb: costs.f_ms is inf; allowed are numbers from 0 to 1000000000");
  EXPECT_EQ(error_of("memory_limit_gbytes: nan"),
            "job.txtpb: memory_limit_gbytes is nan; allowed are numbers from 0 to 1000000");
  EXPECT_EQ(error_of("precision: 7"), "job.txtpb: precision is 7; allowed are 0 to 2");
}

TEST(JobIo, ValuesAreCheckedByTheirFactories) {
  EXPECT_EQ(error_of(""), "job.txtpb: the job gives neither a model nor costs; one of them is needed");
  EXPECT_EQ(error_of(std::string(kCosts) + "zero_stage: 4"), "job.txtpb: zero_stage is 4; allowed are 0 to 3");
  EXPECT_TRUE(
      error_of("cluster { gpu: \"H900\" }").starts_with("job.txtpb: cluster.gpu \"H900\" is unknown; allowed are "))
      << error_of("cluster { gpu: \"H900\" }");
}

TEST(JobIo, RefusesANewerFormat) {
  EXPECT_EQ(error_of("format_version: 7"),
            "job.txtpb has format version 7; this pipeloom reads up to 1: update pipeloom");
}

TEST(JobIo, RefusesOtherExtensions) {
  EXPECT_EQ(error_of("", "job.yaml"), "job.yaml: the name of a job file ends in .txtpb or .json");
}

TEST(JobIo, NamesAMissingFile) {
  EXPECT_EQ(read_job("/nonexistent/job.txtpb").error().message,
            "can't read /nonexistent/job.txtpb: No such file or directory");
}

}  // namespace
}  // namespace pipeloom::proto
