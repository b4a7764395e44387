#include "backend/cli/run_program.h"

// The one file that includes CLI11, which is slow to compile.
#include <CLI/CLI.hpp>
#include <ostream>

#include "backend/cli/device_choice.h"
#include "backend/cli/fp8_error.h"
#include "backend/cli/remark.h"
#include "backend/cli/run_options.h"
#include "backend/cli/tune.h"
#include "core/base/build_info.h"
#include "proto/manual/cli_page.h"
#include "proto/manual/manual.h"

namespace pipeloom::backend {

namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kStoppedBySignal = 75;  // EX_TEMPFAIL of sysexits.h: start it again

constexpr const char* kFooter =
    "A PLAN comes from `pipeloom plan JOB -o PLAN`. Ranks are threads of this process, or processes on any number of\n"
    "hosts: mpirun -n RANKS pipeloom-run PLAN ..., srun -n RANKS pipeloom-run PLAN ..., or torchrun-like launchers "
    "that\n"
    "set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT. Ranks over TCP on several hosts prove to each other that they\n"
    "know a secret: PIPELOOM_SECRET, or a file of mode 600 that PIPELOOM_SECRET_FILE names.";

void add_options(CLI::App& app, CommandOptions& options, const DeviceTable& devices) {
  app.add_option("PLAN", options.plan_path, "the plan to run");
  app.add_option("--text", options.text_path, "the text to train on");
  app.add_option("--token-bytes", options.token_bytes, "bytes of the text that are one token, the lowest first")
      ->check(CLI::IsMember({1, 2, 4}))
      ->capture_default_str();
  app.add_option("--steps", options.steps, "training steps in all")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "of Adam")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the initial weights, or of --vary")->capture_default_str();
  app.add_option("--ranks", options.ranks,
                 "how ranks run; auto: mpi or tcp where processes were started for them, else threads")
      ->default_val("auto")
      ->check(CLI::IsMember({"auto", "threads", "mpi", "tcp", "sequential"}));
  app.add_option("--device", options.device, device_help(devices))
      ->default_val(devices.rows().front().name)
      ->check(CLI::IsMember(devices.names()));
  const std::string one_device = with_device(devices, Ability::kOneDevice) + " and all ranks on one: ";
  app.add_option("--gpu", options.gpu, one_device + "which")->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--copy", options.copy, one_device + "how hand-overs are copied (default: as the plan says)")
      ->check(CLI::IsMember({"load-store", "streaming", "streaming-read-only", "bulk"}));
  app.add_option("--link-gbytes-per-s", options.link_gbytes_per_s,
                 one_device + "hand-overs no faster than such a link; 0: as fast as they go")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--no-graph", options.no_graph,
               with_device(devices, Ability::kStepGraphs) + ": launch every step task by task");
  app.add_flag("--check", options.check,
               with_device(devices, Ability::kCheckMode) +
                   ": slower, with the bits of `--ranks sequential --check` for every schedule");
  app.add_flag("--pace", options.paced, "no training: every task takes its planned time");
  app.add_option("--vary", options.varied_percent,
                 with_device(devices, Ability::kVariedPace) +
                     " and --pace: tasks take up to so many percent more or less, drawn by --seed")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--trace", options.trace_path, "the trace of the last step to write");
  app.add_option("--expert-load", options.expert_load_path,
                 "where to write how many tokens chose each expert, for `pipeloom simulate --expert-load`");
  app.add_option("--checkpoints", options.checkpoint_folder, "the folder to keep checkpoints in");
  app.add_option("--checkpoint-every", options.checkpoint_every, "steps between checkpoints; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  CLI::Option* resume = app.add_flag("--resume", options.resume, "go on from the last checkpoint, if there is one");
  app.add_flag("--overwrite", options.overwrite, "remove the checkpoints that are there, and begin anew")
      ->excludes(resume);
  app.add_option("--keep", options.keep_checkpoints, "how many of the last checkpoints are kept")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--grace", options.grace_s,
                 "with --checkpoints: seconds from SIGTERM or SIGINT, after which the step's state is saved and the "
                 "exit code is 75, to an end without saving")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--deadline", options.deadline_s, "seconds without any progress after which a run counts as hung")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object a line, for scripts");
}

