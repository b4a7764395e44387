#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "proto/published/published_rows.h"

namespace pipeloom::planner {

// Reads the settings of a published training and remembers which columns were asked for, and the first that has a value
// that can't be said. Read all of them, then ask.
class PublishedSettings {
 public:
  // REQUIRES: training outlives this.
  explicit PublishedSettings(const proto::PublishedTraining& training) : training_(training) {}

  std::string_view text(std::string_view column);  // empty: not published
  int count(std::string_view column);              // fails if it was not published
  int count_or(std::string_view column, int otherwise);
  // "0" or "1".
  bool flag_or(std::string_view column, bool otherwise);
  // Whether the remarks hold these words.
  bool remarks(std::string_view words) const { return training_.text("notes").find(words) != std::string_view::npos; }

  void fail(std::string_view column, std::string_view why);
  Status status() const;

  // Columns with a value that nobody asked for and that no table excuses (published_columns.h).
  std::vector<std::string> ignored() const;

 private:
  const proto::PublishedTraining& training_;
  std::set<std::string, std::less<>> read_;
  std::optional<std::string> error_;
};

}  // namespace pipeloom::planner
