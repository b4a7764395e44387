#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pipeloom {

// How a kernel copies a message within a GPU. Stored in plans: values never change.
enum class CopyMethod : uint8_t {
  kLoadStore = 0,          // threads load and store 16 bytes at a time, without cache hints
  kStreaming = 1,          // the same, leaving L1 alone, with 256-byte reads into L2
  kStreamingReadOnly = 2,  // the same through the read-only path: only where nobody writes what is read meanwhile
  kBulk = 3,               // the SM's bulk-copy engine, through shared memory
};
inline constexpr std::array kCopyMethods = {CopyMethod::kLoadStore, CopyMethod::kStreaming,
                                            CopyMethod::kStreamingReadOnly, CopyMethod::kBulk};

const char* copy_method_name(CopyMethod method);  // "load-store", "streaming", "streaming-read-only", "bulk"
std::optional<CopyMethod> find_copy_method(std::string_view name);

}  // namespace pipeloom
