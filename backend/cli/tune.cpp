#include "backend/cli/tune.h"

#include <fmt/format.h>

#include <ostream>

#include "backend/device/tuning/tuned_file.h"
#include "backend/device/tuning/tuning.h"
#include "backend/device/tuning/tuning_tables.h"
#include "proto/base/files.h"
#include "proto/job/gpu_files.h"

namespace pipeloom::backend {

namespace {

void print_rates(const KernelRates& rates, std::ostream& out) {
  out << fmt::format("an SM copies {:.2f} GB/s in an all-to-all; chunks of c tokens reach 1 - exp(-c / {:.2f})\n",
                     rates.all_to_all_sm_bytes_per_s / 1e9, rates.all_to_all_piece_tokens);
  const Contention& beside = rates.contention;
  out << fmt::format("products take {:.3f} times as long beside a dispatch, {:.3f} beside a combine\n",
                     beside.products_beside_dispatch, beside.products_beside_combine);
  out << fmt::format("memory-bound kernels {:.3f} and {:.3f}; copies reach {:.1f} % of the memory's rate\n",
                     beside.memory_beside_dispatch, beside.memory_beside_combine, 100 * rates.memory_efficiency);
}

Result<TuneMeasurements> measure(const TuneCommand& command, const RunOutput& output, const DeviceTable& devices) {
  const DeviceKind* device = devices.first_that_can(Ability::kTuning);
  if (device == nullptr) return unsupported("tune measures a GPU, and this pipeloom-run knows no device to tune");
  if (!device->missing.empty()) {
    return unsupported(fmt::format("tune measures a GPU, and this pipeloom-run was {}", device->missing));
  }
  if (const std::string reason = device->why_not_here(); !reason.empty()) {
    return unsupported(fmt::format("tune measures a GPU, and this process has none: {}", reason));
  }
  return device->tune(command.device, [&](const std::string& what) { output.err << "measuring " << what << "\n"; });
}

}  // namespace

Status run_tune(const TuneCommand& command, const RunOutput& output, const DeviceTable& devices) {
  PIPELOOM_TRY(const std::string base, proto::gpu_file_text(command.gpu));
  PIPELOOM_TRY(const Gpu known, proto::find_gpu(command.gpu));
  PIPELOOM_TRY(const TuneMeasurements measured, measure(command, output, devices));
  if (!command.csv_path.empty()) {
    PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(command.csv_path, measurements_csv(measured)));
  }
  PIPELOOM_TRY(const Gpu tuned, tuned_gpu(known, measured));
  const std::string text = with_tuned_rates(base, tuned, "measured by pipeloom-run tune on one GPU");
  PIPELOOM_RETURN_IF_ERROR(proto::parse_gpu(command.output_path, text).map([](const Gpu&) {}));
  PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(command.output_path, text));
  output.out << copies_table(measured) << '\n' << variants_table(measured) << '\n';
  print_rates(tuned.rates, output.out);
  output.out << fmt::format(
      "{}: name it as cluster.gpu_file in a job, and `pipeloom plan` chooses SMs and chunks from "
      "it\n",
      command.output_path);
  return {};
}

}  // namespace pipeloom::backend
