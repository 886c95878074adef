#include "tests/sim/sim_host.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/json_reader.hpp"
#include "base/limits.hpp"

namespace dockherd::sim {

namespace {

fakes::DaemonSettings daemon_settings(const std::string& hostname, std::uint64_t seed) {
  fakes::DaemonSettings settings;
  settings.name = hostname;
  settings.random_seed = seed;
  return settings;
}

}  // namespace

SimProcess::SimProcess(fakes::VirtualTime& time, fakes::MemoryNetwork& network,
                       fakes::DaemonModel& daemon, fakes::Host number, agent::NodeSettings settings,
                       const trust::UserBook* users)
    : time_(time),
      network_(network),
      number_(number),
      id_(settings.id),
      executor_(context_),
      clock_(time, context_),
      docker_(clock_, executor_, daemon,
              fakes::FakeDockerSettings{.random_seed = settings.random_seed ^ 0x5555}),
      transport_(network, context_, number, id_),
      discovery_(network, context_, number) {
  time_.add(context_);
  agent::NodePorts ports{executor_, clock_, transport_, {&discovery_}, docker_, users};
  node_ = std::make_unique<agent::Node>(std::move(ports), std::move(settings));
}

SimProcess::~SimProcess() {
  vanish(Ending::killed);
  // What was suspended is destroyed while that which it refers to still lives.
  executor_.die();
  clock_.forget_sleepers();
  context_.shutdown();
  node_.reset();
}

void SimProcess::vanish(Ending ending) {
  if (ending == Ending::power_off) network_.power_off(number_);
  time_.remove(context_);
  discovery_.vanish();
  transport_.stop();
}

SimHost::SimHost(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
                 std::uint64_t seed)
    : time_(time),
      network_(network),
      number_(number),
      hostname_("host" + std::to_string(number)),
      random_(seed),
      daemon_(daemon_settings(hostname_, random_())) {
  daemon_.add_observer([this](const fakes::ModelEvent& event) { note_event(event); });
}

SimHost::~SimHost() = default;

void SimHost::note_event(const fakes::ModelEvent& event) {
  const auto parsed = parse_json(event.line);
  if (!parsed || event.type != "container") return;
  const std::string action = parsed->value("Action", "");
  const std::string id = parsed->at("Actor").at("ID").get<std::string>();
  if (action == "create") {
    MadeContainer made;
    made.id = id;
    made.verb = parsed->at("Actor").at("Attributes").value("sim.verb", "");
    made.made = time_.now();
    made_.push_back(std::move(made));
  } else if (action == "destroy") {
    for (MadeContainer& made : made_) {
      if (made.id == id) made.gone = time_.now();
    }
  }
}

void SimHost::start_agent() {
  ++incarnation_;
  stopping_ = false;
  agent::NodeSettings settings;
  settings.id = NodeId::random(random_);
  settings.hostname = hostname_;
  settings.http_address = "10.0.0." + std::to_string(number_) + ":8080";
  settings.templates = "/nonexistent";
  settings.random_seed = random_();
  if (change_settings) change_settings(settings);
  process_ =
      std::make_unique<SimProcess>(time_, network_, daemon_, number_, std::move(settings), users);
  apply_daemon_faults();
  process_->node().start();
  time_.touch(process_->context());
}

void SimHost::end_agent(Ending ending) {
  if (!process_) return;
  frozen_ = false;
  stopping_ = false;
  process_->vanish(ending);
  process_.reset();
}

void SimHost::stop_agent(std::function<void()> ended) {
  stopping_ = true;
  const int run = incarnation_;
  auto on_end = [this, run, ended = std::move(ended)](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
    // Not from inside its own event loop.
    time_.after(Duration::zero(), [this, run, ended] {
      if (run != incarnation_ || !process_) return;
      end_agent(Ending::killed);
      if (ended) ended();
    });
  };
  asio::co_spawn(process_->executor(), process_->node().stop(time_.now() + limits::drain),
                 std::move(on_end));
  time_.touch(process_->context());
}

void SimHost::set_frozen(bool frozen) {
  if (!process_) return;
  frozen_ = frozen;
  time_.set_frozen(process_->context(), frozen);
}

void SimHost::set_daemon_up(bool up) {
  daemon_up_ = up;
  apply_daemon_faults();
}

void SimHost::restart_daemon() {
  if (process_ && daemon_up_) process_->docker().restart();
  time_.touch_all();
}

void SimHost::slow_daemon(double factor) {
  slowness_ = factor;
  apply_daemon_faults();
}

void SimHost::fail_daemon_randomly(double failure, double loss) {
  failure_ = failure;
  loss_ = loss;
  apply_daemon_faults();
}

void SimHost::heal_daemon() {
  daemon_up_ = true;
  slowness_ = 1;
  failure_ = 0;
  loss_ = 0;
  apply_daemon_faults();
}

void SimHost::apply_daemon_faults() {
  if (!process_) return;
  fakes::FakeDocker& docker = process_->docker();
  docker.slow_down(slowness_);
  docker.fail_randomly(failure_);
  docker.lose_randomly(loss_);
  if (daemon_up_ && !docker.is_up()) docker.come_up();
  if (!daemon_up_ && docker.is_up()) docker.go_down();
  time_.touch_all();
}

}  // namespace dockherd::sim
