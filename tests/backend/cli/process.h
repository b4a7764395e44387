#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pipeloom::tests {

// A program at work, with its output in a file. Killed with its group if it is still there at the end.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The exit code (128 + signal if killed), or -1 if it does not end in time.
  int wait(double seconds);
  bool running();
  pid_t pid() const { return pid_; }
  // SIGKILL to the program and all that it started.
  void kill_all();
  // Standard output and errors so far.
  std::string output() const;
  // Processes below this one whose program has that name.
  std::vector<pid_t> descendants(const std::string& program) const;

 private:
  pid_t pid_ = -1;
  std::string output_path_;
  int code_ = -1;
};

}  // namespace pipeloom::tests
