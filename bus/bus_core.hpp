// What is behind EventBus: it carries out what the pure parts decide. Internal to the bus.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/task_cancellation.hpp"
#include "base/task_group.hpp"
#include "bus/bus_waiters.hpp"
#include "bus/envelope.hpp"
#include "bus/event_bus.hpp"
#include "bus/membership.hpp"
#include "bus/pending_requests.hpp"
#include "bus/request_server.hpp"

namespace dockherd::bus {

/// How a request is to be made.
struct RequestTerms {
  TimePoint deadline;
  bool local;
  Lane lane;
};

struct EventBus::Core final : TransportListener, DiscoveryListener {
  Core(asio::any_io_executor loop, Clock& time, Transport& wires, std::vector<Discovery*> finders,
       const BusSettings& settings, std::uint64_t seed, Logger logger);

  // What ports say.
  void on_message(const NodeId& from, Frames frames) override;
  void on_link_closed(const NodeId& peer, const std::string& reason) override;
  void on_sighting(const NodeId& peer, const std::string& endpoint) override;
  void on_departure(const NodeId& peer) override;

  // What membership decided.
  void act();
  void carry_out_all();
  void carry_out(Connect&& action);
  void carry_out(Disconnect&& action);
  void carry_out(Send&& action);
  void carry_out(PeerJoined&& action);
  void carry_out(PeerLost&& action);
  void carry_out(PeerRefused&& action);
  void carry_out(SessionRenewed&& action);
  void carry_out(WhisperReceived&& action);
  void carry_out(ShoutReceived&& action);
  UnknownKeys unknown_keys_of(const NodeId& from) const;

  // What peers want.
  void on_request(const NodeId& from, const std::string& group, RequestEnvelope&& request);
  bool is_for_us(const NodeId& from, const std::string& group, const RequestEnvelope& request);
  void on_reply(const NodeId& from, ReplyEnvelope&& reply);
  void on_notice(const NodeId& from, const NoticeEnvelope& notice);
  void on_fault(const NodeId& from, bool shouted, const EnvelopeFault& fault);
  void send_reply(const NodeId& to, std::optional<std::string> id, Reply reply);

  // What we want of peers.
  std::uint64_t begin_request(const NodeId& to, std::string body, const RequestTerms& terms,
                              WaiterPointer waiter);
  void send_request(std::uint64_t id, const NodeId& to, std::string body, const RequestTerms& terms,
                    WaiterPointer waiter);
  void serve_own(std::uint64_t id, std::string body, const RequestTerms& terms,
                 WaiterPointer waiter);
  bool is_crowded(const NodeId& peer) const;
  void cancel_request(std::uint64_t id);
  void complete(WaiterPointer waiter, Result<Reply> result);

  // Time.
  asio::awaitable<void> keep_deadlines();
  void tick();
  TimePoint next_deadline() const;
  void wake_for_earlier_deadline();
  /// Ends the sleep until the next deadline.
  void wake();

  asio::any_io_executor executor;
  Clock& clock;
  Transport& transport;
  std::vector<Discovery*> discoveries;
  NodeId self;
  Membership membership;
  PendingRequests<WaiterPointer> pending;
  RequestServer server;
  TaskGroup tasks;
  Logger log;
  BusListener* listener = nullptr;
  BusCounters counters;
  bool running = false;
  std::size_t acting = 0;
  std::set<NodeId> gone_links;  // Sends failed, and no new link has been made since.
  std::optional<TaskCancellation> sleep_cancellation;
  TimePoint sleeping_until = TimePoint::min();  // Not asleep.
};

}  // namespace dockherd::bus
