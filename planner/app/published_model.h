#pragma once

#include <functional>
#include <string>

#include "core/job/model.h"
#include "planner/app/published_settings.h"

namespace pipeloom::planner {

// The text of a model's config.json, by the name that the column `model` gives.
using ModelTexts = std::function<Result<std::string>(const std::string& name)>;

// The model of a published training: its file, changed as the columns model_* say.
Result<Model> published_model(PublishedSettings& settings, const ModelTexts& texts);

}  // namespace pipeloom::planner
