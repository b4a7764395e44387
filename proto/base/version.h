#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom::proto {

// Of jobs, plans and traces. Grows when an older Pipeloom would misread a file.
inline constexpr uint32_t kFormatVersion = 1;

// Every plan and trace file starts with its kind and its format version, fields 1 and 2 of its message.
inline constexpr std::string_view kPlanKind = "pipeloom plan";
inline constexpr std::string_view kTraceKind = "pipeloom trace";

// Returns which of these a file, or its first bytes, starts with; empty: none.
std::string_view kind_of(std::string_view content);

// "plan.pb has format version 7; this pipeloom reads up to 1: update pipeloom", where that is so.
Status check_version(std::string_view path, uint64_t format_version);

// Refuses what is not a file of `kind`, saying what it seems to be instead, or of a newer version.
Status check_header(std::string_view path, std::string_view content, std::string_view kind);

// The same error with "path: " before its message.
Error in_file(std::string_view path, Error error);

}  // namespace pipeloom::proto
