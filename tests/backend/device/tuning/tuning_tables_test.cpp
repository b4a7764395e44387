#include "backend/device/tuning/tuning_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;
using testing::Not;

TuneMeasurements some_measurements() {
  TuneMeasurements measured;
  measured.copies = {{CopyMethod::kBulk, 8, 65'536, 1 << 20, 295e9}};
  measured.dispatches = {{4, 8, 50e9}};
  measured.combines = {{24, 16, 383.695e9}};
  measured.product.alone_s = 1e-3;
  measured.memory_bound.alone_s = 2e-3;
  MeasuredVariant variant;
  variant.what = "copy bulk";
  variant.sms = 20;
  variant.bytes_per_s = 400e9;
  variant.product_s = 1.1e-3;
  variant.memory_bound_s = 3e-3;
  variant.alone = {12.5, 10, 1000, 2000, 32'000};
  variant.beside_product = {61.25, 70, 5000, 2000, 64'000};
  measured.variants = {variant};
  measured.product_l2 = {75, 80, 4000, 500, 40'000};
  return measured;
}

TEST(TuningTables, EveryMeasurementIsInTheCsv) {
  const std::string csv = measurements_csv(some_measurements());
  EXPECT_THAT(csv, HasSubstr("\nbulk,8,65536,1048576,2.95e+11,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\ndispatch,4,8,,5e+10,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\ncombine,24,16,,3.83695e+11,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\ncopy bulk,20,,,4e+11,,,12.5,10,1000,2000,32000\n"));
  EXPECT_THAT(csv, HasSubstr("\ncopy bulk,20,,,,product,1.1,61.25,70,5000,2000,64000\n"));
  EXPECT_THAT(csv, HasSubstr("\ncopy bulk,20,,,,memory-bound,1.5,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\nproduct,,,,,,,75,80,4000,500,40000\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 1 + 1 + 1 + 3 + 1);
  for (size_t begin = 0; begin < csv.size(); begin = csv.find('\n', begin) + 1) {
    const std::string line = csv.substr(begin, csv.find('\n', begin) - begin);
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 11) << line;
  }
}

TEST(TuningTables, VariantsStandBesideWhatTheyCost) {
  const std::string table = variants_table(some_measurements());
  EXPECT_THAT(table, HasSubstr("copy bulk                   20   400.0     1.100         1.500    12.5     61.2"));
  EXPECT_THAT(table, HasSubstr("(no communication)"));
  EXPECT_THAT(table, Not(HasSubstr("not counted")));
}

TEST(TuningTables, SayWhyL2WasNotCounted) {
  TuneMeasurements measured = some_measurements();
  measured.no_l2 = "the GPU's counters need rights";
  const std::string table = variants_table(measured);
  EXPECT_THAT(table, HasSubstr("\nL2 hit rates were not counted: the GPU's counters need rights\n"));
  EXPECT_THAT(table, Not(HasSubstr("(no communication)")));
}

TEST(TuningTables, TheFewestSmsForAMessage) {
  EXPECT_THAT(copies_table(some_measurements()),
              HasSubstr("     1024 KiB  bulk                    8     64 KiB  295.0"));
}

}  // namespace
}  // namespace pipeloom::backend
