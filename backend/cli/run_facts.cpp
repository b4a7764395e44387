#include "backend/cli/run_facts.h"

#include <fmt/format.h>

#include "backend/cli/training_options.h"
#include "backend/runtime/training/checkpoint.h"
#include "core/base/build_info.h"

namespace pipeloom::backend {

namespace {

std::string on_or_off(bool on) {
  return on ? "on" : "off";
}

}  // namespace

std::vector<Fact> run_facts(const CommandOptions& options, const Plan& plan, const TextTokens* text) {
  const BuildInfo build = build_info();
  std::vector<Fact> facts = {{"the program", fmt::format("{} {}", build.version, build.commit)}};
  if (text != nullptr) {
    const std::vector<Fact> numbers = number_facts(plan, *text, training_options(options));
    facts.insert(facts.end(), numbers.begin(), numbers.end());
  } else {
    facts.push_back({"the plan", fmt::format("{:016x}", plan.task_digest)});
  }
  facts.push_back({"--steps", fmt::format("{}", options.steps)});
  facts.push_back({"--device", options.device});
  facts.push_back({"--pace", on_or_off(options.paced)});
  facts.push_back({"--vary", fmt::format("{}, seed {}", options.varied_percent, options.seed)});
  facts.push_back({"--trace", on_or_off(!options.trace_path.empty())});
  facts.push_back({"--checkpoints", on_or_off(!options.checkpoint_folder.empty())});
  facts.push_back({"--checkpoint-every", fmt::format("{}", options.checkpoint_every)});
  facts.push_back({"--resume", on_or_off(options.resume)});
  facts.push_back({"--keep", fmt::format("{}", options.keep_checkpoints)});
  return facts;
}

}  // namespace pipeloom::backend
