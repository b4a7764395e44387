#include "planner/app/open_file.h"

#include <utility>

#include "planner/app/choose_subject.h"
#include "planner/app/kind_of_file.h"
#include "planner/app/open_as.h"

namespace pipeloom::planner {

Result<OpenedFile> open_file(const std::string& path) {
  PIPELOOM_TRY(const FileKind kind, kind_of_file(path, kOpenedKinds));
  if (kind == FileKind::kTrace) {
    PIPELOOM_TRY(proto::TraceReader reader, proto::TraceReader::open(path));
    return OpenedFile{kind, std::move(reader)};
  }
  if (kind == FileKind::kProfile) {
    PIPELOOM_TRY(ProfiledRun run, open_profile(path));
    return OpenedFile{kind, std::move(run)};
  }
  PIPELOOM_TRY(Subject subject, choose_subject({.path = path}));
  return OpenedFile{kind, std::move(subject)};
}

}  // namespace pipeloom::planner
