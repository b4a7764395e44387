#include "backend/device/kernels/activation_kernels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "backend/device/kernels/cross_entropy_kernels.h"
#include "backend/device/kernels/softmax_kernels.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Activation);
DEVICE_SUITE(Softmax);
DEVICE_SUITE(CrossEntropy);

double silu(double x) {
  return x / (1 + std::exp(-x));
}

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

// What activate makes of one number pair, and the slopes by central differences.
double activated(bool gated, double first, double up) {
  return gated ? silu(first) * up : gelu(first);
}

DEVICE_TEST(Activation, MatchesTheReferenceAtEverySize) {
  constexpr double kStep = 1e-4;
  for (const backend::ActivationShape shape : {backend::ActivationShape{1, 1, true},
                                               {3, 5, true},
                                               {3, 5, false},
                                               {4, 128, true},
                                               {4, 128, false},
                                               {2, 1030, true}}) {
    const auto rounded = rounded_to_bf16(random_floats(shape.rows * shape.up_width(), 1, 3));
    const auto inner = widened(rounded);
    const auto da = random_floats(shape.rows * shape.intermediate, 2);
    std::vector<float> expected;
    std::vector<float> gradient(inner.size());
    for (int64_t row = 0; row < shape.rows; ++row) {
      for (int64_t j = 0; j < shape.intermediate; ++j) {
        const int64_t first = row * shape.up_width() + j;
        const double x = inner[first];
        const double up = shape.gated ? inner[first + shape.intermediate] : 1;
        const double dy = da[row * shape.intermediate + j];
        const auto slope = [&](double dx, double du) {
          return (activated(shape.gated, x + dx, up + du) - activated(shape.gated, x - dx, up - du)) / (2 * kStep);
        };
        expected.push_back(static_cast<float>(activated(shape.gated, x, up)));
        gradient[first] = static_cast<float>(dy * slope(kStep, 0));
        if (shape.gated) gradient[first + shape.intermediate] = static_cast<float>(dy * slope(0, kStep));
      }
    }
    const DeviceArray<backend::Bf16> device_inner(rounded);
    const DeviceArray<float> device_da(da);
    const DeviceArray<backend::Bf16> out(shape.rows * shape.intermediate),
        device_gradient(shape.rows * shape.up_width());
    backend::activate(device_stream(), shape, device_inner, out);
    backend::activate_backward(device_stream(), shape, device_inner, device_da, device_gradient);
    EXPECT_LT(relative_difference(out.numbers(), expected), 0.004);
    EXPECT_LT(relative_difference(device_gradient.numbers(), gradient), 0.004);
  }
}

// The gradient of a row's weight is the row's output times the output's gradient; here the last product is the
// identity.
DEVICE_TEST(Activation, WeighsRowsAsTheReferenceDoes) {
  for (const backend::ActivationShape shape : {backend::ActivationShape{1, 1, true}, {3, 5, false}, {4, 70, true}}) {
    const int64_t width = shape.intermediate;
    const auto rounded = rounded_to_bf16(random_floats(shape.rows * shape.up_width(), 1, 2));
    const auto inner = widened(rounded);
    const auto dy = rounded_to_bf16(random_floats(shape.rows * width, 2));
    const auto weights = random_floats(shape.rows, 3);
    std::vector<float> gradient;
    std::vector<float> weighed;
    for (int64_t row = 0; row < shape.rows; ++row) {
      double sum = 0;
      for (int64_t j = 0; j < width; ++j) {
        const int64_t first = row * shape.up_width() + j;
        const float own = widened(dy)[static_cast<size_t>(row * width + j)];
        sum += activated(shape.gated, inner[first], shape.gated ? inner[first + width] : 1) * own;
        weighed.push_back(own * weights[static_cast<size_t>(row)]);
      }
      gradient.push_back(static_cast<float>(sum));
    }
    const DeviceArray<backend::Bf16> device_inner(rounded), output_gradient(dy);
    const DeviceArray<float> device_weights(weights), activated_gradient(widened(dy));
    backend::weigh_rows(device_stream(), shape, device_inner, width, device_weights, activated_gradient,
                        output_gradient);
    EXPECT_LT(relative_difference(device_weights.numbers(), gradient), 1e-5);
    EXPECT_EQ(activated_gradient.numbers(), weighed);
    EXPECT_LT(relative_difference(output_gradient.numbers(), weighed), 0.004);
  }
}

