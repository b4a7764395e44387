#include "backend/model/tables.h"

namespace pipeloom::backend {

Parameter table_parameter(Table table, const Model& model) {
  if (table == Table::kTokens) return {"tokens", model.vocabulary, model.hidden, kTableDeviation};
  return {"logits", model.hidden, model.vocabulary, kTableDeviation};
}

}  // namespace pipeloom::backend
