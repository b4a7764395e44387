#pragma once

#include <span>
#include <vector>

#include "backend/model/adam.h"
#include "backend/model/moments.h"
#include "backend/model/square_sum.h"
#include "backend/model/stage.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// How gradients are added up.
enum class Sums {
  kFloat,       // as they come: fast; the bits depend on the order
  kFixedPoint,  // check mode: the same bits in any order
};

// How the biases of experts move.
struct LoadBalance {
  double step = 0;
  double even_load = 0;  // tokens of one expert in one step, were all alike
};

// Sums of these over all parts of a model are equal where its numbers are, however they are spread: of some numbers of
// a stage, named by its parameters.
uint64_t numbers_digest(const std::vector<StageParameter>& parameters, const NumberRange& range,
                        std::span<const float> numbers);

// What one copy of a stage keeps through the steps: weights, the sums of the gradients, the optimizer's state. All have
// the layout of the stage's numbers; of the optimizer's state only what this copy optimizes is there.
class ChunkState {
 public:
  // `contributions`: how many micro-batches, of all replicas, add to a sum.
  ChunkState(const Stage<float>& stage, Sums sums, int64_t contributions, uint64_t seed);

  // Its parts use the token table of `lender`, which another chunk of the rank is, and add their gradients to the
  // lender's. REQUIRES: the stage was made to borrow it; the lender outlives this.
  void borrow_tokens(ChunkState& lender) { lender_ = &lender; }
  // Once, before the first step: which numbers this copy optimizes, and how it stores Adam's moments.
  void own_moments(std::span<const NumberRange> ranges, Format format);
  std::vector<Moments>& moments() { return moments_; }
  // Moving averages of the weights that this copy optimizes, range by range; they begin as the initial weights.
  void own_averages();
  std::vector<std::vector<float>>& averages() { return averages_; }
  // May run while other threads read weights.
  void update_averages(double decay);
  // numbers_digest of the averages.
  uint64_t averages_digest() const;

  const Stage<float>& stage() const { return *stage_; }
  std::span<float> weights() { return weights_; }
  std::span<const float> weights() const { return weights_; }

  void forward(int part, PartRun<float>& run, Flow<float>& flow) const;
  // Runs W too where the program leaves it to I.
  Status input_backward(int part, PartRun<float>& run, Flow<float>& flow);
  Status weight_backward(int part, PartRun<float>& run);

  // The sums of some numbers as bytes that another replica can add to its own, in kind and in number the same.
  std::vector<std::byte> sums_of(int64_t begin, int64_t count) const;
  // Sets the sums of some numbers to those of all replicas, added in the order given. REQUIRES: sizes as from sums_of.
  void set_sums(int64_t begin, int64_t count, const std::vector<std::vector<std::byte>>& replicas);

  // Adds the squares of some numbers' gradients; loads are none.
  Status add_squares(int64_t begin, int64_t count, SquareSum& squares) const;
  // Adam for range `number` of own_moments, with their gradients times `scale`; biases follow their loads. The
  // gradients of all are zero after `clear_sums`.
  void optimize(const AdamOptions& options, const LoadBalance& balance, int64_t step, double scale, size_t number);
  void clear_sums();

 private:
  float gradient(int64_t number) const;
  bool is_load(int64_t number) const;
  void move_biases(const LoadBalance& balance, const NumberRange& range);
  PartNumbers<const float> weights_of(int part) const;
  // The chunk whose numbers a table of a part is among.
  ChunkState& owner_of(Table table);
  int64_t place_of(Table table) const;
  Status add_piece(int part, PartRun<float>& run, int piece);
  Status add_rounded(int part, PartRun<float>& run, int piece);

  const Stage<float>* stage_;
  ChunkState* lender_ = nullptr;
  Sums sums_;
  int64_t contributions_;
  std::vector<float> weights_;
  std::vector<Moments> moments_;
  std::vector<std::vector<float>> averages_;
  std::vector<NumberRange> biases_;  // of experts
  std::vector<float> float_sums_;    // kFloat
  std::vector<int64_t> fixed_sums_;  // kFixedPoint
};

}  // namespace pipeloom::backend
