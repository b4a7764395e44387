#pragma once

#include <span>
#include <vector>

#include "backend/model/adam.h"
#include "backend/model/square_sum.h"
#include "backend/model/stage.h"
#include "core/result.h"

namespace pipeloom {

// How gradients are added up.
enum class Sums {
  kFloat,       // as they come: fast; the bits depend on the order
  kFixedPoint,  // check mode: the same bits in any order
};

// What one copy of a stage keeps through the steps: weights, the sums of the gradients, the optimizer's state. All have
// the layout of the stage's numbers.
class ChunkState {
 public:
  // `contributions`: how many micro-batches, of all replicas, add to a sum.
  ChunkState(const Stage<float>& stage, Sums sums, int64_t contributions, uint64_t seed);

  const Stage<float>& stage() const { return *stage_; }
  std::span<float> weights() { return weights_; }
  std::span<const float> weights() const { return weights_; }
  std::span<float> first() { return first_; }    // of Adam
  std::span<float> second() { return second_; }  // of Adam

  void forward(int part, PartRun<float>& run, Flow<float>& flow) const;
  // Runs W too where the program leaves it to I.
  Status input_backward(int part, PartRun<float>& run, Flow<float>& flow);
  Status weight_backward(int part, PartRun<float>& run);

  // The sums of some numbers as bytes that another replica can add to its own, in kind and in number the same.
  std::vector<std::byte> sums_of(int64_t begin, int64_t count) const;
  // Sets the sums of some numbers to those of all replicas, added in the order given. REQUIRES: sizes as from sums_of.
  void set_sums(int64_t begin, int64_t count, const std::vector<std::vector<std::byte>>& replicas);

  // Adds the squares of some numbers' gradients.
  Status add_squares(int64_t begin, int64_t count, SquareSum& squares) const;
  // Adam for some numbers, with their gradients times `scale`; the gradients of all are zero after `clear_sums`.
  void optimize(const AdamOptions& options, int64_t step, double scale, int64_t begin, int64_t count);
  void clear_sums();

 private:
  float gradient(int64_t number) const;
  Status add_piece(int part, PartRun<float>& run, int piece);

  const Stage<float>* stage_;
  Sums sums_;
  int64_t contributions_;
  std::vector<float> weights_;
  std::vector<float> first_;
  std::vector<float> second_;
  std::vector<float> float_sums_;    // kFloat
  std::vector<int64_t> fixed_sums_;  // kFixedPoint
};

}  // namespace pipeloom
