#include "backend/model/arithmetic.h"

#include "backend/model/bf16_products.h"
#include "backend/model/fp8_products.h"

namespace pipeloom {

namespace {

struct Bf16Choice {
  Bf16Products plain{plain_products<float>()};
  Bf16Products onednn{onednn_products()};
};

const Products<float>& bf16_products(bool check) {
  static const Bf16Choice choice;
  return check ? choice.plain : choice.onednn;
}

}  // namespace

Arithmetic<float> arithmetic_for(Precision precision, bool check) {
  switch (precision) {
    case Precision::kFp16:
      return check ? plain_products<float>() : onednn_products();
    case Precision::kBf16:
      return bf16_products(check);
    case Precision::kFp8:
      return {fp8_products(), bf16_products(check)};
  }
  check_failed("a precision", __FILE__, __LINE__);
}

}  // namespace pipeloom
