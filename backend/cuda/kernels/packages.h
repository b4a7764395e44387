#pragma once

#include <cstdint>

#include "backend/cuda/kernels/gate.h"

namespace pipeloom {

// Dispatch and combine on the GPU: rows to and from the order of the experts. backend/model/expert_rows.h and
// exchange.h have the maths and are the reference; here sizes are fixed, so that a captured step can run with other
// choices.
//
// A package is what one member of an EP group gets from another: how many rows each of the member's experts gets, then
// the rows, sorted by expert and then by token, as far as they go. A set of packages has one per member, one after the
// other.
struct PackageShape {
  GateShape gate;
  int members = 1;
  int64_t width = 0;  // numbers of a row

  int experts_per_member() const { return gate.experts / members; }
  // The most rows that a member can get from one other: every token goes to an expert once.
  PIPELOOM_BOTH int64_t rows() const {
    const int held = gate.experts / members;
    return gate.tokens * (gate.per_token < held ? gate.per_token : held);
  }
  PIPELOOM_BOTH int64_t header_bytes() const {
    return (static_cast<int64_t>(gate.experts / members) * 4 + 255) / 256 * 256;
  }
  PIPELOOM_BOTH int64_t bytes() const { return header_bytes() + (rows() * width * 2 + 255) / 256 * 256; }
  int64_t set_bytes() const { return members * bytes(); }
  // Of all packages of a set.
  int64_t places() const { return members * rows(); }
};

// Where every choice of a token (number token * per_token + i) is in a set of packages.
struct PackageOrder {
  int32_t* choices = nullptr;  // [places] the choice there; -1: none
  int32_t* places = nullptr;   // [gate.choices()]
  int32_t* counts = nullptr;   // [experts]
};

void order_choices(const SmStream& stream, const PackageShape& shape, const int32_t* chosen, const PackageOrder& order);
// Fills the packages with the tokens' rows [tokens, width] and their headers.
void pack_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order, const Bf16* rows,
               unsigned char* packages);
// Adds to `tokens` [tokens, width] the rows of its choices, times their weights unless those are null, in the order of
// the experts.
void add_packed_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order, const float* weights,
                     const unsigned char* packages, float* tokens);
// The gradients of add_packed_rows: of the rows, into other packages; and of the weights [gate.choices()].
void add_packed_rows_backward(const SmStream& stream, const PackageShape& shape, const PackageOrder& order,
                              const float* weights, const unsigned char* packages, const float* tokens_gradient,
                              unsigned char* packages_gradient, float* weights_gradient);

// What the experts of one member work on: for each of them the rows of every source, each source padded with rows of
// zeros to gate.tokens, as [expert][source][gate.tokens][width].
inline int64_t padded_rows_per_expert(const PackageShape& shape) {
  return shape.members * shape.gate.tokens;
}
// `received`: a set of packages, one from each source. `counts` [source][expert] is set.
void spread_packages(const SmStream& stream, const PackageShape& shape, const unsigned char* received, int32_t* counts,
                     Bf16* padded);
// `received` without headers, which are in `counts` already: gradients.
void spread_gradients(const SmStream& stream, const PackageShape& shape, const unsigned char* received,
                      const int32_t* counts, Bf16* padded);
// The other way: a package for each source.
void gather_packages(const SmStream& stream, const PackageShape& shape, const float* padded, const int32_t* counts,
                     unsigned char* packages);

}  // namespace pipeloom
