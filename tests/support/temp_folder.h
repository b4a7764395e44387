#pragma once

#include <string>

namespace pipeloom::tests {

// A new, empty folder that goes away with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  // Writes the file and returns its path.
  std::string file(const std::string& name, const std::string& content) const;
  // Returns the names of the files, sorted and joined by spaces.
  std::string listing() const;

 private:
  std::string root_;
};

// Returns the content of a file. REQUIRES: the file exists.
std::string content_of(const std::string& path);

}  // namespace pipeloom::tests