DEVICE_TEST(Softmax, MatchesTheReferenceAtEverySize) {
  for (const backend::ScoresShape shape :
       {backend::ScoresShape{1, 1, 1.F}, {2, 5, 0.5F}, {3, 32, 0.3F}, {2, 300, 0.1F}}) {
    const int64_t size = shape.heads * shape.sequence * shape.sequence;
    const auto scores = random_floats(size, 1, 5);
    const auto dp = random_floats(size, 2);
    std::vector<float> p(scores.size());
    std::vector<float> ds(scores.size());
    for (int64_t row = 0; row < shape.heads * shape.sequence; ++row) {
      const int64_t begin = row * shape.sequence;
      const int64_t last = row % shape.sequence;
      double sum = 0;
      double along = 0;
      for (int64_t j = 0; j <= last; ++j) sum += std::exp(double{scores[begin + j]} * shape.scale);
      for (int64_t j = 0; j <= last; ++j) {
        p[begin + j] = static_cast<float>(std::exp(double{scores[begin + j]} * shape.scale) / sum);
        along += double{p[begin + j]} * dp[begin + j];
      }
      for (int64_t j = 0; j <= last; ++j) {
        ds[begin + j] = static_cast<float>(p[begin + j] * (dp[begin + j] - along) * shape.scale);
      }
    }
    const DeviceArray<float> device(scores), device_dp(dp);
    const DeviceArray<backend::Bf16> factor(size), gradient(size);
    backend::causal_softmax(device_stream(), shape, device, factor);
    EXPECT_LT(relative_difference(device.numbers(), p), 1e-5);
    EXPECT_LT(relative_difference(factor.numbers(), p), 0.004);
    backend::causal_softmax_backward(device_stream(), shape, device, device_dp, gradient);
    EXPECT_LT(relative_difference(gradient.numbers(), ds), 0.004);
  }
}

DEVICE_TEST(CrossEntropy, MatchesTheReferenceAtEverySize) {
  for (const backend::LogitsShape shape : {backend::LogitsShape{1, 1}, {4, 7}, {3, 128}, {2, 3000}, {300, 16}}) {
    const auto logits = random_floats(shape.rows * shape.vocabulary, 3, 4);
    std::vector<int32_t> targets;
    std::vector<float> gradient;
    std::vector<float> p;
    double loss = 0;
    for (int64_t row = 0; row < shape.rows; ++row) {
      targets.push_back(static_cast<int32_t>(row * 5 % shape.vocabulary));
      double sum = 0;
      for (int64_t j = 0; j < shape.vocabulary; ++j) sum += std::exp(double{logits[row * shape.vocabulary + j]});
      loss += std::log(sum) - logits[row * shape.vocabulary + targets.back()];
      for (int64_t j = 0; j < shape.vocabulary; ++j) {
        p.push_back(static_cast<float>(std::exp(double{logits[row * shape.vocabulary + j]}) / sum));
        gradient.push_back((p.back() - (j == targets.back() ? 1.F : 0.F)) * 0.25F);
      }
    }
    const DeviceArray<float> device(logits), losses(shape.rows);
    const DeviceArray<int32_t> device_targets(targets);
    const DeviceArray<double> device_loss(1);
    const DeviceArray<backend::Bf16> device_gradient(shape.rows * shape.vocabulary);
    backend::cross_entropy(device_stream(), shape, device_targets, device, losses, device_loss);
    backend::cross_entropy_backward(device_stream(), shape, device_targets, device, 0.25F, device_gradient);
    EXPECT_LT(relative_difference(device.numbers(), p), 1e-5);
    EXPECT_NEAR(device_loss.numbers()[0], loss, 1e-5 * (loss + 1));
    EXPECT_LT(relative_difference(device_gradient.numbers(), gradient), 0.004);
  }
}

}  // namespace
}  // namespace pipeloom::tests
