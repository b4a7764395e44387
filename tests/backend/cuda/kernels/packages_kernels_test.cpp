#include "backend/device/kernels/packages_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/model/exchange.h"
#include "backend/model/keeping.h"
#include "backend/model/low_precision.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Packages);

// Choices of different experts per token, most of them the first ones.
std::vector<int32_t> some_choices(const backend::GateShape& gate) {
  std::vector<int32_t> chosen;
  for (int64_t token = 0; token < gate.tokens; ++token) {
    std::vector<int32_t> own;
    for (int64_t i = 0; static_cast<int>(own.size()) < gate.per_token; ++i) {
      const auto expert = static_cast<int32_t>((token * token + i * (i + 1) / 2) % gate.experts);
      if (std::ranges::find(own, expert) == own.end()) own.push_back(expert);
    }
    std::ranges::sort(own);
    chosen.insert(chosen.end(), own.begin(), own.end());
  }
  return chosen;
}

backend::PackageShape shape_of(int64_t tokens, int experts, int per_token, int members, int64_t width,
                               Format format = Format::kBf16) {
  backend::PackageShape shape;
  shape.format = format;
  shape.gate = {tokens, experts, 1, 1, per_token};
  shape.members = members;
  shape.width = width;
  return shape;
}

const backend::PackageShape kShapes[] = {shape_of(1, 1, 1, 1, 1),
                                         shape_of(7, 4, 2, 1, 5),
                                         shape_of(9, 8, 3, 4, 16),
                                         shape_of(300, 6, 2, 2, 8),
                                         shape_of(20, 32, 8, 8, 40),
                                         shape_of(7, 4, 2, 1, 5, Format::kFp8),
                                         shape_of(9, 8, 3, 4, 300, Format::kFp8)};

// One rank's dispatch and combine with itself in every member's place, as the reference does them on the host.
struct Host {
  explicit Host(const backend::PackageShape& shape)
      : dispatch({shape.gate.experts, shape.gate.per_token, shape.members, formats(shape.format)}),
        combine({shape.gate.experts, shape.gate.per_token, shape.members, formats(shape.format)}) {
    flow.routing.experts = some_choices(shape.gate);
    flow.routing.weights = random_floats(shape.gate.choices(), 31);
    flow.normed = backend::Matrix<float>(shape.gate.tokens, shape.width);
    flow.normed.numbers() = widened(rounded_to_bf16(random_floats(shape.gate.tokens * shape.width, 32)));
    flow.hidden = backend::Matrix<float>(shape.gate.tokens, shape.width);
    flow.hidden.numbers() = widened(rounded_to_bf16(random_floats(shape.gate.tokens * shape.width, 33)));
  }
  // The packages have it, all else is exact.
  static Formats formats(Format format) {
    Formats formats = backend::Keeping::exact();
    formats.dispatch = formats.combine = format;
    return formats;
  }

  backend::Flow<float> flow;
  pipeloom::backend::Dispatch<float> dispatch;
  pipeloom::backend::Combine<float> combine;
  pipeloom::backend::Dispatch<float>::Saved dispatched;
  pipeloom::backend::Combine<float>::Saved combined;
};

struct Device {
  explicit Device(const backend::PackageShape& shape, const Host& host)
      : chosen(host.flow.routing.experts),
        weights(host.flow.routing.weights),
        normed(rounded_to_bf16(host.flow.normed.numbers())),
        hidden(rounded_to_bf16(host.flow.hidden.numbers())),
        choices(shape.places()),
        places(shape.gate.choices()),
        counts(shape.gate.experts),
        packages(shape.set_bytes()),
        order{choices, places, counts} {
    backend::order_choices(device_stream(), shape, chosen, order);
    backend::pack_rows(device_stream(), shape, order, normed, weights, packages);
  }
  DeviceArray<int32_t> chosen;
  DeviceArray<float> weights;
  DeviceArray<backend::Bf16> normed;
  DeviceArray<backend::Bf16> hidden;
  DeviceArray<int32_t> choices, places, counts;
  DeviceArray<unsigned char> packages;
  backend::PackageOrder order;
};

// What a set of packages holds, as the host's.
std::vector<backend::ExpertRows<float>> unpacked(const backend::PackageShape& shape,
                                                 const std::vector<unsigned char>& bytes) {
  std::vector<backend::ExpertRows<float>> result;
  for (int member = 0; member < shape.members; ++member) {
    const unsigned char* begin = bytes.data() + member * shape.bytes();
    const auto* counts = reinterpret_cast<const int32_t*>(begin);
    backend::ExpertRows<float>& rows = result.emplace_back();
    rows.counts.assign(counts, counts + shape.experts_per_member());
    int64_t count = 0;
    for (const int32_t of_expert : rows.counts) count += of_expert;
    rows.rows = backend::Matrix<float>(count, shape.width);
    const auto* weights = reinterpret_cast<const float*>(begin + shape.weights_at());
    rows.weights.assign(weights, weights + count);
    for (int64_t row = 0; row < count; ++row) {
      const unsigned char* stored = begin + shape.rows_at() + row * shape.row_bytes();
      const int64_t tiles = (shape.width + kFormatTile - 1) / kFormatTile;
      for (int64_t j = 0; j < shape.width; ++j) {
        const bool bf16 = shape.format == Format::kBf16;
        const float scale = bf16 ? 1 : reinterpret_cast<const float*>(stored)[j / kFormatTile];
        rows.rows.row(row)[j] =
            bf16 ? backend::decode(reinterpret_cast<const backend::Bf16*>(stored)[j].bits, backend::kBf16Format)
                 : backend::decode(stored[tiles * 4 + j], backend::kE4m3Format) * scale;
      }
    }
  }
  return result;
}

