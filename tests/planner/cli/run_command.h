#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pipeloom::tests {

struct CommandResult {
  int code = 0;
  std::string out;
  std::string err;

  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

// `pipeloom` with these words, in this process, without a terminal.
CommandResult run_command(const std::vector<std::string>& words);

// The words of "simulate --ranks 4 ...", split at spaces.
CommandResult run_command(const std::string& line);

// The path of a sample: "deepseek-v3" or "models/tiny-moe.json".
std::string sample(const std::string& name);

}  // namespace pipeloom::tests
