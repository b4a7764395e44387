#include "backend/device/tuning/tuning_tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::backend {

namespace {

constexpr const char* kColumns =
    "what,sms,piece,message_bytes,bytes_per_s,beside,slowdown,l2_hit_percent,l2_read_hit_percent,l2_read_sectors,"
    "l2_written_sectors,dram_read_bytes\n";

std::string l2_cells(const std::optional<MeasuredL2>& l2) {
  if (!l2) return ",,,,";
  return fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}", l2->hit_percent, l2->read_hit_percent, l2->read_sectors,
                     l2->written_sectors, l2->dram_read_bytes);
}

std::string hit_cell(const std::optional<MeasuredL2>& l2) {
  return l2 ? fmt::format("{:.1f}", l2->hit_percent) : "-";
}

std::string variant_rows(const MeasuredVariant& one, const TuneMeasurements& measured) {
  return fmt::format("{0},{1},,,{2:.6g},,,{3}\n{0},{1},,,,product,{4:.6g},{5}\n{0},{1},,,,memory-bound,{6:.6g},{7}\n",
                     one.what, one.sms, one.bytes_per_s, l2_cells(one.alone), one.product_s / measured.product.alone_s,
                     l2_cells(one.beside_product), one.memory_bound_s / measured.memory_bound.alone_s,
                     l2_cells(one.beside_memory_bound));
}

}  // namespace

std::string measurements_csv(const TuneMeasurements& measured) {
  std::string csv = kColumns;
  for (const MeasuredCopy& copy : measured.copies) {
    csv += fmt::format("{},{},{},{},{:.6g},,,{}\n", copy_method_name(copy.method), copy.sms, copy.piece_bytes,
                       copy.message_bytes, copy.bytes_per_s, l2_cells({}));
  }
  const auto add = [&](const char* what, const std::vector<MeasuredForward>& all) {
    for (const MeasuredForward& one : all) {
      csv += fmt::format("{},{},{},,{:.6g},,,{}\n", what, one.sms, one.piece_tokens, one.bytes_per_s, l2_cells({}));
    }
  };
  add("dispatch", measured.dispatches);
  add("combine", measured.combines);
  for (const MeasuredVariant& one : measured.variants) csv += variant_rows(one, measured);
  if (measured.product_l2) csv += fmt::format("product,,,,,,,{}\n", l2_cells(measured.product_l2));
  if (measured.memory_bound_l2) csv += fmt::format("memory-bound,,,,,,,{}\n", l2_cells(measured.memory_bound_l2));
  return csv;
}

std::string copies_table(const TuneMeasurements& measured) {
  std::string table = "message        method                SMs  piece      GB/s\n";
  std::vector<int64_t> sizes;
  for (const MeasuredCopy& copy : measured.copies) {
    if (std::ranges::find(sizes, copy.message_bytes) == sizes.end()) sizes.push_back(copy.message_bytes);
  }
  for (const int64_t bytes : sizes) {
    const MeasuredCopy best = best_copy(measured.copies, bytes);
    table += fmt::format("{:>9} KiB  {:<20}  {:>3}  {:>5} KiB  {:.1f}\n", bytes / 1024, copy_method_name(best.method),
                         best.sms, best.piece_bytes / 1024, best.bytes_per_s / 1e9);
  }
  return table;
}

std::string variants_table(const TuneMeasurements& measured) {
  std::string table =
      "                                        times as long beside it   L2 hit %, of the whole GPU\n"
      "variant                    SMs    GB/s   product  memory-bound   alone  product  memory-bound\n";
  for (const MeasuredVariant& one : measured.variants) {
    table += fmt::format("{:<25}  {:>3}  {:>6.1f}  {:>8.3f}  {:>12.3f}  {:>6}  {:>7}  {:>12}\n", one.what, one.sms,
                         one.bytes_per_s / 1e9, one.product_s / measured.product.alone_s,
                         one.memory_bound_s / measured.memory_bound.alone_s, hit_cell(one.alone),
                         hit_cell(one.beside_product), hit_cell(one.beside_memory_bound));
  }
  if (measured.no_l2.empty()) {
    return table + fmt::format("{:<25}  {:>3}  {:>6}  {:>8}  {:>12}  {:>6}  {:>7}  {:>12}\n", "(no communication)", "",
                               "", "", "", "", hit_cell(measured.product_l2), hit_cell(measured.memory_bound_l2));
  }
  return table + fmt::format("L2 hit rates were not counted: {}\n", measured.no_l2);
}

}  // namespace pipeloom::backend