CLI::App* add_fp8_error(CLI::App& app, Fp8ErrorOptions& options) {
  CLI::App* command = app.add_subcommand("fp8-error", "what a tensor core's sums of FP8 products lose; needs no plan");
  command->add_option("--inner", options.inner, "products in a sum")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--size", options.size, "rows and columns of sums")
      ->check(CLI::Range(int64_t{1}, int64_t{4096}))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "of the random numbers")->capture_default_str();
  return command;
}

CLI::App* add_tune(CLI::App& app, TuneCommand& options) {
  CLI::App* command = app.add_subcommand(
      "tune", "measures a GPU's communication kernels and writes a GPU file for jobs; needs no plan");
  command->add_option("--device", options.device, "which of the GPUs here")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--gpu", options.gpu, "the known GPU whose file is the start")->capture_default_str();
  command->add_option("-o,--output", options.output_path, "the GPU file to write")->required();
  command->add_option("--csv", options.csv_path, "every measurement, to write");
  return command;
}

// Version, commit, and which ranks and devices this build has.
std::string version(const DeviceTable& devices) {
#ifdef PIPELOOM_WITH_MPI
  constexpr bool kHasMpi = true;
#else
  constexpr bool kHasMpi = false;
#endif
  std::vector<OptionalPart> parts = {{"ranks as threads"}, {"ranks over TCP"}, {"ranks over MPI", kHasMpi}};
  std::vector<std::string> names;
  for (const DeviceKind& device : devices.rows()) names.push_back("device " + device.name);
  for (size_t i = 0; i < names.size(); ++i) parts.push_back({names[i], devices.rows()[i].missing.empty()});
  return version_text("pipeloom-run", build_info(), parts);
}

}  // namespace

int run_pipeloom_run(int argc, const char* const* argv, std::ostream& out, std::ostream& err, bool progress,
                     const DeviceTable& devices) {
  CLI::App app("Executes a plan: trains its model, step by step, in its order.", "pipeloom-run");
  app.footer(kFooter);
  CommandOptions options;
  options.progress = progress;
  add_options(app, options, devices);
  Fp8ErrorOptions fp8;
  const CLI::App* fp8_error = add_fp8_error(app, fp8);
  app.set_version_flag(
      "--version", [&devices] { return version(devices); }, "Print version, commit and what is built in");
  std::string manual_folder;
  app.add_option("--write-manual", manual_folder, "the share folder to write man page and completions into")->group("");
  TuneCommand tune;
  const CLI::App* tune_command = add_tune(app, tune);
  try {
    app.parse(argc, argv);
    if (!fp8_error->parsed() && !tune_command->parsed() && manual_folder.empty() && options.plan_path.empty()) {
      throw CLI::RequiredError("PLAN");
    }
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return code == 0 ? 0 : kBadUsage;
  }
  Status status;
  RunEnd end = RunEnd::kDone;
  if (!manual_folder.empty()) {
    status = proto::write_manual(proto::command_page(app), std::string(build_info().version), manual_folder);
  } else if (fp8_error->parsed()) {
    print_fp8_error(fp8, out);
  } else if (tune_command->parsed()) {
    status = run_tune(tune, {out, err}, devices);
  } else {
    status = run_plan_file(options, {out, err}, devices).map([&](RunEnd how) { end = how; });
  }
  out.flush();
  if (status && out.good()) return end == RunEnd::kStopped ? kStoppedBySignal : 0;
  print_remark(err, status ? "can't write to standard output" : status.error().message);
  return kFailed;
}

}  // namespace pipeloom::backend
