#include "backend/model/tensor_core.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace pipeloom::backend {

namespace {

constexpr uint32_t kExponentMask = 0x7f800000;
constexpr int kFloatFraction = 23;

// One row of sums on a tensor core. Vectors of columns: the inner loops are what a compiler makes vectors of.
class SumRow {
 public:
  SumRow(int64_t columns, int bits) : bits_(bits), sums_(columns), unit_(columns), inverse_(columns), whole_(columns) {}

  // Adds a[k] b[k][.] over one group.
  void add_group(const float* a, View<const float> b) {
    find_units(a, b);
    const auto columns = static_cast<int64_t>(sums_.size());
    for (int64_t j = 0; j < columns; ++j) whole_[j] = static_cast<int32_t>(sums_[j] * inverse_[j]);
    for (int64_t k = 0; k < b.rows; ++k) {
      const float factor = a[k];
      const float* in = b.row(k);
      for (int64_t j = 0; j < columns; ++j) whole_[j] += static_cast<int32_t>(factor * in[j] * inverse_[j]);
    }
    for (int64_t j = 0; j < columns; ++j) sums_[j] = static_cast<float>(whole_[j]) * unit_[j];
  }

  void move_to(float* out) {
    for (size_t j = 0; j < sums_.size(); ++j) out[j] += sums_[j];
    std::fill(sums_.begin(), sums_.end(), 0.f);
  }

 private:
  // What the last of `bits_` bits is worth where the largest of the group's terms has the first.
  void find_units(const float* a, View<const float> b) {
    const auto columns = static_cast<int64_t>(sums_.size());
    for (int64_t j = 0; j < columns; ++j) unit_[j] = std::abs(sums_[j]);
    for (int64_t k = 0; k < b.rows; ++k) {
      const float factor = std::abs(a[k]);
      const float* in = b.row(k);
      for (int64_t j = 0; j < columns; ++j) unit_[j] = std::max(unit_[j], factor * std::abs(in[j]));
    }
    const uint32_t below = static_cast<uint32_t>(bits_ - 1) << kFloatFraction;
    for (int64_t j = 0; j < columns; ++j) {
      const uint32_t exponent = std::bit_cast<uint32_t>(unit_[j]) & kExponentMask;
      // Nothing but zeros: any unit will do.
      const uint32_t unit = exponent > below ? exponent - below : uint32_t{1} << kFloatFraction;
      unit_[j] = std::bit_cast<float>(unit);
      inverse_[j] = 1 / unit_[j];
    }
  }

  int bits_;
  std::vector<float> sums_;
  std::vector<float> unit_;
  std::vector<float> inverse_;
  std::vector<int32_t> whole_;
};

}  // namespace

void add_tensor_core_product(View<const float> a, View<const float> b, const Accumulation& how, View<float> c) {
  PIPELOOM_THROW_UNLESS(a.columns == b.rows && a.rows == c.rows && b.columns == c.columns);
  PIPELOOM_THROW_UNLESS(how.bits >= 2 && how.bits <= 24 && how.group > 0 && how.promote_every % how.group == 0);
  SumRow sums(b.columns, how.bits);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t k = 0; k < a.columns; k += how.group) {
      const int64_t count = std::min<int64_t>(how.group, a.columns - k);
      sums.add_group(a.row(i) + k, b.rows_at(k, count));
      if (how.promote_every > 0 && (k + count) % how.promote_every == 0) sums.move_to(c.row(i));
    }
    sums.move_to(c.row(i));
  }
}

}  // namespace pipeloom::backend
