#include "backend/cuda/kernels/packages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/model/exchange.h"
#include "backend/model/keeping.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Packages);

// Choices of different experts per token, most of them the first ones.
std::vector<int32_t> some_choices(const GateShape& gate) {
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

PackageShape shape_of(int64_t tokens, int experts, int per_token, int members, int64_t width) {
  PackageShape shape;
  shape.gate = {tokens, experts, 1, 1, per_token};
  shape.members = members;
  shape.width = width;
  return shape;
}

const PackageShape kShapes[] = {shape_of(1, 1, 1, 1, 1), shape_of(7, 4, 2, 1, 5), shape_of(9, 8, 3, 4, 16),
                                shape_of(300, 6, 2, 2, 8), shape_of(20, 32, 8, 8, 40)};

// One rank's dispatch and combine with itself in every member's place, as the reference does them on the host.
struct Host {
  explicit Host(const PackageShape& shape)
      : dispatch({shape.gate.experts, shape.gate.per_token, shape.members, formats()}),
        combine({shape.gate.experts, shape.gate.per_token, shape.members, formats()}) {
    flow.routing.experts = some_choices(shape.gate);
    flow.routing.weights = random_floats(shape.gate.choices(), 31);
    flow.normed = Matrix<float>(shape.gate.tokens, shape.width);
    flow.normed.numbers() = widened(rounded_to_bf16(random_floats(shape.gate.tokens * shape.width, 32)));
    flow.hidden = Matrix<float>(shape.gate.tokens, shape.width);
    flow.hidden.numbers() = random_floats(shape.gate.tokens * shape.width, 33);
  }
  // The packages are BF16, all else exact.
  static Formats formats() {
    Formats formats = Keeping::exact();
    formats.dispatch = formats.combine = Format::kBf16;
    return formats;
  }

  Flow<float> flow;
  pipeloom::Dispatch<float> dispatch;
  pipeloom::Combine<float> combine;
  pipeloom::Dispatch<float>::Saved dispatched;
  pipeloom::Combine<float>::Saved combined;
};

struct Device {
  explicit Device(const PackageShape& shape, const Host& host)
      : chosen(host.flow.routing.experts),
        weights(host.flow.routing.weights),
        normed(rounded_to_bf16(host.flow.normed.numbers())),
        hidden(host.flow.hidden.numbers()),
        choices(shape.places()),
        places(shape.gate.choices()),
        counts(shape.gate.experts),
        packages(shape.set_bytes()),
        order{choices, places, counts} {
    order_choices(device_stream(), shape, chosen, order);
    pack_rows(device_stream(), shape, order, normed, packages);
  }
  DeviceArray<int32_t> chosen;
  DeviceArray<float> weights;
  DeviceArray<Bf16> normed;
  DeviceArray<float> hidden;
  DeviceArray<int32_t> choices, places, counts;
  DeviceArray<unsigned char> packages;
  PackageOrder order;
};

// What a set of packages holds, as the host's.
std::vector<ExpertRows<float>> unpacked(const PackageShape& shape, const std::vector<unsigned char>& bytes) {
  std::vector<ExpertRows<float>> result;
  for (int member = 0; member < shape.members; ++member) {
    const unsigned char* begin = bytes.data() + member * shape.bytes();
    const auto* counts = reinterpret_cast<const int32_t*>(begin);
    ExpertRows<float>& rows = result.emplace_back();
    rows.counts.assign(counts, counts + shape.experts_per_member());
    int64_t count = 0;
    for (const int32_t of_expert : rows.counts) count += of_expert;
    rows.rows = Matrix<float>(count, shape.width);
    const auto* numbers = reinterpret_cast<const Bf16*>(begin + shape.header_bytes());
    rows.rows.numbers() = widened({numbers, static_cast<size_t>(count * shape.width)});
  }
  return result;
}

DEVICE_TEST(Packages, HoldWhatTheReferenceSends) {
  for (const PackageShape& shape : kShapes) {
    Host host(shape);
    const auto expected = host.dispatch.pack_forward(host.flow, host.dispatched);
    const Device device(shape, host);
    const auto actual = unpacked(shape, device.packages.numbers());
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t member = 0; member < expected.size(); ++member) {
      EXPECT_EQ(actual[member].counts, expected[member].counts);
      EXPECT_EQ(actual[member].rows, expected[member].rows);
    }
  }
}

