#include "planner/cli/program.h"

// The one file that includes CLI11, which is slow to compile.
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>

#include "core/base/build_info.h"
#include "core/base/printable.h"
#include "planner/cli/command.h"
#include "planner/schedules/frameworks.h"
#include "planner/schedules/schedule_table.h"
#include "proto/job/gpu_files.h"
#include "proto/manual/cli_page.h"
#include "proto/manual/manual.h"

namespace pipeloom::planner {

namespace {

constexpr int kBadInput = 1;
constexpr int kBadUsage = 2;

constexpr const char* kDescription =
    "Pipeloom plans and simulates pipeline-parallel training: which schedule for my model, my cluster and my memory?";
constexpr const char* kFooter =
    "Start with: pipeloom simulate --schedule 1f1b --ranks 4 --micro-batches 8 --times F=1,B=2\n"
    "A JOB is a .txtpb or .json file (see samples/). One unit of --times is a millisecond.";

// What the chosen subcommand does once the command line is parsed.
using Action = std::function<Status(const Output&)>;

// Adds a subcommand whose options live as long as the action that runs it.
template <typename Options>
std::pair<CLI::App*, std::shared_ptr<Options>> add_command(CLI::App& app, const char* name, const char* description,
                                                           Status (*run)(const Options&, const Output&),
                                                           Action& chosen) {
  CLI::App* command = app.add_subcommand(name, description);
  const auto options = std::make_shared<Options>();
  command->callback(
      [options, run, &chosen] { chosen = [options, run](const Output& output) { return run(*options, output); }; });
  return {command, options};
}

constexpr bool kJobOnly = false;
constexpr bool kJobOrPlan = true;

void add_subject(CLI::App* command, SubjectOptions& options, bool plan_too) {
  command->add_option(plan_too ? "SUBJECT" : "JOB", options.path,
                      plan_too ? "a job (.txtpb or .json), a plan, or a schedule as PyTorch writes it (.csv)"
                               : "a job file (.txtpb or .json)");
  if (plan_too) command->add_option("--job", options.job, "with a schedule (.csv): the job whose costs it has");
  command->add_option("--schedule", options.schedule, "a name from `pipeloom list-schedules`");
  command->add_option("--ranks", options.ranks, "ranks of the pipeline");
  command->add_option("--micro-batches", options.micro_batches, "micro-batches of one pipeline in one step");
  command->add_option("--times", options.times,
                      "times of the passes of one chunk (default F=1,I=1,W=1): F=1,I=1,W=1,B=2,pair=3,link=0.1; "
                      "FI=1.5: F beside I, W apart");
  command->add_option("--chunks", options.chunks, "stages on each rank (interleaved schedules)");
  command->add_option("--group", options.group, "micro-batches that pass one chunk in a row (interleaved schedules)");
  command->add_option("--pipes", options.pipes, "pipes of Chimera: 2, 4, ...");
  command->add_option("--waves", options.waves, "waves of Hanayo");
  command->add_option("--release", options.release, "an activation is freed at the end of I or of W")
      ->check(CLI::IsMember({"I", "W"}));
  command->add_option("--weight-share", options.weight_share, "the share of an activation that W still needs, 0 to 1");
  command->add_option("--constants", options.constants, "of training software: what calibrate --published wrote");
  command->add_option("--expert-load", options.expert_load,
                      "how full experts are: what pipeloom-run --expert-load wrote");
  command->add_option("--p2p", options.p2p, "point-to-point transfers")->check(CLI::IsMember({"async", "blocking"}));
  command->add_option("--receive-depth", options.receive_depth, "posted receive buffers per queue; 0: unlimited")
      ->check(CLI::Range(0, 1 << 20));
}

// Only what takes a job: plans and schedules have been chosen.
void add_framework(CLI::App* command, SubjectOptions& options) {
  std::string names;
  for (const Framework& framework : frameworks()) {
    if (!names.empty()) names += ", ";
    names += framework.name;
  }
  command->add_option("--for", options.framework, "who is to run it, and so which schedules and layouts: " + names);
}

void add_json(CLI::App* command, bool& json) {
  command->add_flag("--json", json, "for scripts");
}

void add_variation(CLI::App* command, VariationChanges& options) {
  command->add_option("--jitter", options.jitter, "scatter of each component: standard deviation over mean (0.05)");
  command->add_option("--expert-imbalance", options.expert_imbalance,
                      "scatter of the tokens of one GPU's experts: standard deviation over mean");
  command->add_option("--straggler-probability", options.straggler_probability, "of a rank in a step");
  command->add_option("--straggler-slowdown", options.straggler_slowdown, "how many times longer a straggler computes");
}

void add_search(CLI::App* command, SearchOptions& options) {
  command->add_option("--placement", options.placement, "search an order for this placement instead of choosing one")
      ->check(CLI::IsMember({"linear", "looped", "v", "wave", "bidirectional"}));
  command->add_option("--memory-cap", options.memory_cap, "activations that a rank may hold: one for all, or 8:8:7:6");
  command
      ->add_option("--objective", options.objective,
                   "what is to be short; p95: what 95 % of steps don't exceed, with the job's variation")
      ->check(CLI::IsMember({"makespan", "span", "p95"}));
  command->add_option("--budget", options.budget, "how long to search: 500ms, 5s (default), 2m");
  command->add_option("--moves", options.moves, "search for so many moves instead: the same plan every time")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50));
  command->add_option("--seed", options.seed, "of the search (default 1)");
  command->add_option("--workers", options.workers, "threads of the search (default 2); the plan is the same for any")
      ->check(CLI::Range(1, 2));
  command->add_flag("--exact", options.exact, "prove that nothing is shorter, where the job is small enough");
  command->add_flag("--compare", options.compare, "show the found plan beside every named schedule");
}

