#pragma once

#include "core/job/model.h"
#include "proto/megatron/options.h"

namespace pipeloom::proto {

// The model that Megatron-LM's arguments describe, with its defaults (megatron/training/arguments.py) where they say
// nothing; the vocabulary is padded as it does for `tensor` ways. What is missing or wrong, the options remember; the
// model is for make_model to check.
Model model_from_arguments(ArgumentOptions& options, int tensor);

}  // namespace pipeloom::proto
