#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/job/software.h"

namespace pipeloom {

// What a framework's own recipes set, as of a month. A job names it and changes what it does otherwise.
struct SoftwarePreset {
  std::string_view name;
  std::string_view date;
  std::string_view summary;
  void (*set)(Software& software) = nullptr;
};
std::span<const SoftwarePreset> software_presets();

// The software that a preset describes, without rates. The error of an unknown name lists the known ones.
Result<Software> software_preset(const std::string& name);

}  // namespace pipeloom
