#include "proto/job/job_io.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <filesystem>

#include "proto/base/embedded.h"
#include "proto/base/files.h"
#include "proto/base/message_text.h"
#include "proto/base/renamed_fields.h"
#include "proto/base/version.h"
#include "proto/huggingface/huggingface.h"
#include "proto/job/cluster_message.h"
#include "proto/job/gpu_files.h"
#include "proto/job/gpu_message.h"
#include "proto/job/job.pb.h"
#include "proto/job/job_message.h"
#include "proto/job/measured_layers.h"
#include "proto/job/model_message.h"
#include "proto/job/software_message.h"

namespace pipeloom::proto {

namespace {

Result<message::Job> parse_job(const std::string& path, const std::string& content) {
  message::Job message;
  const std::filesystem::path extension = std::filesystem::path(path).extension();
  if (extension == ".txtpb") {
    PIPELOOM_RETURN_IF_ERROR(parse_text(path, with_present_names(content), &message));
  } else if (extension == ".json") {
    PIPELOOM_RETURN_IF_ERROR(parse_json(path, with_present_names(content), &message));
  } else {
    return unsupported(fmt::format("{}: the name of a job file ends in .txtpb or .json", path));
  }
  return message;
}

std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).lexically_normal().string();
}

// Where the job and what it names come from: the disk, or the files inside the program.
using ReadFile = Result<std::string> (*)(const std::string& path);

// Replaces the path of a config.json by the model in it.
Status inline_model(const std::string& path, ReadFile read, message::Job* message) {
  if (!message->has_huggingface_config()) return {};
  const std::string config = beside(path, message->huggingface_config());
  PIPELOOM_TRY(const std::string json, read(config));
  PIPELOOM_TRY(const Model model, model_from_huggingface(json, config));
  store_model(model, message->mutable_model());
  return {};
}

// Replaces the path of a GPU's file by what is in it.
Status inline_gpu(const std::string& path, ReadFile read, message::Job* message) {
  if (!message->cluster().has_gpu_file()) return {};
  const std::string file = beside(path, message->cluster().gpu_file());
  PIPELOOM_TRY(const std::string text, read(file));
  PIPELOOM_TRY(const Gpu gpu, parse_gpu(file, text));
  store_gpu(gpu, message->mutable_cluster()->mutable_custom_gpu());
  return {};
}

Result<std::vector<MeasuredLayer>> read_measured_layers(const std::string& path, ReadFile read,
                                                        const message::Job& message) {
  if (message.measured_layers_csv().empty()) return std::vector<MeasuredLayer>();
  if (message.measured_layers_size() > 0) {
    return invalid(fmt::format("{}: measured_layers and measured_layers_csv are both given; allowed is one", path));
  }
  const std::string csv = beside(path, message.measured_layers_csv());
  PIPELOOM_TRY(const std::string content, read(csv));
  return parse_measured_layers(csv, content);
}

Result<Job> read_job_with(const std::string& path, ReadFile read) {
  PIPELOOM_TRY(const std::string content, read(path));
  PIPELOOM_TRY(message::Job message, parse_job(path, content));
  PIPELOOM_RETURN_IF_ERROR(check_version(path, message.format_version()));
  PIPELOOM_RETURN_IF_ERROR(inline_model(path, read, &message));
  PIPELOOM_RETURN_IF_ERROR(inline_gpu(path, read, &message));
  PIPELOOM_TRY(const std::vector<MeasuredLayer> measured, read_measured_layers(path, read, message));
  for (const MeasuredLayer& layer : measured) store_measured_layer(layer, message.add_measured_layers());
  return load_job(message).map_error([&](Error error) { return in_file(path, std::move(error)); });
}

}  // namespace

Result<Job> read_job(const std::string& path) {
  return read_job_with(path, read_file);
}

Result<Job> read_embedded_job(const std::string& path) {
  return read_job_with(path, read_embedded_file);
}

std::string job_to_text(const Job& job) {
  message::Job message;
  store_job(job, &message);
  if (job.cluster) shorten_cluster(*job.cluster, message.mutable_cluster());
  if (job.software && job.cluster) {
    shorten_software(*job.software, job.cluster->gpu.name, message.mutable_software());
  }
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

}  // namespace pipeloom::proto
