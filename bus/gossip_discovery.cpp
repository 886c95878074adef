#include "bus/gossip_discovery.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace dockherd::bus {

namespace {

// Seeds are numbered from here, clients after them.
constexpr GossipLinkId first_seed_link = 1;
constexpr GossipLinkId first_client_link = 1'000'000;
constexpr GossipLinkId no_link = 0;

}  // namespace

Result<void> GossipDiscovery::check(const GossipSettings& settings) {
  if (!settings.bind.empty()) {
    if (auto bind = parse_gossip_address(settings.bind); !bind) return bind.error();
  }
  for (const std::string& seed : settings.seeds) {
    if (auto address = parse_gossip_address(seed); !address) return address.error();
  }
  return {};
}

GossipDiscovery::GossipDiscovery(asio::any_io_executor executor, GossipSettings settings,
                                 Logger log)
    : executor_(executor),
      settings_(std::move(settings)),
      log_(std::move(log)),
      table_(settings_.times),
      timer_(executor) {}

GossipDiscovery::~GossipDiscovery() {
  stop();
}

GossipHandlers GossipDiscovery::handlers() {
  GossipHandlers handlers;
  handlers.table = [this] { return table_.dump(std::chrono::steady_clock::now()); };
  handlers.on_publish = [this](GossipLinkId from, const GossipMessage& message) {
    take(from, message);
  };
  handlers.on_closed = [this](GossipLinkId link) {
    table_.drop_link(link, std::chrono::steady_clock::now());
  };
  handlers.on_refused = [this](const std::string& address) {
    // While keys are changed a member may call with the other one first.
    const unsigned times = settings_.keys->size() == 1 ? 1 : 5;
    if (address.empty() || !told_.is_time(address, times)) return;
    log_->warn("gossip refused address={} key={}: it has another key than this herd, or none",
               address, settings_.keys->id());
  };
  return handlers;
}

void GossipDiscovery::start(DiscoveryListener& listener, const NodeId& self,
                            const std::string& endpoint) {
  listener_ = &listener;
  table_.set_own(self, endpoint);
  context_ = std::make_unique<zmq::context_t>(1);
  serve();
  GossipLinkId link = first_seed_link;
  for (const std::string& seed : settings_.seeds) {
    const auto address = parse_gossip_address(seed);
    if (!address) {
      log_->error("gossip seed left out: {}", address.error().message);
      continue;
    }
    seeds_.push_back(std::make_unique<GossipSeed>(executor_, *context_, *address, link++,
                                                  settings_.keys, handlers(), log_));
  }
  tick();
}

void GossipDiscovery::stop() {
  listener_ = nullptr;
  timer_.cancel();
  for (const auto& seed : seeds_) seed->close(limits::bus_linger_ms);
  seeds_.clear();
  if (server_) server_->close(limits::bus_linger_ms);
  server_.reset();
  context_.reset();
}

void GossipDiscovery::serve() {
  if (settings_.bind.empty() || server_) return;
  const auto address = parse_gossip_address(settings_.bind);
  if (!address) {
    if (!std::exchange(bind_failed_, true)) log_->error("gossip: {}", address.error().message);
    return;
  }
  try {
    server_ = std::make_unique<GossipServer>(executor_, *context_, "tcp://" + address->text(),
                                             settings_.keys, first_client_link, handlers());
    bind_failed_ = false;
  } catch (const zmq::error_t& error) {
    if (!std::exchange(bind_failed_, true)) {
      log_->error("gossip cannot listen address={} error=\"{}\"", address->text(), error.what());
    }
  }
}

void GossipDiscovery::tick() {
  serve();
  for (const GossipMessage& message : table_.tick(std::chrono::steady_clock::now())) {
    tell_all(message, no_link);
  }
  for (const GossipTuple& tuple : table_.tuples()) sight(tuple);
  if (listener_ == nullptr) return;
  timer_.expires_after(settings_.repeat_sightings);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired() && listener_ != nullptr) tick();
  });
}

void GossipDiscovery::take(GossipLinkId from, const GossipMessage& message) {
  const auto news = table_.take(from, message, std::chrono::steady_clock::now());
  if (!news) return;
  tell_all(*news, from);
  const auto tuple = to_tuple(*news);
  if (tuple) sight(*tuple);
}

void GossipDiscovery::tell_all(const GossipMessage& message, GossipLinkId except) {
  if (server_) server_->send_to_all(message, except);
  for (const auto& seed : seeds_) {
    if (seed->link() != except) seed->send(message);
  }
}

void GossipDiscovery::sight(const GossipTuple& tuple) {
  // A peer that speaks CURVE would not understand us.
  if (listener_ != nullptr && tuple.public_key.empty()) {
    listener_->on_sighting(tuple.id, tuple.endpoint);
  }
}

std::size_t GossipDiscovery::seeds_up() const {
  return static_cast<std::size_t>(
      std::count_if(seeds_.begin(), seeds_.end(), [](const auto& seed) { return seed->up(); }));
}

}  // namespace dockherd::bus
