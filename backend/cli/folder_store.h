#pragma once

#include <string>

#include "backend/runtime/training/checkpoint.h"

namespace pipeloom::backend {

// Checkpoints as files of a folder; a file is replaced whole. Methods may run concurrently for different names.
class FolderStore : public CheckpointStore {
 public:
  // The folder is there or is made.
  static Result<FolderStore> create(const std::string& folder);

  Status write(const std::string& name, const std::string& content) override;
  Result<std::optional<std::string>> read(const std::string& name) override;
  void remove(const std::string& name) override;

 private:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

}  // namespace pipeloom::backend