DEVICE_TEST(Packages, HoldWhatTheReferenceSends) {
  for (const backend::PackageShape& shape : kShapes) {
    Host host(shape);
    const auto expected = host.dispatch.pack_forward(host.flow, host.dispatched);
    const Device device(shape, host);
    const auto actual = unpacked(shape, device.packages.numbers());
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t member = 0; member < expected.size(); ++member) {
      EXPECT_EQ(actual[member].counts, expected[member].counts);
      EXPECT_EQ(actual[member].rows, expected[member].rows);
      EXPECT_EQ(actual[member].weights, expected[member].weights);
    }
  }
}

DEVICE_TEST(Packages, ComeBackToTheirTokensAsTheReference) {
  for (const backend::PackageShape& shape : kShapes) {
    Host host(shape);
    auto rows = host.dispatch.pack_forward(host.flow, host.dispatched);
    const std::vector<float> weights = host.flow.routing.weights;
    const Device device(shape, host);
    backend::add_weighed_rows(device_stream(), shape, device.order, device.weights, device.packages, device.hidden);
    host.combine.unpack_forward(rows, host.flow, host.combined);
    EXPECT_LT(relative_difference(device.hidden.numbers(), host.flow.hidden.numbers()), 0.004);

    const DeviceArray<float> tokens(std::vector<float>(static_cast<size_t>(shape.gate.tokens * shape.width)));
    const DeviceArray<float> device_weights(shape.gate.choices());
    backend::add_rows(device_stream(), shape, device.order, device.packages, tokens, device_weights);
    host.flow.normed = backend::Matrix<float>(shape.gate.tokens, shape.width);
    host.dispatch.unpack_backward(rows, host.flow, host.dispatched);
    EXPECT_LT(relative_difference(tokens.numbers(), host.flow.normed.numbers()), 1e-6);
    EXPECT_EQ(device_weights.numbers(), weights);
  }
}

// Every package of the set as if it came from another source, which sent what was meant for the member's experts.
DEVICE_TEST(Packages, AreSpreadOverPaddedRowsAndGatheredAgain) {
  for (const backend::PackageShape& shape : kShapes) {
    const Host host(shape);
    const Device device(shape, host);
    const auto received = unpacked(shape, device.packages.numbers());
    const int64_t per_expert = backend::padded_rows_per_expert(shape);
    const int held = shape.experts_per_member();
    const DeviceArray<int32_t> counts(shape.gate.experts);
    const DeviceArray<float> padded(held * per_expert * shape.width), padded_weights(held * per_expert);
    backend::read_headers(device_stream(), shape, device.packages, counts);
    backend::spread_packages(device_stream(), shape, device.packages, counts, padded, padded_weights);
    const auto numbers = padded.numbers();
    const auto weights = padded_weights.numbers();
    for (int source = 0; source < shape.members; ++source) {
      int64_t row = 0;
      for (int expert = 0; expert < held; ++expert) {
        for (int64_t i = 0; i < shape.gate.tokens; ++i) {
          const bool filled = i < received[source].counts[expert];
          const float* actual = numbers.data() + (expert * per_expert + source * shape.gate.tokens + i) * shape.width;
          for (int64_t j = 0; j < shape.width; ++j) {
            ASSERT_EQ(actual[j], filled ? received[source].rows.row(row)[j] : 0.F);
          }
          const float weight = weights[static_cast<size_t>(expert * per_expert + source * shape.gate.tokens + i)];
          ASSERT_EQ(weight, filled ? received[source].weights[static_cast<size_t>(row)] : 0.F);
          row += filled ? 1 : 0;
        }
      }
    }
    auto headers = device.packages.numbers();
    for (int member = 0; member < shape.members; ++member) {
      std::fill_n(headers.begin() + member * shape.bytes() + shape.weights_at(), shape.bytes() - shape.weights_at(),
                  0xff);
    }
    const DeviceArray<unsigned char> again(headers);
    backend::gather_packages(device_stream(), shape, padded, padded_weights, counts, again);
    const auto gathered = unpacked(shape, again.numbers());
    for (int source = 0; source < shape.members; ++source) {
      EXPECT_EQ(gathered[source].rows, received[source].rows);
      EXPECT_EQ(gathered[source].weights, received[source].weights);
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