void add_planning_commands(CLI::App& app, Action& chosen) {
  const auto [compare, compare_options] =
      add_command(app, "compare", "Every named schedule for one job, side by side", run_compare, chosen);
  add_subject(compare, compare_options->subject, kJobOnly);
  add_framework(compare, compare_options->subject);
  add_json(compare, compare_options->json);

  const auto [plan, plan_options] =
      add_command(app, "plan", "Choose the best named schedule that fits the memory, or search one; -o writes the plan",
                  run_plan, chosen);
  add_subject(plan, plan_options->subject, kJobOnly);
  add_framework(plan, plan_options->subject);
  add_search(plan, plan_options->search);
  add_variation(plan, plan_options->variation);
  plan->add_option("--layout", plan_options->layout, "free: choose ranks, parallelism, recomputation and schedule too")
      ->check(CLI::IsMember({"free", "own"}));
  plan->add_option(
      "--hold", plan_options->hold,
      "what --layout free leaves as it is: pipeline,tensor,context,expert,micro-batch-size,recompute,precision,"
      "comm-sms,schedule");
  plan->add_flag("--explain", plan_options->explain, "with --layout free: why the other layouts lost");
  plan->add_option("-o,--output", plan_options->output, "the plan file to write");
  plan->add_option("--comm-sms", plan_options->comm_sms, "SMs for communication (default: as many as is best)");
  add_json(plan, plan_options->json);

  const auto [sweep, sweep_options] =
      add_command(app, "sweep", "One job over the values of one of its numbers", run_sweep, chosen);
  add_subject(sweep, sweep_options->subject, kJobOnly);
  sweep->add_option("--over", sweep_options->over, "FIELD=FIRST..LAST[:STEP] or FIELD=V,V,..., as in comm_sms=4..40")
      ->required();
  add_json(sweep, sweep_options->json);

  const auto [list, list_options] =
      add_command(app, "list-schedules", "The named schedules and where they come from", run_list_schedules, chosen);
  add_json(list, list_options->json);

  const auto [gpus, gpus_options] = add_command(
      app, "list-gpus", "The known GPUs; with a NAME its file, to start another from", run_list_gpus, chosen);
  gpus->add_option("NAME", gpus_options->name, "a GPU from this list");
  add_json(gpus, gpus_options->json);
}

