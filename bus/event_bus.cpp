#include "bus/event_bus.hpp"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bus/bus_core.hpp"

namespace dockherd::bus {

namespace {

constexpr std::chrono::milliseconds goodbye_ahead{50};

}  // namespace

EventBus::EventBus(asio::any_io_executor executor, Clock& clock, Transport& transport,
                   std::vector<Discovery*> discoveries, BusSettings settings,
                   std::uint64_t random_seed, Logger log)
    : core_(std::make_unique<Core>(executor, clock, transport, std::move(discoveries), settings,
                                   random_seed, std::move(log))) {}

EventBus::~EventBus() = default;

void EventBus::serve(RequestHandler handler) {
  core_->server.serve_with(std::move(handler));
}

void EventBus::listen(BusListener& listener) {
  core_->listener = &listener;
}

void EventBus::start() {
  core_->running = true;
  core_->transport.start(*core_);
  for (Discovery* discovery : core_->discoveries) {
    discovery->start(*core_, core_->self, core_->transport.endpoint());
  }
  core_->tasks.spawn("bus deadlines", core_->keep_deadlines());
}

asio::awaitable<void> EventBus::stop() {
  if (!std::exchange(core_->running, false)) co_return;
  core_->membership.goodbye();
  core_->act();
  for (Discovery* discovery : core_->discoveries) discovery->stop();
  for (WaiterPointer& waiter : core_->pending.take_all()) {
    core_->complete(std::move(waiter), Error(errc::canceled, "this node is stopping"));
  }
  co_await core_->server.close();
  // The goodbye goes by our link, the end of theirs by their own: whoever noticed that first would
  // take us for lost.
  co_await core_->clock.sleep_until(core_->clock.now() + goodbye_ahead);
  core_->transport.stop();
  core_->wake();
  co_await core_->tasks.wait_idle();
}

const NodeId& EventBus::self() const {
  return core_->self;
}

std::size_t EventBus::serving() const {
  return core_->server.size();
}

std::size_t EventBus::awaiting() const {
  return core_->pending.size();
}

void EventBus::join(const std::string& group) {
  core_->membership.join(group);
  core_->act();
}

void EventBus::leave(const std::string& group) {
  core_->membership.leave(group);
  core_->act();
}

std::vector<PeerInfo> EventBus::peers() const {
  return core_->membership.peers();
}

std::optional<PeerInfo> EventBus::peer(const NodeId& id) const {
  return core_->membership.peer(id);
}

std::vector<NodeId> EventBus::members(const std::string& group) const {
  return core_->membership.addresses().members(group);
}

bool EventBus::is_member(const std::string& group, const NodeId& node) const {
  return core_->membership.addresses().is_member(group, node);
}

asio::awaitable<Result<Reply>> EventBus::request(NodeId to, std::string body, TimePoint deadline,
                                                 bool local, Lane lane) {
  const RequestTerms terms{deadline, local, lane};
  auto initiate = [core = core_.get(), to, text = std::move(body), terms](auto handler) mutable {
    const auto slot = asio::get_associated_cancellation_slot(handler);
    auto waiter = make_waiter(std::move(handler));
    waiter->slot = slot;
    const auto id = core->begin_request(to, std::move(text), terms, std::move(waiter));
    if (!slot.is_connected() || !core->pending.contains(id)) return;
    auto cancel = [core, id](asio::cancellation_type) { core->cancel_request(id); };
    asio::cancellation_slot(slot).assign(std::move(cancel));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Reply>)>(
      std::move(initiate), asio::use_awaitable);
}

asio::awaitable<std::vector<GatheredReply>> EventBus::gather(std::vector<NodeId> to,
                                                             std::string body, TimePoint deadline,
                                                             bool local, Lane lane) {
  if (to.empty()) co_return std::vector<GatheredReply>();
  const RequestTerms terms{deadline, local, lane};
  auto initiate = [core = core_.get(), nodes = std::move(to), text = std::move(body),
                   terms](auto handler) mutable {
    const auto slot = asio::get_associated_cancellation_slot(handler);
    auto gathering = make_gathering(std::move(handler), nodes);
    gathering->slot = slot;
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      ids.push_back(
          core->begin_request(nodes[i], text, terms, std::make_unique<GatherWaiter>(gathering, i)));
    }
    if (!slot.is_connected()) return;
    auto cancel = [core, asked = std::move(ids)](asio::cancellation_type) {
      for (const std::uint64_t id : asked) core->cancel_request(id);
    };
    asio::cancellation_slot(slot).assign(std::move(cancel));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(std::vector<GatheredReply>)>(std::move(initiate),
                                                                            asio::use_awaitable);
}

void EventBus::notify(const NodeId& to, const std::string& topic, const std::string& body) {
  if (!core_->membership.is_agent(to)) return;
  core_->membership.whisper(to, encode_notice(topic, body));
  core_->act();
}

void EventBus::notify_all(const std::string& topic, const std::string& body) {
  const std::string text = encode_notice(topic, body);
  for (const NodeId& agent : core_->membership.agents()) core_->membership.whisper(agent, text);
  core_->act();
}

const BusCounters& EventBus::counters() const {
  return core_->counters;
}

}  // namespace dockherd::bus
