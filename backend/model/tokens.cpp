#include "backend/model/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

// Little-endian. A number that int32 does not hold becomes INT32_MAX, which no vocabulary has.
int32_t token_at(std::string_view content, int64_t place, int token_bytes) {
  uint32_t token = 0;
  for (int i = 0; i < token_bytes; ++i) {
    token |= static_cast<uint32_t>(static_cast<unsigned char>(content[place + i])) << (8 * i);
  }
  return static_cast<int32_t>(std::min<uint32_t>(token, INT32_MAX));
}

}  // namespace

Result<TextTokens> TextTokens::create(std::string_view content, const Batch& batch, int vocabulary, int token_bytes,
                                      int ahead) {
  const auto size = static_cast<int64_t>(content.size());
  if (size % token_bytes != 0) {
    return invalid(fmt::format("the text has {} bytes; allowed are multiples of {}, a token's", size, token_bytes));
  }
  if (size / token_bytes < batch.sequence_length + ahead) {
    return invalid(fmt::format("the text has {} tokens; a sequence and its next {} need {}", size / token_bytes,
                               ahead == 1 ? "token" : fmt::format("{} tokens", ahead), batch.sequence_length + ahead));
  }
  std::vector<int32_t> tokens;
  tokens.reserve(size / token_bytes);
  for (int64_t place = 0; place < size; place += token_bytes) {
    tokens.push_back(token_at(content, place, token_bytes));
    if (tokens.back() < vocabulary) continue;
    return invalid(fmt::format("token {} of the text is {}; model.vocabulary is {}: tokens are 0 to {}",
                               tokens.size() - 1, tokens.back(), vocabulary, vocabulary - 1));
  }
  return TextTokens(std::move(tokens), batch, ahead);
}

Tokens TextTokens::micro_batch(int64_t step, int replica, int micro_batch, int micro_batches_per_replica) const {
  const int64_t first = step * batch_.global_batch +
                        (int64_t{replica} * micro_batches_per_replica + micro_batch) * batch_.micro_batch_size;
  const auto places = static_cast<int64_t>(tokens_.size()) - ahead_;  // each has its next tokens
  Tokens tokens;
  tokens.targets.resize(ahead_);
  for (int64_t sequence = first; sequence < first + batch_.micro_batch_size; ++sequence) {
    for (int64_t i = 0; i < batch_.sequence_length; ++i) {
      const int64_t place = (sequence * batch_.sequence_length + i) % places;
      tokens.inputs.push_back(tokens_[place]);
      for (int next = 0; next < ahead_; ++next) tokens.targets[next].push_back(tokens_[place + 1 + next]);
    }
  }
  return tokens;
}

uint64_t TextTokens::digest() const {
  Digest digest;
  for (const int32_t token : tokens_) digest.add(token);
  return digest.value();
}

}  // namespace pipeloom::backend
