#include "tests/planner/cli/run_command.h"

#include <sstream>

#include "planner/cli/program.h"

namespace pipeloom::tests {

CommandResult run_command(const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"pipeloom"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out;
  std::ostringstream err;
  const int code = planner::run_pipeloom(static_cast<int>(argv.size()), argv.data(), out, err, {});
  return {code, out.str(), err.str()};
}

CommandResult run_command(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return run_command(words);
}

std::string sample(const std::string& name) {
  const bool has_ending = name.find('.') != std::string::npos;
  return std::string(PIPELOOM_SOURCE) + "/samples/" + name + (has_ending ? "" : ".txtpb");
}

}  // namespace pipeloom::tests
