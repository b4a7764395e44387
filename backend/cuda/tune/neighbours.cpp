#include "backend/cuda/tune/neighbours.h"

#include "backend/device/comm/copy.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kRows = 4096;
constexpr int64_t kInner = 7168;
constexpr int64_t kColumns = 4096;
constexpr int64_t kCopiedBytes = int64_t{256} << 20;

}  // namespace

ProductOnGpu::ProductOnGpu(int sms)
    : sms_(sms),
      x_(kRows * kInner * static_cast<int64_t>(sizeof(Bf16))),
      w_(kInner * kColumns * static_cast<int64_t>(sizeof(Bf16))),
      y_(kRows * kColumns * static_cast<int64_t>(sizeof(float))) {}

void ProductOnGpu::run(cudaStream_t stream) {
  const ProductDescription product =
      bf16_product(Form::kPlain, RowMatrix::dense(kRows, kInner), RowMatrix::dense(kInner, kColumns),
                   RowMatrix::dense(kRows, kColumns), Into::kSet, 1, sms_);
  ProductOperands operands;
  operands.a = w_.as<Bf16>();
  operands.b = x_.as<Bf16>();
  operands.d = y_.as<float>();
  products_.multiply({stream, sms_}, product, operands);
}

MemoryBoundOnGpu::MemoryBoundOnGpu(int sms) : sms_(sms), from_(kCopiedBytes), to_(kCopiedBytes) {}

void MemoryBoundOnGpu::run(cudaStream_t stream) const {
  const CopyOptions options{CopyMethod::kLoadStore, sms_, int64_t{64} << 10, 0};
  copy_message({stream, sms_}, from_.as<char>(), to_.as<char>(), kCopiedBytes, options);
}

}  // namespace pipeloom::backend
