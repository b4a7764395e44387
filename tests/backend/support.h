#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "backend/model/matrix.h"
#include "core/job/job.h"

namespace pipeloom {

void PrintTo(const Model& model, std::ostream* out);

}  // namespace pipeloom

namespace pipeloom::tests {

// Numbers between -1 and 1, the same on every machine.
std::vector<double> random_numbers(int64_t count, uint64_t seed);
template <typename Real>
backend::Matrix<Real> random_matrix(int64_t rows, int64_t columns, uint64_t seed) {
  backend::Matrix<Real> matrix(rows, columns);
  const std::vector<double> numbers = random_numbers(matrix.size(), seed);
  for (int64_t i = 0; i < matrix.size(); ++i) matrix.numbers()[i] = static_cast<Real>(numbers[i]);
  return matrix;
}

// Models of 8 layers that a test can train, with every kind of component between them.
Model tiny_dense(int layers = 8);  // grouped-query attention, SwiGLU
Model tiny_gpt();                  // learned positions, GELU
Model tiny_moe();               // MLA with query compression; a dense layer, then MoE with a shared expert and groups
Model tiny_v3(int layers = 8);  // the same with sigmoid gates, biases, a balance loss and an MTP module
Model tiny_mixtral();           // grouped-query attention, MoE without shared experts

// `model` on ranks * data CPU-like devices, with `micro_batches` of two sequences of 3 tokens per replica.
Job training_job(const Model& model, int ranks, int micro_batches, int data = 1, int expert = 1);

// English of some hundred bytes, for byte tokens.
std::string some_text();

}  // namespace pipeloom::tests
