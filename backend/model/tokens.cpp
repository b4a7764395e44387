#include "backend/model/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/digest.h"

namespace pipeloom {

Result<TextTokens> TextTokens::create(std::string text, const Batch& batch, int vocabulary) {
  const auto size = static_cast<int64_t>(text.size());
  if (size < batch.sequence_length + 1) {
    return invalid(
        fmt::format("the text has {} bytes; a sequence and its next token need {}", size, batch.sequence_length + 1));
  }
  const auto largest = std::ranges::max_element(text, {}, [](char c) { return static_cast<unsigned char>(c); });
  if (static_cast<unsigned char>(*largest) >= vocabulary) {
    return invalid(fmt::format("the text has a byte {}; model.vocabulary is {}: tokens are 0 to {}",
                               static_cast<unsigned char>(*largest), vocabulary, vocabulary - 1));
  }
  return TextTokens(std::move(text), batch);
}

Tokens TextTokens::micro_batch(int64_t step, int replica, int micro_batch, int micro_batches_per_replica) const {
  const int64_t first = step * batch_.global_batch +
                        (int64_t{replica} * micro_batches_per_replica + micro_batch) * batch_.micro_batch_size;
  const auto places = static_cast<int64_t>(text_.size()) - 1;  // each has a next token
  Tokens tokens;
  for (int64_t sequence = first; sequence < first + batch_.micro_batch_size; ++sequence) {
    for (int64_t i = 0; i < batch_.sequence_length; ++i) {
      const int64_t place = (sequence * batch_.sequence_length + i) % places;
      tokens.inputs.push_back(static_cast<unsigned char>(text_[place]));
      tokens.targets.push_back(static_cast<unsigned char>(text_[place + 1]));
    }
  }
  return tokens;
}

uint64_t TextTokens::digest() const {
  Digest digest;
  digest.add_bytes(text_);
  return digest.value();
}

}  // namespace pipeloom
