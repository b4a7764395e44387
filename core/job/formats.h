#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.h"

namespace pipeloom {

// How a number is stored. Stored in plans: values never change.
enum class Format : uint8_t {
  kFp32 = 0,
  kFp16 = 1,
  kBf16 = 2,
  kE5m6 = 3,  // 12 bits, with an FP32 scale for each kFormatTile numbers of a row
  kFp8 = 4,   // E4M3, scaled alike
};
const char* format_name(Format format);  // "FP32", "FP8", ...

// DeepSeek-V3 report (arXiv 2412.19437), sections 3.3.2 and 3.3.3: tiles of 1x128.
inline constexpr int64_t kFormatTile = 128;

// Bytes of a row of `width` numbers, its scales included. A width that is not whole is an average.
double row_bytes(Format format, double width);

// What a job says of single formats; what it leaves out follows from its precision.
struct FormatChoice {
  std::optional<Format> attention = {};
  std::optional<Format> mlp = {};
  std::optional<Format> cached = {};
  std::optional<Format> cached_core = {};
  std::optional<Format> dispatch = {};
  std::optional<Format> combine = {};
  std::optional<Format> moments = {};

  bool operator==(const FormatChoice&) const = default;
};

// Which component has its numbers in which format: what costs, memory and execution all read. Weights are updated and
// gradients summed in FP32 everywhere.
struct Formats {
  // Factors of attention's products by weights, and of the products of MLPs, experts and the projections of MTP
  // modules: weights, what they multiply, and the gradients of results, which W has in the same format as I.
  Format attention = Format::kBf16;
  Format mlp = Format::kBf16;
  Format rest = Format::kBf16;    // factors of attention itself, gate and head; the residual stream; what norms read
  Format cached = Format::kBf16;  // what products by weights and activation functions read, kept for the backward
  Format cached_core = Format::kBf16;  // what attention's output projection reads, kept
  Format dispatch = Format::kBf16;     // rows on their way to experts; their gradients on combine's way back
  Format combine = Format::kBf16;      // rows on their way home; their gradients on dispatch's way back
  Format moments = Format::kFp32;      // of Adam

  bool operator==(const Formats&) const = default;
};

// Fails where a part is in a format that it can't have.
Status check_formats(const FormatChoice& choice);

}  // namespace pipeloom
