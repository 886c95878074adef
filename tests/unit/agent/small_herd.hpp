// A few complete agents on fakes and on virtual time, for tests of what takes a whole node:
// placing, creating, pulling. Without faults but those that a test plants.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.hpp"
#include "tests/sim/sim_host.hpp"

namespace dockherd::agent {

using docker_client::DockerRequest;
using docker_client::DockerResponse;

/// A verb's answer; status 0 until it is there.
struct VerbAnswer {
  int status = 0;
  json body;
};

/// Purpose: hosts 1 to `count`, whole and calm after construction. Owned by the test.
class SmallHerd {
 public:
  using Change = std::function<void(NodeSettings&)>;
  /// Answers in place of a daemon, or lets it answer itself.
  using Plan = std::function<std::optional<Result<DockerResponse>>(const DockerRequest&)>;

  /// `users` may be null, and outlives the herd.
  explicit SmallHerd(int count, const Change& change = {}, std::uint64_t seed = 1,
                     const trust::UserBook* users = nullptr);

  sim::SimHost& host(int number) { return *hosts_.at(static_cast<std::size_t>(number - 1)); }
  fakes::FakeDocker& docker(int number) { return host(number).process().docker(); }
  fakes::VirtualTime& time() { return time_; }
  fakes::MemoryNetwork& network() { return network_; }
  int size() const { return static_cast<int>(hosts_.size()); }
  bool run_until(const std::function<bool()>& predicate, Duration at_most);
  /// From now on, for the calls to that host's daemon.
  void plan(int number, Plan plan) { plans_[number] = std::move(plan); }

  /// The agents of these hosts are gone without a goodbye, all at once.
  void power_off(const std::vector<int>& numbers);
  /// A new agent beside the daemon that was there before.
  void start_agent(int number);
  /// The agent is killed and starts anew; the others know it when this returns.
  void restart_agent(int number);
  /// Says goodbye and ends.
  void stop_agent(int number);
  /// Hosts of different sides do not hear each other from now on; rejoin() ends that.
  void split(const std::vector<int>& side, const std::vector<int>& other_side);
  void rejoin();

  /// Begins a verb through a host.
  std::shared_ptr<const VerbAnswer> send(int through, const json& verb,
                                         http_api::Caller caller = {});
  /// Until it is answered; fails the test when it is not after a long (virtual) time.
  VerbAnswer ask(int through, const json& verb, http_api::Caller caller = {});
  /// Docker's create through a host, allowed on these.
  engine_api::CreateAnswer create(int through, const std::vector<int>& allowed,
                                  std::vector<std::string> reasons = {},
                                  std::string body = R"({"Image":"busybox"})");

  /// Containers by host, as the daemons have them.
  std::vector<std::size_t> counts();
  std::size_t total();
  /// As if by the docker command on that host: running, with this create body beside the image.
  /// Returns the full id.
  std::string run(int number, const std::string& name, json body = json::object());
  /// As if by the docker command on that host; known to all when this returns.
  void create_behind(int number, std::size_t count);
  /// Calls made so far to that host's daemon with this method, to targets that contain `part`.
  std::vector<DockerRequest> calls(int number, const std::string& method,
                                   const std::string& part) const;

 private:
  void watch_calls(int number);
  static asio::awaitable<void> execute(Node& node, std::string request, http_api::Caller caller,
                                       std::shared_ptr<VerbAnswer> answer);
  static asio::awaitable<void> execute(Node& node, engine_api::CreateOrder order,
                                       std::shared_ptr<engine_api::CreateAnswer> answer);

  fakes::VirtualTime time_;
  fakes::MemoryNetwork network_;
  std::map<int, Plan> plans_;
  std::map<int, std::vector<DockerRequest>> calls_;
  std::vector<std::unique_ptr<sim::SimHost>> hosts_;
};

/// An image or container create that is refused as Docker words it.
DockerResponse refusal(int status, const std::string& message);

/// Answers the first matching calls, those with this method and `part` in the target, by `answer`.
SmallHerd::Plan answer_always(std::string method, std::string part, Result<DockerResponse> answer);

}  // namespace dockherd::agent
