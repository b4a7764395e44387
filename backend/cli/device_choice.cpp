#include "backend/cli/device_choice.h"

#include <fmt/format.h>

#include <array>

namespace pipeloom::backend {

namespace {

// An option that asks for an ability.
struct Ask {
  const char* option;
  Ability ability;
  bool (*given)(const CommandOptions& options, bool one_process);
  const char* instead = "";  // an option that takes the need for the ability away; empty: there is none
};

// "--ranks threads or --device cpu": what helps a device that can't do what `ask` asks for; empty: nothing does.
std::string advice(const Ask& ask, const DeviceTable& devices) {
  std::string advice = ask.instead;
  const std::string others = devices.names_that_can(ask.ability);
  if (!others.empty()) advice += (advice.empty() ? "--device " : " or --device ") + others;
  return advice;
}

constexpr std::array kAsks = {
    Ask{"--check", Ability::kCheckMode, [](const CommandOptions& options, bool) { return options.check; }},
    Ask{"--ranks sequential", Ability::kSequential,
        [](const CommandOptions& options, bool) { return options.ranks == "sequential"; }},
    Ask{"--vary", Ability::kVariedPace, [](const CommandOptions& options, bool) { return options.varied_percent > 0; }},
    Ask{"--pace", Ability::kPacedProcesses,
        [](const CommandOptions& options, bool one_process) { return options.paced && !one_process; },
        "--ranks threads"},
    Ask{"--gpu", Ability::kOneDevice, [](const CommandOptions& options, bool) { return options.gpu > 0; }},
    Ask{"--copy", Ability::kOneDevice, [](const CommandOptions& options, bool) { return !options.copy.empty(); }},
    Ask{"--link-gbytes-per-s", Ability::kOneDevice,
        [](const CommandOptions& options, bool) { return options.link_gbytes_per_s > 0; }},
    Ask{"--no-graph", Ability::kStepGraphs, [](const CommandOptions& options, bool) { return options.no_graph; }},
};

}  // namespace

Status check_abilities(const CommandOptions& options, bool one_process, const DeviceKind& device,
                       const DeviceTable& devices) {
  for (const Ask& ask : kAsks) {
    if (!ask.given(options, one_process) || device.can(ask.ability)) continue;
    const std::string use = advice(ask, devices);
    return unsupported(fmt::format("{} is given; --device {} has no {}{}{}", ask.option, device.name,
                                   ability_name(ask.ability), use.empty() ? "" : ": use ", use));
  }
  return {};
}

std::string device_help(const DeviceTable& devices) {
  std::string help;
  for (const DeviceKind& row : devices.rows()) {
    const std::string missing = row.missing.empty() ? "" : "; not here: " + row.missing;
    help += fmt::format("{}{} ({}{})", help.empty() ? "what computes: " : ", ", row.name, row.what, missing);
  }
  return help;
}

std::string with_device(const DeviceTable& devices, Ability ability) {
  return fmt::format("with --device {}", devices.names_that_can(ability));
}

}  // namespace pipeloom::backend
