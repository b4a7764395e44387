#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/app/kind_of_file.h"
#include "planner/app/open_as.h"
#include "planner/app/save_plan.h"
#include "planner/cli/command.h"
#include "planner/cli/import_launch.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "planner/interchange/run_summary.h"

namespace pipeloom::planner {

namespace {

Status check_no_launch(const ImportOptions& options) {
  const bool given = !options.gpu.empty() || options.nodes || options.gpus_per_node || options.nic_gbytes_per_s ||
                     !options.appended.empty();
  if (!given) return {};
  return invalid(fmt::format(
      "{}: --gpu, --nodes, --gpus-per-node, --nic-gbytes-per-s and arguments are for what starts Megatron-LM",
      options.subject.path));
}

Status import_schedule(const ImportOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (options.json) {
    output.out << subject_json(subject).dump(2) << '\n';
  } else {
    output.out << headline(subject) << "\nvalid: every pass once and in order, no deadlock\n\n";
    print_summary(subject, output);
  }
  if (options.output.empty()) return {};
  PIPELOOM_RETURN_IF_ERROR(save_plan(subject, options.output));
  if (!options.json) output.out << fmt::format("\n{} written\n", options.output);
  return {};
}

void print_streams(const ProfiledRun& run, const RunSummary& summary, std::ostream& out) {
  TextTable table({"device", "stream", "what", "kernels", "busy", "SMs"});
  for (const StreamSummary& it : summary.streams) {
    const ProfiledRun::Stream& stream = run.streams[it.stream];
    table.add_row({std::to_string(stream.device), std::to_string(stream.number),
                   it.communication ? "communication" : "compute", std::to_string(it.kernels),
                   format_duration(it.busy_ns), it.communication ? std::to_string(it.sms) : "-"});
  }
  out << table.text();
}

void print_contention(const ProfiledRun& run, const RunSummary& summary, std::ostream& out) {
  if (summary.contention.kernels.empty()) return;
  constexpr size_t kMost = 10;
  TextTable table({"kernel", "blocks", "alone", "median", "beside", "median", "slowdown"});
  table.align_left(0);
  for (size_t i = 0; i < std::min(kMost, summary.contention.kernels.size()); ++i) {
    const KernelContention& it = summary.contention.kernels[i];
    table.add_row({short_kernel_name(run.names[it.name]), std::to_string(it.blocks), std::to_string(it.alone),
                   format_duration(it.alone_ns), std::to_string(it.beside), format_duration(it.beside_ns),
                   fmt::format("{:.2f}", it.slowdown())});
  }
  out << fmt::format("\nbeside communication compute takes {:.2f} times as long\n\n", summary.contention.slowdown)
      << table.text();
}

void print_run(const ProfiledRun& run, const RunSummary& summary, std::ostream& out) {
  const auto share = [&](int64_t part, int64_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  };
  out << fmt::format("{} kernels on {} streams, {} pipeline ranges{}\n\n", run.kernels.size(), summary.streams.size(),
                     run.ranges.size(), run.rank ? fmt::format(", rank {}", *run.rank) : "");
  out << fmt::format(
      "span {}: compute busy {}, communication busy {}, of that hidden {} ({:.1f} %), exposed {}; idle {}\n",
      format_duration(summary.span_ns), format_duration(summary.compute_ns), format_duration(summary.communication_ns),
      format_duration(summary.hidden_ns), share(summary.hidden_ns, summary.communication_ns),
      format_duration(summary.exposed_ns()), format_duration(summary.idle_ns()));
  if (summary.communication_sms > 0) {
    out << fmt::format("communication occupies {} SMs{}\n", summary.communication_sms,
                       run.sms > 0 ? fmt::format(" of {}", run.sms) : "");
  }
  out << '\n';
  print_streams(run, summary, out);
  print_contention(run, summary, out);
}

nlohmann::json to_json(const ProfiledRun& run, const RunSummary& summary) {
  nlohmann::json json = {{"unit", "ms"},
                         {"kernels", run.kernels.size()},
                         {"pipeline_ranges", run.ranges.size()},
                         {"span", json_time(summary.span_ns)},
                         {"compute_busy", json_time(summary.compute_ns)},
                         {"communication_busy", json_time(summary.communication_ns)},
                         {"communication_hidden", json_time(summary.hidden_ns)},
                         {"communication_sms", summary.communication_sms},
                         {"slowdown", summary.contention.slowdown},
                         {"streams", nlohmann::json::array()}};
  for (const StreamSummary& it : summary.streams) {
    json["streams"].push_back({{"device", run.streams[it.stream].device},
                               {"stream", run.streams[it.stream].number},
                               {"communication", it.communication},
                               {"kernels", it.kernels},
                               {"busy", json_time(it.busy_ns)},
                               {"sms", it.sms}});
  }
  return json;
}

Status import_run(const ImportOptions& options, const Output& output) {
  const std::string& path = options.subject.path;
  if (!options.subject.job.empty() || !options.subject.times.empty() || !options.output.empty()) {
    return invalid(
        fmt::format("{}: a run has its own times; --job, --times and -o are for schedules. pipeloom calibrate PLAN {} "
                    "makes costs of it",
                    path, path));
  }
  PIPELOOM_TRY(const ProfiledRun run, open_profile(path));
  const RunSummary summary = summarise(run);
  if (options.json) {
    output.out << to_json(run, summary).dump(2) << '\n';
  } else {
    print_run(run, summary, output.out);
  }
  return {};
}

}  // namespace

Status run_import(const ImportOptions& options, const Output& output) {
  PIPELOOM_TRY(const FileKind kind,
               kind_of_file(options.subject.path, {FileKind::kSchedule, FileKind::kProfile, FileKind::kLaunch}));
  if (kind == FileKind::kLaunch) return import_launch(options, output);
  PIPELOOM_RETURN_IF_ERROR(check_no_launch(options));
  return kind == FileKind::kSchedule ? import_schedule(options, output) : import_run(options, output);
}

}  // namespace pipeloom::planner
