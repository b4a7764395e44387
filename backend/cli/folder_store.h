#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backend/runtime/training/checkpoint.h"

namespace pipeloom::backend {

// Checkpoints as files of a folder; a file is replaced whole. Methods may run concurrently for different names. The
// lock is the system's (flock) on a file of the folder: it goes with the process that has it, however that ends.
class FolderStore : public CheckpointStore {
 public:
  // The folder is there or is made. Fails where nothing can be written to it, or where everyone can.
  static Result<FolderStore> create(const std::string& folder);

  Status write(const std::string& name, const std::string& content) override;
  Result<std::optional<std::string>> read(const std::string& name) override;
  void remove(const std::string& name) override;
  Result<std::vector<std::string>> names() override;
  Status lock() override;

 private:
  // An open file; -1: none.
  class Handle {
   public:
    Handle() = default;
    explicit Handle(int number) : number_(number) {}
    Handle(Handle&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(number_, other.number_);
      return *this;
    }
    ~Handle();
    int number() const { return number_; }

   private:
    int number_ = -1;
  };

  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}
  Status remove_half_written();
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  Handle lock_;
};

}  // namespace pipeloom::backend