void add_running_commands(CLI::App& app, Action& chosen) {
  const auto [run, run_options] = add_command(
      app, "run", "Execute a plan: starts pipeloom-run, whose options follow (pipeloom-run --help)", run_run, chosen);
  run->add_option("PLAN", run_options->plan, "the plan to run")->required();
  run->add_option("--ranks", run_options->ranks, "mpi: one process per rank, by mpirun; threads: of one process")
      ->check(CLI::IsMember({"threads", "mpi"}));
  run->prefix_command();
  run->parse_complete_callback([run = run, options = run_options] { options->rest = run->remaining(); });

  const auto [diff, diff_options] =
      add_command(app, "diff", "Predicted against executed, by kind of task and by rank", run_diff, chosen);
  diff->add_option("PLAN", diff_options->plan, "the plan that was run")->required();
  diff->add_option("TRACE", diff_options->trace,
                   "what pipeloom-run --trace wrote, or PyTorch's profiler (.json, .json.gz)")
      ->required();
  diff->add_option("--rank", diff_options->rank, "the tasks of one rank alone");
  add_json(diff, diff_options->json);

  const auto [calibrate, calibrate_options] =
      add_command(app, "calibrate", "Costs from what was measured: a plan's layers in its traces, or steps of a table",
                  run_calibrate, chosen);
  calibrate->add_option("PLAN", calibrate_options->plan, "the plan that was run");
  calibrate->add_option("TRACE", calibrate_options->traces,
                        "what pipeloom-run --trace wrote, or PyTorch's profiler (.json, .json.gz)");
  const auto published = calibrate->add_option("--published", calibrate_options->published,
                                               "fit the constants of training software to a CSV of measured steps");
  calibrate
      ->add_option("--leave-out", calibrate_options->leave_out,
                   "columns: predict each of their values without it (default id; from scratch model,gpu)")
      ->delimiter(',')
      ->needs(published);
  calibrate->add_option("--hold", calibrate_options->hold, "constants that stay as they are")
      ->delimiter(',')
      ->needs(published);
  calibrate->add_flag("--from-scratch", calibrate_options->from_scratch, "forget what was fitted before")
      ->needs(published);
  calibrate->add_option("-o,--output", calibrate_options->output,
                        "the file to write: layers as CSV, or constants; without it, standard output");
}

void add_validate(CLI::App& app, Action& chosen) {
  const auto [validate, options] =
      add_command(app, "validate", "Predictions against what was measured and published", run_validate, chosen);
  const auto jobs =
      validate->add_option("JOB", options->jobs, "job files with references; without any, those that pipeloom knows");
  const auto iterations =
      validate->add_option("--iterations", options->iterations, "a CSV of measured iterations (docs/validation.md)");
  const auto gpu = validate->add_option("--gpu", options->gpu,
                                        "that --iterations were measured on (default A100-80GB), or a GPU file");
  const auto published = validate
                             ->add_option("--published", options->published,
                                          "a CSV of published trainings, with models/ beside it (docs/validation.md)")
                             ->excludes(jobs)
                             ->excludes(iterations)
                             ->excludes(gpu);
  validate->add_option("--where", options->where, "only those of --published: gpu=H100,model=llama3-8b")
      ->needs(published);
  validate->add_option("--constants", options->constants, "for --published: what calibrate --published wrote")
      ->needs(published);
  validate
      ->add_option("--write-jobs", options->write_jobs,
                   "a folder to write the trainings of --published to, as jobs to plan from")
      ->needs(published);
  validate
      ->add_option("--picture", options->picture, "an SVG of --published to write: predicted against measured steps")
      ->needs(published);
  validate->add_flag("--list", options->list, "the quantities that a reference may name");
  add_json(validate, options->json);
}

