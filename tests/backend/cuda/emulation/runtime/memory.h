#pragma once

#include <cstddef>
#include <string>
#include <vector>

// What has been allocated on the emulated GPUs and pinned on the host. Called with the machine's lock held.
namespace pipeloom::emulation {

enum class MemoryKind { kUnknown, kDevice, kPinned };

// kUnknown: any other memory of the process.
MemoryKind kind_of(const void* address);
// Whether the range lies in one allocation of a device.
bool is_device_range(const void* begin, size_t bytes);
void reset_memory();
std::vector<std::string> leaked_memory();

}  // namespace pipeloom::emulation
