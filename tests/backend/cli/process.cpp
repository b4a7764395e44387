#include "tests/backend/cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/check.h"

namespace pipeloom::tests {

namespace {

struct Status {
  std::string program;
  pid_t parent = 0;
};

// Of "pid (program) state parent ...".
Status status_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('(');
  const size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  std::istringstream rest(line.substr(close + 1));
  Status status;
  status.program = line.substr(open + 1, close - open - 1);
  char state = 0;
  rest >> state >> status.parent;
  return status;
}

}  // namespace

Process::Process(const std::vector<std::string>& command) {
  char path[] = "/tmp/pipeloom_output_XXXXXX";
  const int output = mkstemp(path);
  PIPELOOM_THROW_UNLESS(output >= 0);
  output_path_ = path;
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  PIPELOOM_THROW_UNLESS(pid_ >= 0);
  if (pid_ == 0) {
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(output);
}

Process::~Process() {
  kill_all();
  std::filesystem::remove(output_path_);
}

void Process::kill_all() {
  if (!running()) return;
  kill(-pid_, SIGKILL);
  wait(10);
}

bool Process::running() {
  return code_ < 0 && wait(0) < 0;
}

int Process::wait(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (code_ < 0) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= end) {
      break;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return code_;
}

std::string Process::output() const {
  std::ifstream file(output_path_);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<pid_t> Process::descendants(const std::string& program) const {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const Status status = status_of(name);
    if (status.program != program) continue;
    for (pid_t parent = status.parent; parent > 1; parent = status_of(std::to_string(parent)).parent) {
      if (parent != pid_) continue;
      found.push_back(static_cast<pid_t>(std::stol(name)));
      break;
    }
  }
  return found;
}

}  // namespace pipeloom::tests