void add_looking_commands(CLI::App& app, Action& chosen) {
  const auto [show, show_options] =
      add_command(app, "show", "The timeline of one schedule as text, and its numbers", run_show, chosen);
  add_subject(show, show_options->subject, kJobOrPlan);
  show->add_option("--columns", show_options->columns, "width of the picture")->check(CLI::Range(40, 10000));
  add_json(show, show_options->json);

  const auto [simulate, simulate_options] =
      add_command(app, "simulate", "Makespan, bubble and memory of one schedule, rank by rank", run_simulate, chosen);
  add_subject(simulate, simulate_options->subject, kJobOrPlan);
  simulate->add_option("--samples", simulate_options->samples, "time so many steps whose durations scatter")
      ->check(CLI::Range(1, 1'000'000));
  simulate->add_flag("--components", simulate_options->components,
                     "every component on every rank, sharing SMs, NICs and NVLink: what each lane does");
  simulate
      ->add_option("--expert-ranks", simulate_options->expert_ranks,
                   "with --components: members of an expert-parallel group, one by one; they wait for each other")
      ->check(CLI::PositiveNumber);
  simulate->add_option("--seed", simulate_options->seed, "of how durations scatter (default 1)");
  add_variation(simulate, simulate_options->variation);
  add_json(simulate, simulate_options->json);

  const auto [memory, memory_options] =
      add_command(app, "memory", "What fills each rank's memory, and when", run_memory, chosen);
  add_subject(memory, memory_options->subject, kJobOrPlan);
  memory->add_option("--rank", memory_options->rank, "whose memory over time is shown (default: the fullest)")
      ->check(CLI::NonNegativeNumber);
  add_json(memory, memory_options->json);

  const auto [explain, explain_options] =
      add_command(app, "explain", "Why the ranks idle, the critical path; why rank R idles at T", run_explain, chosen);
  add_subject(explain, explain_options->subject, kJobOrPlan);
  explain->add_option("--rank", explain_options->rank, "with --at: what this rank does then, and why");
  explain->add_option("--at", explain_options->at, "a time, in milliseconds (units of --times)");
  explain->add_option("--largest", explain_options->largest, "how many bubbles to list")->check(CLI::Range(0, 1 << 20));
  add_json(explain, explain_options->json);
}

void add_writing_commands(CLI::App& app, Action& chosen) {
  const auto [order, order_options] =
      add_command(app, "order", "The order of every rank: who computes what, slot by slot", run_order, chosen);
  add_subject(order, order_options->subject, kJobOrPlan);
  order->add_flag("--csv", order_options->csv,
                  "rank,seq,op,stage,pipe,pipe_index,micro_batch; a pair (FB) writes forward;backward");
  add_json(order, order_options->json);

  const auto [exporting, export_options] =
      add_command(app, "export", "A picture, a trace, or the schedule for another program", run_export, chosen);
  add_subject(exporting, export_options->subject, kJobOrPlan);
  exporting
      ->add_option(
          "--to", export_options->target,
          "svg; perfetto for ui.perfetto.dev; chrome for chrome://tracing; torch-csv for torch.distributed.pipelining; "
          "chakra for ASTRA-sim; megatron-args for Megatron-LM")
      ->required()
      ->check(CLI::IsMember({"svg", "perfetto", "chrome", "torch-csv", "chakra", "megatron-args"}));
  exporting->add_flag("--communication", export_options->communication,
                      "torch-csv: sends and receives too (compute_comms); without, PyTorch places them");
  exporting->add_option("-o,--output", export_options->output, "the file to write; without it, standard output");
  exporting->add_option("--width", export_options->width, "of the picture, in pixels")->check(CLI::Range(400, 20000));
}

