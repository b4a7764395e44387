#pragma once

#include "core/model.h"

namespace pipeloom {

namespace proto {
class Model;
}

void store_model(const Model& model, proto::Model* message);
Result<Model> load_model(const proto::Model& message);

}  // namespace pipeloom
