#pragma once

#include <string>

namespace pipeloom::tests {

// An empty folder of its own that goes away with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  // Writes the file and returns its path.
  std::string file(const std::string& name, const std::string& content) const;
  // Names of the files, sorted and joined by spaces.
  std::string listing() const;

 private:
  std::string root_;
};

// The content of a file that a test knows to be there.
std::string content_of(const std::string& path);

}  // namespace pipeloom::tests