void add_import(CLI::App& app, Action& chosen) {
  const auto [importing, options] =
      add_command(app, "import", "What another program wrote: a schedule, a run, a launch", run_import, chosen);
  SubjectOptions& subject = options->subject;
  importing
      ->add_option("FILE", subject.path,
                   "a PyTorch pipeline schedule (.csv), a run that its profiler saw (.json, .json.gz), or what starts "
                   "Megatron-LM: its arguments or a script (.txt, .args, .sh)")
      ->required();
  importing->add_option("--job", subject.job,
                        "the job (.txtpb or .json) whose costs the schedule has, or on whose cluster the launch runs");
  importing->add_option("--times", subject.times, "without --job: times of the passes of one chunk (F=1,I=1,W=1)");
  importing->add_option("--gpu", options->gpu, "of a launch: a GPU from `pipeloom list-gpus`, or a GPU file");
  importing->add_option("--nodes", options->nodes, "of a launch (default: as torchrun has it, else 1)");
  importing->add_option("--gpus-per-node", options->gpus_per_node, "of a launch (default: as torchrun has it, else 8)");
  importing->add_option("--nic-gbytes-per-s", options->nic_gbytes_per_s,
                        "of a launch: of one GPU between nodes, per direction (default 50)");
  importing->add_option("ARGUMENTS", options->appended, "of a launch, after --: more of its arguments; they come last");
  importing->add_option("-o,--output", options->output, "the plan to write; of a launch, the job (.txtpb)");
  add_json(importing, options->json);
}

std::string version() {
  return version_text("pipeloom", build_info(),
                      {{"exact search (CaDiCaL)"}, {"profiles of PyTorch, plain and gzipped"}});
}

// The table of options as pages, with the words that are checked when a command runs.
proto::CommandPage manual_page(const CLI::App& app) {
  proto::CommandPage page = proto::command_page(app);
  std::vector<std::string> schedules;
  for (const NamedSchedule& schedule : named_schedules()) schedules.emplace_back(schedule.name);
  proto::set_choices(page, "--schedule", schedules);
  std::vector<std::string> gpus;
  for (const Gpu& gpu : proto::known_gpus()) gpus.push_back(gpu.name);
  proto::set_choices(page, "NAME", gpus);
  return page;
}

// Adds what a packager needs and --help does not show.
void add_manual(CLI::App& app, Action& chosen) {
  const auto folder = std::make_shared<std::string>();
  app.add_option("--write-manual", *folder, "the share folder to write man pages and completions into")->group("");
  app.parse_complete_callback([&app, &chosen, folder] {
    if (folder->empty()) return;
    chosen = [&app, folder](const Output&) {
      return proto::write_manual(manual_page(app), std::string(build_info().version), *folder);
    };
  });
}

}  // namespace

int run_pipeloom(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Terminal& terminal) {
  CLI::App app(kDescription, "pipeloom");
  app.footer(kFooter);
  app.require_subcommand(0, 1);  // none is refused below, after a word that is not a subcommand
  app.set_version_flag("--version", version, "Print version, commit and what is built in");
  Action chosen;
  add_manual(app, chosen);
  add_planning_commands(app, chosen);
  add_looking_commands(app, chosen);
  add_writing_commands(app, chosen);
  add_import(app, chosen);
  add_validate(app, chosen);
  add_running_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return code == 0 ? 0 : kBadUsage;
  }
  if (!chosen) {
    err << "pipeloom: which subcommand?\n\n" << app.help();
    return kBadUsage;
  }
  const Status status = chosen(Output{out, terminal});
  out.flush();
  if (status && out.good()) return 0;
  if (status) {
    err << "pipeloom: can't write to standard output\n";
    return kBadInput;
  }
  err << "pipeloom: " << printable(status.error().message) << '\n';
  return kBadInput;
}

}  // namespace pipeloom::planner
