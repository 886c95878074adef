#include "tests/sim/bus_herd.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

namespace dockherd::sim {

namespace {

asio::awaitable<bus::Reply> echo(bus::IncomingRequest request) {
  bus::Reply reply(200, std::move(request.body));
  co_return reply;
}

}  // namespace

BusProcess::BusProcess(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
                       bus::BusSettings settings, std::uint64_t seed,
                       std::vector<PeerEvent>& events)
    : time_(time),
      network_(network),
      number_(number),
      events_(events),
      clock_(time, context_),
      transport_(network, context_, number, settings.id),
      discovery_(network, context_, number) {
  time_.add(context_);
  std::vector<bus::Discovery*> discoveries{&discovery_};
  bus_ = std::make_unique<bus::EventBus>(context_.get_executor(), clock_, transport_,
                                         std::move(discoveries), std::move(settings), seed,
                                         null_logger());
  bus_->serve(echo);
  bus_->listen(*this);
  bus_->start();
}

BusProcess::~BusProcess() {
  vanish(Ending::killed);
  clock_.forget_sleepers();
  context_.shutdown();
}

void BusProcess::vanish(Ending ending) {
  if (ending == Ending::power_off) network_.power_off(number_);
  time_.remove(context_);
  discovery_.vanish();
  transport_.stop();
}

void BusProcess::on_peer_joined(const bus::PeerInfo& peer) {
  events_.push_back({time_.now(), number_, peer.id, true, ""});
}

void BusProcess::on_peer_lost(const bus::PeerInfo& peer, const std::string& reason) {
  events_.push_back({time_.now(), number_, peer.id, false, reason});
}

void BusProcess::on_notice(const NodeId& /*from*/, const std::string& topic,
                           const std::string& body) {
  notices_.push_back(topic + " " + body);
}

BusHerd::BusHerd(std::size_t size, std::uint64_t seed, fakes::NetworkSettings settings,
                 bus::LivenessSettings liveness)
    : network(time, settings), liveness_(liveness), random_(seed), processes_(size) {}

void BusHerd::start(fakes::Host host) {
  bus::BusSettings settings;
  settings.id = NodeId::random(random_);
  settings.name = "host" + std::to_string(host);
  settings.herd = "herd";
  settings.headers[std::string(bus::header_version)] = "1.0.0";  // What makes a peer an agent.
  settings.liveness = liveness_;
  processes_[static_cast<std::size_t>(host - 1)] =
      std::make_unique<BusProcess>(time, network, host, std::move(settings), random_(), events_);
  time.touch(process(host).context());
}

void BusHerd::start_all(Duration within) {
  for (fakes::Host host = 1; host <= static_cast<fakes::Host>(size()); ++host) {
    const auto share = static_cast<double>(random_() % 1000) / 1000.0;
    time.after(std::chrono::duration_cast<Duration>(within * share), [this, host] { start(host); });
  }
  time.run_for(within);
}

void BusHerd::end(fakes::Host host, Ending ending) {
  process(host).vanish(ending);
  processes_[static_cast<std::size_t>(host - 1)].reset();
}

void BusHerd::stop(fakes::Host host) {
  bool ended = false;
  asio::co_spawn(process(host).context(), process(host).event_bus().stop(),
                 [&ended](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                   ended = true;
                 });
  time.run_until([&ended] { return ended; }, time.now() + std::chrono::seconds(5));
  end(host, Ending::killed);
}

void BusHerd::freeze(fakes::Host host, Duration duration) {
  if (!alive(host)) return;
  time.set_frozen(process(host).context(), true);
  time.after(
      duration,
      [this, host] {
        if (alive(host)) time.set_frozen(process(host).context(), false);
      },
      fakes::VirtualTime::Touches::none);
}

bool BusHerd::whole() const {
  std::vector<NodeId> living;
  for (const auto& process : processes_) {
    if (process) living.push_back(process->id());
  }
  std::sort(living.begin(), living.end());
  return std::all_of(processes_.begin(), processes_.end(), [&](const auto& process) {
    if (!process) return true;
    const auto peers = process->event_bus().peers();
    if (peers.size() + 1 != living.size()) return false;
    return std::all_of(peers.begin(), peers.end(), [&](const bus::PeerInfo& peer) {
      return std::binary_search(living.begin(), living.end(), peer.id);
    });
  });
}

std::size_t BusHerd::seen_by(const NodeId& peer) const {
  return static_cast<std::size_t>(std::count_if(
      processes_.begin(), processes_.end(),
      [&](const auto& process) { return process && process->event_bus().peer(peer).has_value(); }));
}

std::size_t BusHerd::losses() const {
  return static_cast<std::size_t>(std::count_if(
      events_.begin(), events_.end(), [](const PeerEvent& event) { return !event.joined; }));
}

fakes::Traffic BusHerd::traffic() const {
  fakes::Traffic sum;
  for (fakes::Host host = 1; host <= static_cast<fakes::Host>(size()); ++host) {
    const fakes::Traffic one = network.traffic(host);
    sum.messages += one.messages;
    sum.bytes += one.bytes;
    sum.datagrams += one.datagrams;
  }
  return sum;
}

}  // namespace dockherd::sim
