#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backend/model/expert_rows.h"
#include "core/base/result.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// Numbers as the bytes of a message and back; between machines of one byte order. Fails where the size is another than
// what the receiver expects.
std::vector<std::byte> to_bytes(std::span<const float> numbers);
Status from_bytes(std::span<const std::byte> bytes, std::span<float> numbers);

// In `format`, to which the numbers have been rounded.
std::vector<std::byte> matrix_to_bytes(const Matrix<float>& matrix, Format format);
Result<Matrix<float>> matrix_from_bytes(std::span<const std::byte> bytes, Format format, int64_t rows, int64_t columns);

std::vector<std::byte> rows_to_bytes(const ExpertRows<float>& rows, Format format);
// Of `experts` local experts.
Result<ExpertRows<float>> rows_from_bytes(std::span<const std::byte> bytes, Format format, size_t experts,
                                          int64_t hidden);

}  // namespace pipeloom::backend
