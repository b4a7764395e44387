#include "backend/model/arithmetic.h"

#include "backend/model/bf16_products.h"
#include "backend/model/fp8_products.h"

namespace pipeloom::backend {

namespace {

struct Bf16Choice {
  Bf16Products plain{plain_products<float>()};
  Bf16Products onednn{onednn_products()};
};

const Products<float>& bf16_products(bool check) {
  static const Bf16Choice choice;
  return check ? choice.plain : choice.onednn;
}

const Products<float>& products_in(Format format, bool check) {
  switch (format) {
    case Format::kFp32:
    case Format::kFp16:
      return check ? plain_products<float>() : onednn_products();
    case Format::kBf16:
      return bf16_products(check);
    case Format::kFp8:
      return fp8_products();
    case Format::kE5m6:
      break;
  }
  check_failed("a format of factors", __FILE__, __LINE__);
}

}  // namespace

Arithmetic<float> arithmetic_for(const Formats& formats, bool check) {
  return {products_in(formats.attention, check), products_in(formats.mlp, check), products_in(formats.rest, check)};
}

}  // namespace pipeloom::backend
