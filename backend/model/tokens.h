#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// What one micro-batch reads: whole sequences, and for each of their tokens the next ones.
struct Tokens {
  std::vector<int32_t> inputs;                // [micro_batch_size * sequence_length]
  std::vector<std::vector<int32_t>> targets;  // [how far ahead, from one][the same]

  bool operator==(const Tokens&) const = default;
};

// A text, read from its begin to its end and over again. Immutable.
class TextTokens {
 public:
  // `token_bytes` 1: each byte of `content` is a token; 2 or 4: so many bytes are one, the lowest first. Fails where
  // the text is shorter than one sequence and its next tokens, or where a token is not in the vocabulary. `ahead`: how
  // many next tokens a model predicts.
  static Result<TextTokens> create(std::string_view content, const Batch& batch, int vocabulary, int token_bytes = 1,
                                   int ahead = 1);

  // Micro-batch `micro_batch` of data-parallel replica `replica`, of steps that number from 0. Replicas follow each
  // other in the text, micro-batches within a replica.
  Tokens micro_batch(int64_t step, int replica, int micro_batch, int micro_batches_per_replica) const;

  // Equal digests: equal texts.
  uint64_t digest() const;

 private:
  TextTokens(std::vector<int32_t> tokens, const Batch& batch, int ahead)
      : tokens_(std::move(tokens)), batch_(batch), ahead_(ahead) {}

  std::vector<int32_t> tokens_;
  Batch batch_;
  int ahead_;
};

}  // namespace pipeloom::backend
