// What the compiler made of the cache hints: read from the machine code of the built library.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>

namespace pipeloom::tests {
namespace {

// The instructions of every kernel, by its mangled name; empty: there is no cuobjdump.
std::map<std::string, std::string> machine_code() {
  std::map<std::string, std::string> code;
#ifdef PIPELOOM_CUOBJDUMP
  const std::string command = std::string(PIPELOOM_CUOBJDUMP) + " -sass " + PIPELOOM_CUDA_LIBRARY + " 2>/dev/null";
  FILE* out = popen(command.c_str(), "r");
  if (out == nullptr) return code;
  std::string name;
  std::array<char, 512> line = {};
  while (fgets(line.data(), line.size(), out) != nullptr) {
    const std::string text = line.data();
    const std::string begin = "Function : ";
    if (const size_t at = text.find(begin); at != std::string::npos) {
      name = text.substr(at + begin.size());
    } else if (!name.empty()) {
      code[name] += text;
    }
  }
  pclose(out);
#endif
  return code;
}

struct Hints {
  const char* what;
  const char* kernel;  // part of its name
  bool streaming = false;
  bool read_only = false;
  bool bulk = false;
};

TEST(Sass, HasTheCacheHintsThatWereAskedForAndNoOthers) {
  const auto code = machine_code();
  if (code.empty()) {
    GTEST_SKIP() << "no cuobjdump was found when this was configured (CUDA toolkit; also PyPI's nvidia-cuda-cuobjdump "
                    "with nvidia-cuda-nvdisasm): the machine code was not looked at";
  }
  const Hints kAll[] = {{"load-store", "load_store_kernelILNS_10CacheHintsE0E"},
                        {"streaming", "load_store_kernelILNS_10CacheHintsE1E", true},
                        {"streaming-read-only", "load_store_kernelILNS_10CacheHintsE2E", true, true},
                        {"bulk", "bulk_kernel", false, false, true},
                        {"forward dispatch without", "forward_kernelILNS_10CacheHintsE0ELb1E"},
                        {"forward dispatch with", "forward_kernelILNS_10CacheHintsE1ELb1E", true},
                        {"forward combine without", "forward_kernelILNS_10CacheHintsE0ELb0E"},
                        {"forward combine with", "forward_kernelILNS_10CacheHintsE1ELb0E", true}};
  for (const Hints& hints : kAll) {
    SCOPED_TRACE(hints.what);
    std::string found;
    for (const auto& [name, text] : code) {
      if (name.find(hints.kernel) != std::string::npos) found += text;
    }
    ASSERT_FALSE(found.empty());
    const auto has = [&](const char* instruction) { return found.find(instruction) != std::string::npos; };
    // L1::no_allocate is .NA, L2::256B is .LTC256B, the read-only path .CONSTANT.
    EXPECT_EQ(has("LDG.E.NA.LTC256B.128"), hints.streaming);
    EXPECT_EQ(has("STG.E.NA.128"), hints.streaming);
    EXPECT_EQ(has("LDG.E.NA.LTC256B.128.CONSTANT"), hints.read_only);
    EXPECT_EQ(has("LDG.E.128 ") && has("STG.E.128 "), !hints.streaming && !hints.bulk);
    EXPECT_EQ(has("UBLKCP.S.G") && has("UBLKCP.G.S"), hints.bulk);
  }
}

}  // namespace
}  // namespace pipeloom::tests
