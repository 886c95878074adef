// Who waits for replies: the type-erased completion handlers of EventBus::request() and gather().
// Asio's own any_completion_handler of this version wraps itself without end when it is moved into
// a posted function, hence these.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::bus {

/// Waits for one reply. complete() is called once, or the waiter is destroyed with the bus.
struct Waiter {
  virtual ~Waiter() = default;
  virtual void complete(Result<Reply> result) = 0;
  /// The slot's function refers to the pending entry, which is gone from here on. While that very
  /// function runs it has to stay.
  void release() {
    if (slot.is_connected() && !canceled) slot.clear();
  }

  NodeId to;
  asio::cancellation_slot slot;
  bool canceled = false;
};
using WaiterPointer = std::unique_ptr<Waiter>;

template <typename Handler>
struct RequestWaiter final : Waiter {
  explicit RequestWaiter(Handler original) : handler(std::move(original)) {}
  void complete(Result<Reply> result) override { std::move(handler)(std::move(result)); }
  Handler handler;
};

template <typename Handler>
WaiterPointer make_waiter(Handler handler) {
  return std::make_unique<RequestWaiter<Handler>>(std::move(handler));
}

/// Replies to several requests at once, until the last one is there.
struct Gathering {
  explicit Gathering(const std::vector<NodeId>& nodes)
      : asked(nodes), replies(nodes.size()), missing(nodes.size()) {}
  virtual ~Gathering() = default;
  virtual void complete(std::vector<GatheredReply> all) = 0;

  void take(std::size_t index, Result<Reply> reply) {
    replies[index].emplace(std::move(reply));
    if (--missing > 0) return;
    if (slot.is_connected()) slot.clear();
    std::vector<GatheredReply> all;
    all.reserve(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      all.push_back(GatheredReply{asked[i], std::move(*replies[i])});
    }
    complete(std::move(all));
  }

  std::vector<NodeId> asked;
  std::vector<std::optional<Result<Reply>>> replies;
  std::size_t missing;
  asio::cancellation_slot slot;
};

template <typename Handler>
struct HandlerGathering final : Gathering {
  HandlerGathering(Handler original, const std::vector<NodeId>& nodes)
      : Gathering(nodes), handler(std::move(original)) {}
  void complete(std::vector<GatheredReply> all) override { std::move(handler)(std::move(all)); }
  Handler handler;
};

template <typename Handler>
std::shared_ptr<Gathering> make_gathering(Handler handler, const std::vector<NodeId>& nodes) {
  return std::make_shared<HandlerGathering<Handler>>(std::move(handler), nodes);
}

struct GatherWaiter final : Waiter {
  GatherWaiter(std::shared_ptr<Gathering> owner, std::size_t position)
      : gathering(std::move(owner)), index(position) {}
  void complete(Result<Reply> result) override { gathering->take(index, std::move(result)); }
  std::shared_ptr<Gathering> gathering;
  std::size_t index;
};

/// The inverse of std::to_string(); nothing for text that it did not make.
inline std::optional<std::uint64_t> parse_request_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace dockherd::bus
