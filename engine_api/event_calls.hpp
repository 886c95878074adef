// GET /events: those of all hosts as one stream.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine_api/api_context.hpp"
#include "engine_api/event_query.hpp"

namespace dockherd::engine_api {

/// Purpose: keeps a stream open to every host's daemon for each client that listens, and gives the
/// client what they say in one order. Hosts that join are asked too, those that end are told.
/// Each stream's coroutines share its state; those that read end with it. One thread only.
class EventCalls {
 public:
  explicit EventCalls(ApiContext& context);
  ~EventCalls();
  EventCalls(const EventCalls&) = delete;
  EventCalls& operator=(const EventCalls&) = delete;

  asio::awaitable<void> serve(ApiRequest& request);

  /// Streams of clients, for tests and figures.
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Source;
  struct Stream;
  class Listed;

  // What the client gets.
  asio::awaitable<bool> begin(ApiRequest& request, std::shared_ptr<Stream> stream);
  asio::awaitable<void> tell(http_api::Exchange& exchange, std::shared_ptr<Stream> stream);
  asio::awaitable<void> wait(std::shared_ptr<Stream> stream, TimePoint deadline);
  bool is_past(const Stream& stream) const;
  bool is_over(const Stream& stream) const;
  TimePoint wait_end(const Stream& stream) const;

  // What the hosts say.
  void follow_nodes(const std::shared_ptr<Stream>& stream, const std::vector<HerdNode>& nodes);
  void follow(const std::shared_ptr<Stream>& stream, const std::shared_ptr<Source>& source);
  asio::awaitable<void> read_source(std::shared_ptr<Stream> stream, std::shared_ptr<Source> source);
  asio::awaitable<void> read_events(std::shared_ptr<Stream> stream, std::shared_ptr<Source> source);
  asio::awaitable<void> read_lines(Stream& stream, Source& source);
  asio::awaitable<bool> push(Stream& stream, Source& source, std::string_view line);

  // Who is there.
  std::optional<std::int64_t> beginning_of(Stream& stream, const NodeView& node) const;
  void node_came(const std::shared_ptr<Stream>& stream, const HerdNode& node);
  void node_went(Stream& stream, Source& source);
  void tell_of_node(Stream& stream, std::string_view action, const NodeView& node);
  void tell_of_collision(const NameCollision& collision, bool begins);
  asio::awaitable<void> watch_nodes();
  std::int64_t wall_nano() const;

  ApiContext& context_;
  std::list<std::shared_ptr<Stream>> streams_;
  bool watching_ = false;
};

}  // namespace dockherd::engine_api
