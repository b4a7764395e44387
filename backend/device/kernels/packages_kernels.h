#pragma once

#include <cstdint>

#include "backend/device/kernels/gate_kernels.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// Dispatch and combine on the GPU: rows to and from the order of the experts. backend/model/expert_rows.h and
// exchange.h have the maths and are the reference; here sizes are fixed, so that a captured step can run with other
// choices.
//
// A package is what one member of an EP group gets from another: how many rows each of the member's experts gets, then
// a weight for each row, then the rows, sorted by expert and then by token, as far as they go. A set of packages has
// one per member, one after the other. Rows are BF16, or FP8 with a scale for every 1x128 as kept.h has them.
struct PackageShape {
  GateShape gate;
  int members = 1;
  int64_t width = 0;  // numbers of a row
  Format format = Format::kBf16;

  int experts_per_member() const { return gate.experts / members; }
  // The most rows that a member can get from one other: every token goes to an expert once.
  PIPELOOM_BOTH int64_t rows() const {
    const int held = gate.experts / members;
    return gate.tokens * (gate.per_token < held ? gate.per_token : held);
  }
  PIPELOOM_BOTH int64_t weights_at() const { return whole(static_cast<int64_t>(gate.experts / members) * 4); }
  PIPELOOM_BOTH int64_t rows_at() const { return weights_at() + whole(rows() * 4); }
  PIPELOOM_BOTH int64_t row_bytes() const {
    if (format == Format::kBf16) return 2 * width;
    return (width + kFormatTile - 1) / kFormatTile * 4 + (width + 3) / 4 * 4;
  }
  PIPELOOM_BOTH int64_t bytes() const { return rows_at() + whole(rows() * row_bytes()); }
  int64_t set_bytes() const { return members * bytes(); }
  // Of all packages of a set.
  int64_t places() const { return members * rows(); }

  PIPELOOM_BOTH static int64_t whole(int64_t bytes) { return (bytes + 255) / 256 * 256; }
};

// Where every choice of a token (number token * per_token + i) is in a set of packages.
struct PackageOrder {
  int32_t* choices = nullptr;  // [places] the choice there; -1: none
  int32_t* places = nullptr;   // [gate.choices()]
  int32_t* counts = nullptr;   // [experts]
};

void order_choices(const SmStream& stream, const PackageShape& shape, const int32_t* chosen, const PackageOrder& order);
// Fills the packages with the tokens' rows [tokens, width] and their headers; with the choices' weights unless those
// are null.
void pack_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order, const Bf16* rows,
               const float* weights, unsigned char* packages);
// Adds to `tokens` [tokens, width] the rows of its choices, times their weights, in the order of the experts.
void add_weighed_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order,
                      const float* weights, const unsigned char* packages, Bf16* tokens);
// Adds to `tokens` [tokens, width] the rows of its choices, and takes the weights that are packed with them.
void add_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order,
              const unsigned char* packages, float* tokens, float* weights);

// What the experts of one member work on: for each of them the rows of every source, each source padded with rows of
// zeros to gate.tokens, as [expert][source][gate.tokens][width].
inline int64_t padded_rows_per_expert(const PackageShape& shape) {
  return shape.members * shape.gate.tokens;
}
// `received`: a set of packages, one from each source. `counts` [source][expert] is set.
void read_headers(const SmStream& stream, const PackageShape& shape, const unsigned char* received, int32_t* counts);
// Its rows; and their weights, as `padded` without a width, unless that is null.
void spread_packages(const SmStream& stream, const PackageShape& shape, const unsigned char* received,
                     const int32_t* counts, float* padded, float* weights);
// The other way: a package for each source.
void gather_packages(const SmStream& stream, const PackageShape& shape, const float* padded, const float* weights,
                     const int32_t* counts, unsigned char* packages);

}  // namespace pipeloom::backend
