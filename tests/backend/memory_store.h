#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "backend/runtime/training/checkpoint.h"

namespace pipeloom::tests {

// Checkpoints in memory. Any thread.
class MemoryStore : public backend::CheckpointStore {
 public:
  Status write(const std::string& name, const std::string& content) override {
    const std::lock_guard lock(mutex_);
    if (++writes_ == fails_at) return fail(ErrorCode::kIo, "the disk is full");
    contents[name] = content;
    return {};
  }
  Result<std::optional<std::string>> read(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto place = contents.find(name);
    return place == contents.end() ? std::optional<std::string>() : std::optional(place->second);
  }
  void remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    contents.erase(name);
  }
  Result<std::vector<std::string>> names() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, content] : contents) names.push_back(name);
    return names;
  }
  Status lock() override { return {}; }

  std::map<std::string, std::string> contents;
  int fails_at = 0;  // the write of this number does, from 1

 private:
  std::mutex mutex_;
  int writes_ = 0;
};

}  // namespace pipeloom::tests