DEVICE_TEST(Packages, ComeBackToTheirTokensAsTheReference) {
  for (const PackageShape& shape : kShapes) {
    Host host(shape);
    auto rows = host.dispatch.pack_forward(host.flow, host.dispatched);
    const Device device(shape, host);
    add_packed_rows(device_stream(), shape, device.order, device.weights, device.packages, device.hidden);
    host.combine.unpack_forward(rows, host.flow, host.combined);
    EXPECT_LT(relative_difference(device.hidden.numbers(), host.flow.hidden.numbers()), 1e-6);

    const DeviceArray<float> weights_gradient(shape.gate.choices());
    const DeviceArray<unsigned char> gradient(device.packages.numbers());  // with the headers
    add_packed_rows_backward(device_stream(), shape, device.order, device.weights, device.packages, device.hidden,
                             gradient, weights_gradient);
    // The reference's experts weigh the gradients; here they leave weighed, and are rounded once.
    const pipeloom::Combine<float> exact({shape.gate.experts, shape.gate.per_token, shape.members, Keeping::exact()});
    auto expected = exact.pack_backward(host.flow, host.combined);
    const std::vector<float> weights = device.weights.numbers();
    std::vector<float> expected_weights_gradient(weights.size());
    auto choice = host.combined.order.choices.begin();
    for (size_t member = 0; member < expected.size(); ++member) {
      for (int64_t row = 0; row < expected[member].rows.rows(); ++row, ++choice) {
        for (int64_t j = 0; j < shape.width; ++j) {
          float& sent = expected[member].rows.row(row)[j];
          const float dy = host.flow.hidden.row(*choice / shape.gate.per_token)[j];
          expected_weights_gradient[*choice] += dy * rows[member].rows.row(row)[j];
          sent *= weights[*choice];
        }
      }
    }
    const auto actual = unpacked(shape, gradient.numbers());
    for (size_t member = 0; member < expected.size(); ++member) {
      EXPECT_LT(relative_difference(actual[member].rows.numbers(), expected[member].rows.numbers()), 0.004);
    }
    EXPECT_LT(relative_difference(weights_gradient.numbers(), expected_weights_gradient), 1e-5);

    const DeviceArray<float> tokens(std::vector<float>(static_cast<size_t>(shape.gate.tokens * shape.width)));
    add_packed_rows(device_stream(), shape, device.order, nullptr, device.packages, tokens);
    host.flow.normed = Matrix<float>(shape.gate.tokens, shape.width);
    host.dispatch.unpack_backward(rows, host.flow, host.dispatched);
    EXPECT_LT(relative_difference(tokens.numbers(), host.flow.normed.numbers()), 1e-6);
  }
}

// Every package of the set as if it came from another source, which sent what was meant for the member's experts.
DEVICE_TEST(Packages, AreSpreadOverPaddedRowsAndGatheredAgain) {
  for (const PackageShape& shape : kShapes) {
    const Host host(shape);
    const Device device(shape, host);
    const auto received = unpacked(shape, device.packages.numbers());
    const int64_t per_expert = padded_rows_per_expert(shape);
    const int held = shape.experts_per_member();
    const DeviceArray<int32_t> counts(shape.gate.experts);
    const DeviceArray<Bf16> padded(held * per_expert * shape.width);
    spread_packages(device_stream(), shape, device.packages, counts, padded);
    const auto numbers = widened(padded.numbers());
    for (int source = 0; source < shape.members; ++source) {
      int64_t row = 0;
      for (int expert = 0; expert < held; ++expert) {
        for (int64_t i = 0; i < shape.gate.tokens; ++i) {
          const bool filled = i < received[source].counts[expert];
          const float* actual = numbers.data() + (expert * per_expert + source * shape.gate.tokens + i) * shape.width;
          for (int64_t j = 0; j < shape.width; ++j) {
            ASSERT_EQ(actual[j], filled ? received[source].rows.row(row)[j] : 0.F);
          }
          row += filled ? 1 : 0;
        }
      }
    }
    const DeviceArray<float> full(numbers);
    auto headers = device.packages.numbers();
    for (int member = 0; member < shape.members; ++member) {
      std::fill_n(headers.begin() + member * shape.bytes() + shape.header_bytes(), shape.bytes() - shape.header_bytes(),
                  0xff);
    }
    const DeviceArray<unsigned char> again(headers);
    gather_packages(device_stream(), shape, full, counts, again);
    const auto gathered = unpacked(shape, again.numbers());
    for (int source = 0; source < shape.members; ++source) EXPECT_EQ(gathered[source].rows, received[source].rows);
  }
}

}  // namespace
}  // namespace pipeloom::tests
