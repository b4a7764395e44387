#include "proto/job/gpu_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/check.h"
#include "proto/base/embedded.h"
#include "proto/base/message_text.h"
#include "proto/base/renamed_fields.h"
#include "proto/base/version.h"
#include "proto/job/gpu_message.h"
#include "proto/job/job.pb.h"

namespace pipeloom::proto {

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
    PIPELOOM_THROW_UNLESS(gpu.has_value());  // a test reads them all
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
  message::Gpu message;
  PIPELOOM_RETURN_IF_ERROR(parse_text(path, with_present_names(text), &message));
  return load_gpu(message).map_error([&](Error error) { return in_file(path, std::move(error)); });
}

}  // namespace pipeloom::proto
