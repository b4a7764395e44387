#pragma once

#include "core/job/model.h"

namespace pipeloom::message {

class Model;

}  // namespace pipeloom::message

namespace pipeloom::proto {

void store_model(const Model& model, message::Model* message);
Result<Model> load_model(const message::Model& message);

}  // namespace pipeloom::proto
