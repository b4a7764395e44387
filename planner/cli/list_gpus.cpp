#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/text_table.h"
#include "proto/job/gpu_files.h"

namespace pipeloom::planner {

Status run_list_gpus(const ListGpusOptions& options, const Output& output) {
  if (!options.name.empty()) {
    PIPELOOM_TRY(const std::string text, proto::gpu_file_text(options.name));
    output.out << text;
    return {};
  }
  nlohmann::json json = nlohmann::json::array();
  TextTable table({"GPU", "SMs", "memory", "BF16 TFLOPS", "FP8 TFLOPS", "HBM TB/s", "NVLink GB/s"});
  for (const Gpu& gpu : proto::known_gpus()) {
    json.push_back({{"name", gpu.name},
                    {"sms", gpu.sms},
                    {"memory_bytes", gpu.memory_bytes},
                    {"bf16_flops", gpu.bf16_flops},
                    {"fp8_flops", gpu.fp8_flops},
                    {"memory_bytes_per_s", gpu.memory_bytes_per_s},
                    {"nvlink_bytes_per_s", gpu.nvlink_bytes_per_s}});
    table.add_row({gpu.name, std::to_string(gpu.sms), format_bytes(gpu.memory_bytes),
                   fmt::format("{:.0f}", gpu.bf16_flops / 1e12),
                   gpu.fp8_flops > 0 ? fmt::format("{:.0f}", gpu.fp8_flops / 1e12) : "-",
                   fmt::format("{:.2f}", gpu.memory_bytes_per_s / 1e12),
                   fmt::format("{:.0f}", gpu.nvlink_bytes_per_s / 1e9)});
  }
  if (options.json) {
    output.out << json.dump(2) << '\n';
  } else {
    output.out << table.text()
               << "\nDense rates; NVLink per direction, as reached. `pipeloom list-gpus H800` prints one's file.\n";
  }
  return {};
}

}  // namespace pipeloom::planner
