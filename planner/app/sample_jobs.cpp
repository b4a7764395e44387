#include "planner/app/sample_jobs.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proto/base/embedded.h"
#include "proto/base/version.h"
#include "proto/job/job_io.h"

namespace pipeloom::planner {

namespace {

// The comment that a sample's file starts with, up to its first full stop.
std::string summary_of(std::string_view content) {
  std::string summary;
  for (size_t begin = 0; begin < content.size() && content[begin] == '#';) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    summary += content.substr(begin + 1, end - begin - 1);
    begin = end + 1;
  }
  if (const size_t stop = summary.find(". "); stop != std::string::npos) summary.resize(stop + 1);
  if (summary.starts_with(' ')) summary.erase(0, 1);
  return summary;
}

}  // namespace

std::vector<std::string> embedded_job_paths() {
  std::vector<std::string> paths;
  for (const proto::EmbeddedFile& file : proto::embedded_files()) {
    if (file.path.starts_with("samples/") && file.path.ends_with(".txtpb")) paths.emplace_back(file.path);
  }
  return paths;
}

std::vector<SampleJob> sample_jobs() {
  std::vector<SampleJob> found;
  for (const std::string& path : embedded_job_paths()) {
    if (path.find("published/") != std::string::npos) continue;
    const auto job = proto::read_embedded_job(path);
    const auto content = proto::read_embedded_file(path);
    if (job && content) found.push_back({path, job->name, summary_of(*content)});
  }
  return found;
}

Result<Subject> open_sample_job(const std::string& path) {
  PIPELOOM_TRY(const Job job, proto::read_embedded_job(path));
  return subject_of(job).map_error([&](Error error) { return proto::in_file(path, std::move(error)); });
}

}  // namespace pipeloom::planner
