#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/job/model.h"

namespace pipeloom::proto {

// The model that a HuggingFace config.json describes. `name` (a path) is only for messages. An unknown model_type's
// error lists the known ones; a missing, mistyped or impossible field is named.
Result<Model> model_from_huggingface(std::string_view json, const std::string& name);

}  // namespace pipeloom::proto
