#include "proto/gpu_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check.h"
#include "proto/embedded.h"
#include "proto/gpu_message.h"
#include "proto/job.pb.h"
#include "proto/message_text.h"
#include "proto/version.h"

namespace pipeloom {

namespace {

struct KnownGpu {
  Gpu gpu;
  std::string_view text;
};

std::vector<KnownGpu> read_known_gpus() {
  std::vector<KnownGpu> known;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with("proto/gpus/")) continue;
    auto gpu = parse_gpu(std::string(file.path), std::string(file.content));
    PIPELOOM_CHECK(gpu.has_value());  // a test reads them all
    known.push_back({*std::move(gpu), file.content});
  }
  return known;
}

// Read once: they never change while the program runs.
const std::vector<KnownGpu>& all_known_gpus() {
  static const std::vector<KnownGpu> known = read_known_gpus();
  return known;
}

Result<const KnownGpu*> find_known(const std::string& name) {
  std::vector<std::string> names;
  for (const KnownGpu& known : all_known_gpus()) {
    if (known.gpu.name == name) return &known;
    names.push_back(known.gpu.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("cluster.gpu \"{}\" is unknown; allowed are {}", name, fmt::join(names, ", ")));
}

}  // namespace

std::vector<Gpu> known_gpus() {
  std::vector<Gpu> gpus;
  for (const KnownGpu& known : all_known_gpus()) gpus.push_back(known.gpu);
  return gpus;
}

Result<Gpu> find_gpu(const std::string& name) {
  PIPELOOM_TRY(const KnownGpu* known, find_known(name));
  return known->gpu;
}

Result<std::string> gpu_file_text(const std::string& name) {
  PIPELOOM_TRY(const KnownGpu* known, find_known(name));
  return std::string(known->text);
}

Result<Gpu> parse_gpu(const std::string& path, const std::string& text) {
  proto::Gpu message;
  PIPELOOM_CHECK_OK(parse_text(path, text, &message));
  return load_gpu(message).map_error([&](Error error) { return in_file(path, std::move(error)); });
}

}  // namespace pipeloom
