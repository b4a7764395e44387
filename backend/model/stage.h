#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/model/part.h"
#include "core/costs/component.h"

namespace pipeloom::backend {

// A parameter of a stage, known by the same name in every cut of the model into stages: "layer3.attention.output".
struct StageParameter {
  std::string name;
  int64_t offset = 0;  // in the stage's numbers
  Parameter parameter;
};

// The maths of one stage as one rank of an EP group holds it. Its numbers (weights, gradients, ...) are one array:
// first what all replicas share, of that first the tables, then the rank's routed experts. Immutable.
template <typename Real>
class Stage {
 public:
  struct Placed {
    int layer = 0;  // as ComponentCost::layer
    Component component = Component::kStage;
    bool weight_pass = true;  // false: the program has no W for the component; I does it too
    std::unique_ptr<Part<Real>> part;
    int64_t own = 0;  // offsets in the stage's numbers
    int64_t routed = 0;

    OfTables<int64_t> tables = {};  // of those that the part uses and the stage has

    // Without the tables that the stage borrows.
    template <typename Number>
    PartNumbers<Number> in(Number* numbers) const {
      return {numbers + own, numbers + routed, {numbers + tables[0], numbers + tables[1]}};
    }
  };
  // Whose token table the stage uses, if any of its parts does.
  enum class Tokens : uint8_t { kOwn, kBorrowed };

  Stage(const Model& model, const StageProgram& program, const PartShape& shape, const Arithmetic<Real>& arithmetic,
        Tokens tokens = Tokens::kOwn);

  const std::vector<Placed>& parts() const { return parts_; }  // in the order of F
  // REQUIRES: the program has it.
  int find(int layer, Component component) const;
  bool has(Component component) const;

  // Where a table begins that the stage has, or none; tables come first.
  std::optional<int64_t> table(Table which) const { return tables_[number_of(which)]; }
  int64_t own_size() const { return own_size_; }
  int64_t size() const { return size_; }
  const std::vector<StageParameter>& parameters() const { return parameters_; }

 private:
  void place_tables(Tokens tokens);
  void add_parameters(const Placed& placed);

  int layers_;  // of the model
  std::vector<Placed> parts_;
  OfTables<std::optional<int64_t>> tables_;
  int64_t own_size_ = 0;
  int64_t size_ = 0;
  std::vector<StageParameter> parameters_;
};

// The same numbers for the same parameter and seed, however the model is cut.
void fill_initial(const StageParameter& parameter, uint64_t seed, float* numbers);

// Every component of `model` as one stage.
StageProgram whole_program(const Model& model);

}  // namespace pipeloom::backend
