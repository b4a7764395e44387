#include "planner/app/published_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "proto/job/gpu_files.h"
#include "proto/megatron/layout_string.h"

namespace pipeloom::planner {

namespace {

constexpr double kGbytes = 1e9;

// Of one GPU, in bytes/s: one NIC of 400 Gb/s for each (the makers' boards), but for what differs.
double nic_bytes_per_s(const PublishedSettings& settings, const Gpu& gpu) {
  if (settings.remarks("Omni-Path, 4 links per node")) return 6.25 * kGbytes;  // 4 x 100 Gb/s for 8 GPUs
  if (gpu.name.starts_with("B300") || gpu.name.starts_with("GB300")) return 100 * kGbytes;
  if (gpu.name.starts_with("A100")) return 25 * kGbytes;
  return 50 * kGbytes;
}

struct ScheduleWord {
  std::string_view published;
  const char* name;
};
constexpr ScheduleWord kSchedules[] = {
    {"no-pipeline", "1f1b"},
    {"1f1b", "1f1b"},
    {"interleaved-1f1b", "interleaved-1f1b"},
    {"no-pipeline-moe-overlap", "interleaved-1f1b-moe-overlap"},
    {"interleaved-1f1b-moe-overlap", "interleaved-1f1b-moe-overlap"},
    {"zbv", "zb-v"},
    {"zb-v", "zb-v"},
    {"v-half", "v-half"},
    {"v-min", "v-min"},
};

void add_schedule(PublishedSettings& settings, Job& job) {
  const std::string_view published = settings.text("schedule");
  const int chunks = settings.count_or("vpp", 1);
  if (chunks > 1) job.schedule.chunks = chunks;
  const auto word = std::ranges::find(kSchedules, published, &ScheduleWord::published);
  if (word == std::end(kSchedules)) {
    settings.fail("schedule",
                  published.empty() ? "was not published" : fmt::format("is {}, which is unknown", published));
    return;
  }
  job.schedule.name = word->name;
  if (job.schedule.name == "1f1b" && chunks > 1) job.schedule.name = "interleaved-1f1b";
}

// Megatron-LM divides the layers equally; where they don't divide, the job's own balance stands in.
Status add_stages(PublishedSettings& settings, Job& job) {
  const std::string_view text = settings.text("layout_string");
  const int stages = job.layout.pipeline * std::max(1, job.schedule.chunks);
  if (!text.empty()) {
    const auto read = proto::parse_megatron_layout(text);
    if (!read) return unsupported(fmt::format("layout_string is {}: {}", text, read.error().message));
    if (static_cast<int>(read->layers_per_stage.size()) != stages) {
      return unsupported(fmt::format("layout_string is {}, of {} stages; pp * vpp is {}", text,
                                     read->layers_per_stage.size(), stages));
    }
    job.layout.layers_per_stage = read->layers_per_stage;
    return {};
  }
  if (stages > 1 && job.model->layers % stages == 0) {
    job.layout.layers_per_stage.assign(stages, job.model->layers / stages);
  }
  return {};
}

}  // namespace

Result<Cluster> published_cluster(PublishedSettings& settings) {
  std::string name(settings.text("gpu"));
  if (const std::string_view variant = settings.text("gpu_variant"); variant == "96 GB HBM2e, 2.4 TB/s, 500 W") {
    name += "-500W";
  } else if (!variant.empty()) {
    return unsupported(fmt::format("gpu_variant is {}; no file of it is known", variant));
  }
  Cluster cluster;
  const auto gpu = proto::find_gpu(name);
  if (!gpu) return unsupported(fmt::format("gpu is {}; no file of it is known", name));
  cluster.gpu = *gpu;
  const int gpus = settings.count("num_gpus");
  cluster.gpus_per_node = std::min(gpus, settings.count("gpus_per_node"));
  PIPELOOM_RETURN_IF_ERROR(settings.status());
  if (cluster.gpus_per_node == 0 || gpus % cluster.gpus_per_node != 0) {
    return unsupported(fmt::format("num_gpus is {}, which fills no nodes of {}", gpus, cluster.gpus_per_node));
  }
  const int domain = settings.count_or("nvlink_domain", 0);
  if (domain > settings.count("gpus_per_node")) cluster.nvlink_domain = domain;
  cluster.nodes = gpus / cluster.gpus_per_node;
  cluster.nic_bytes_per_s = nic_bytes_per_s(settings, cluster.gpu);
  return cluster;
}

Status add_published_layout(PublishedSettings& settings, Job& job) {
  Layout& layout = job.layout;
  layout.tensor = settings.count("tp");
  layout.pipeline = settings.count("pp");
  layout.context = settings.count_or("cp", 1);
  const int expert = job.model->moe ? settings.count("ep") : settings.count_or("ep", 1);
  layout.expert = job.model->moe ? expert : 1;
  if (settings.count_or("etp", 1) > 1) settings.fail("etp", fmt::format("is {}; allowed is 1", settings.text("etp")));
  layout.sequence_parallel = settings.flag_or("sequence_parallel", true);
  const int share = layout.tensor * layout.pipeline * layout.context;
  layout.data = share == 0 ? 0 : job.cluster->gpus() / share;
  if (const int data = settings.count_or("dp", layout.data); data != layout.data) {
    settings.fail("dp", fmt::format("is {}; the GPUs leave {}", data, layout.data));
  }
  add_schedule(settings, job);
  PIPELOOM_RETURN_IF_ERROR(settings.status());
  return add_stages(settings, job);
}

}  // namespace pipeloom::planner
