#include "backend/runtime/messages/gather.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

std::string tag_text(const MessageTag& tag) {
  return fmt::format("step {}, stage {}, micro-batch {}, layer {}", tag.step, tag.stage, tag.micro_batch, tag.layer);
}

}  // namespace

bool Gather::waits_behind_another(size_t number) const {
  return std::any_of(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(number), [&](const Item& item) {
    return !item.arrived && item.source == items_[number].source && item.channel == items_[number].channel;
  });
}

Result<bool> Gather::poll(Endpoint& endpoint) {
  bool all = true;
  for (size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (item.arrived) continue;
    auto message = waits_behind_another(i) ? std::nullopt : endpoint.try_receive(item.source, item.channel);
    if (!message) {
      all = false;
      continue;
    }
    if (message->tag != item.tag) {
      return invalid(
          fmt::format("rank {} expected a message of {} from rank {}, and got one of {}: the ranks don't "
                      "follow the same order",
                      endpoint.rank(), tag_text(item.tag), item.source, tag_text(message->tag)));
    }
    item.message = std::move(*message);
    item.arrived = true;
  }
  return all;
}

Status Gather::wait(Endpoint& endpoint, int64_t patience_ns, const char* what) {
  const int64_t give_up_ns = steady_now_ns() + patience_ns;
  while (true) {
    PIPELOOM_TRY(const bool all, poll(endpoint));
    if (all) return {};
    if (const auto error = endpoint.aborted()) return tl::unexpected<Error>(*error);
    if (steady_now_ns() >= give_up_ns) {
      return fail(ErrorCode::kDeadlock,
                  fmt::format("rank {}: waits for {} from rank {}; nothing came for {:.1f} s", endpoint.rank(), what,
                              missing_source(), static_cast<double>(patience_ns) / 1e9));
    }
    endpoint.wait_until(give_up_ns);
  }
}

int Gather::missing_source() const {
  const auto missing = std::ranges::find_if(items_, [](const Item& item) { return !item.arrived; });
  PIPELOOM_THROW_UNLESS(missing != items_.end());
  return missing->source;
}

}  // namespace pipeloom::backend
