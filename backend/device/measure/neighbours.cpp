#include "backend/device/measure/neighbours.h"

#include "backend/device/comm/copy.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kRows = 4096;
constexpr int64_t kInner = 7168;
constexpr int64_t kColumns = 4096;
constexpr int64_t kCopiedBytes = int64_t{256} << 20;

}  // namespace

ProductOnGpu::ProductOnGpu(MeasuredDevice& device, int sms)
    : sms_(sms),
      x_(device, kRows * kInner * static_cast<int64_t>(sizeof(Bf16))),
      w_(device, kInner * kColumns * static_cast<int64_t>(sizeof(Bf16))),
      y_(device, kRows * kColumns * static_cast<int64_t>(sizeof(float))),
      products_(device.make_products()) {}

void ProductOnGpu::run(StreamHandle stream) {
  const ProductDescription product =
      bf16_product(Form::kPlain, RowMatrix::dense(kRows, kInner), RowMatrix::dense(kInner, kColumns),
                   RowMatrix::dense(kRows, kColumns), Into::kSet, 1, sms_);
  ProductOperands operands;
  operands.a = w_.as<Bf16>();
  operands.b = x_.as<Bf16>();
  operands.d = y_.as<float>();
  products_->multiply({stream, sms_}, product, operands);
}

MemoryBoundOnGpu::MemoryBoundOnGpu(MeasuredDevice& device, int sms)
    : sms_(sms), from_(device, kCopiedBytes), to_(device, kCopiedBytes) {}

void MemoryBoundOnGpu::run(StreamHandle stream) const {
  const CopyOptions options{CopyMethod::kLoadStore, sms_, int64_t{64} << 10, 0};
  copy_message({stream, sms_}, from_.as<char>(), to_.as<char>(), kCopiedBytes, options);
}

}  // namespace pipeloom::backend
