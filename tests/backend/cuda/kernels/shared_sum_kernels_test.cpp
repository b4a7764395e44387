#include "backend/device/kernels/shared_sum_kernels.h"

#include <gtest/gtest.h>

#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(SharedSum);

DEVICE_TEST(SharedSum, MembersAddUpTheirPartsOfAllCopies) {
  for (const int64_t size : {1, 5, 1000, 70'001}) {
    for (const int count : {2, 4}) {
      std::vector<DeviceArray<float>> copies;
      std::vector<float> expected(static_cast<size_t>(size), 0.0F);
      backend::SharedSum sum;
      sum.count = sum.sums_count = count;
      for (int copy = 0; copy < count; ++copy) {
        const std::vector<float> numbers = random_floats(size, 10 + copy);
        for (size_t i = 0; i < numbers.size(); ++i) expected[i] += numbers[i];
        copies.emplace_back(numbers);
        sum.copies[copy] = sum.sums[copy] = copies.back();
      }
      for (int member = 0; member < count; ++member) {
        sum.begin = size * member / count;
        sum.size = size * (member + 1) / count - sum.begin;
        backend::add_up(device_stream(), sum);
      }
      for (const auto& copy : copies) EXPECT_EQ(copy.numbers(), expected) << size << " numbers, " << count << " copies";
    }
  }
}

DEVICE_TEST(SharedSum, CopiesStayWhereTheSumGoesElsewhere) {
  const DeviceArray<float> first(std::vector<float>{1, 2, 3}), second(std::vector<float>{10, 20, 30}), to(3);
  backend::SharedSum sum;
  sum.copies[0] = first;
  sum.copies[1] = second;
  sum.count = 2;
  sum.sums[0] = to;
  sum.sums_count = 1;
  sum.size = 3;
  backend::add_up(device_stream(), sum);
  EXPECT_EQ(to.numbers(), (std::vector<float>{11, 22, 33}));
  EXPECT_EQ(first.numbers(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(second.numbers(), (std::vector<float>{10, 20, 30}));
}

}  // namespace
}  // namespace pipeloom::tests
