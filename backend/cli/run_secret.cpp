#include "backend/cli/run_secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace pipeloom::backend {

namespace {

constexpr size_t kLeastBytes = 16;  // 128 bits, if they are random
constexpr size_t kMostBytes = 4096;

Status check_length(const std::string& secret, const std::string& where) {
  if (secret.size() >= kLeastBytes && secret.size() <= kMostBytes) return {};
  return invalid(fmt::format("{}: the secret has {} bytes; allowed are {} to {}, as `openssl rand -hex 32` makes them",
                             where, secret.size(), kLeastBytes, kMostBytes));
}

Status check_private(const struct stat& about, const std::string& path) {
  constexpr mode_t kOthers = 077;
  if (!S_ISREG(about.st_mode)) return invalid(fmt::format("{}: the secret is not in a regular file", path));
  if (about.st_uid != geteuid()) {
    return invalid(fmt::format("{}: the file of the secret belongs to user {}; it must be yours ({})", path,
                               about.st_uid, geteuid()));
  }
  if ((about.st_mode & kOthers) == 0) return {};
  return invalid(fmt::format("{}: others may use the file of the secret (mode {:04o}): chmod 600 it", path,
                             about.st_mode & 07777));
}

// Of the file that is checked, whatever its path names a moment later.
Result<std::string> read_secret(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return fail(ErrorCode::kIo, fmt::format("can't read the secret {}: {}", path, std::strerror(errno)));
  struct stat about = {};
  Status fits = fstat(file, &about) == 0 ? check_private(about, path)
                                         : fail(ErrorCode::kIo, fmt::format("can't read the secret {}", path));
  std::array<char, kMostBytes + 2> content = {};
  const ssize_t size = fits ? read(file, content.data(), content.size()) : 0;
  close(file);
  PIPELOOM_RETURN_IF_ERROR(fits);
  if (size < 0) return fail(ErrorCode::kIo, fmt::format("can't read the secret {}", path));
  std::string secret(content.data(), static_cast<size_t>(size));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  PIPELOOM_RETURN_IF_ERROR(check_length(secret, path));
  return secret;
}

bool all_ranks_are_here(const TcpWorld& world, const Environment& environment) {
  const auto says = [&](const char* name, const std::string& value) {
    const char* text = environment(name);
    return text != nullptr && text == value;
  };
  return says("LOCAL_WORLD_SIZE", std::to_string(world.ranks)) || says("SLURM_STEP_NUM_NODES", "1");
}

}  // namespace

Result<std::string> run_secret(const Environment& environment) {
  const char* secret = environment(kSecretVariable);
  const char* path = environment(kSecretFileVariable);
  if (secret != nullptr && path != nullptr) {
    return invalid(fmt::format("{} and {} are both set: one secret is enough", kSecretVariable, kSecretFileVariable));
  }
  if (path != nullptr) return read_secret(path);
  if (secret == nullptr) return std::string();
  PIPELOOM_RETURN_IF_ERROR(check_length(secret, kSecretVariable));
  return std::string(secret);
}

Result<TcpWorld> secured(TcpWorld world, const Environment& environment) {
  PIPELOOM_TRY(world.secret, run_secret(environment));
  if (!world.secret.empty() || is_loopback(world.host)) return world;
  if (all_ranks_are_here(world, environment)) {
    world.host = "127.0.0.1";
    return world;
  }
  return invalid(
      fmt::format("ranks that meet at {} can be reached from other machines, and need a secret that keeps strangers "
                  "out: set {} to the same random text for all ranks, or {} to a file of mode 600 that holds it",
                  world.host, kSecretVariable, kSecretFileVariable));
}

}  // namespace pipeloom::backend
