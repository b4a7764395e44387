#include "proto/manual/manual.h"

#include <fmt/format.h>

#include <filesystem>

#include "proto/base/files.h"
#include "proto/manual/man_page.h"
#include "proto/manual/shell_completion.h"

namespace pipeloom::proto {

namespace {

Status write_into(const std::filesystem::path& folder, const std::string& name, const std::string& content) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("can't make {}: {}", folder.string(), error.message()));
  return write_file_atomically((folder / name).string(), content);
}

}  // namespace

Status write_manual(const CommandPage& program, const std::string& version, const std::string& share) {
  const std::filesystem::path root = share;
  for (const ManPage& page : man_pages(program, version)) {
    PIPELOOM_RETURN_IF_ERROR(write_into(root / "man/man1", page.name, page.text));
  }
  PIPELOOM_RETURN_IF_ERROR(write_into(root / "bash-completion/completions", program.name, bash_completion(program)));
  return write_into(root / "zsh/vendor-completions", "_" + program.name, zsh_completion(program));
}

}  // namespace pipeloom::proto
