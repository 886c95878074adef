// A Docker daemon in the same process, behind the port, on any clock: for tests of shells and for
// simulation. Everything it does follows from its seed, the clock and the calls made.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "docker_client/docker.hpp"
#include "tests/fakes/daemon_model.hpp"

namespace dockherd::fakes {

using docker_client::DaemonVersion;
using docker_client::DockerRequest;

/// Drawn evenly from [low, high].
struct LatencyRange {
  std::chrono::microseconds low{0};
  std::chrono::microseconds high{0};
};

struct FakeDockerSettings {
  LatencyRange call{std::chrono::microseconds(100), std::chrono::microseconds(2'000)};
  LatencyRange create{std::chrono::microseconds(3'000), std::chrono::microseconds(9'000)};
  LatencyRange start{std::chrono::microseconds(40'000), std::chrono::microseconds(120'000)};
  LatencyRange pull{std::chrono::microseconds(20'000), std::chrono::microseconds(60'000)};
  LatencyRange event{std::chrono::microseconds(50), std::chrono::microseconds(3'000)};
  /// From a stream's headers to the first event that it tells: dockerd subscribes after it has sent
  /// the headers. What happens in between is lost.
  std::chrono::microseconds subscription{5'000};
  std::uint64_t random_seed = 1;
};

/// How an answer gets lost after the daemon did what was asked.
enum class LostAnswer {
  broken,  ///< The connection breaks: daemon_lost.
  silent,  ///< Nothing comes until the caller's deadline: timeout.
};

/// Purpose: one daemon as its agent sees it. Owned by the test; `clock` and `model` outlive it.
/// Faults are set from outside, between turns of the event loop.
/// A call that its caller gives up (deadline, cancellation) before the daemon acted is acted upon
/// all the same in half of the cases: dockerd does not notice a client that left. Of a pull it
/// does, and gives it up.
class FakeDocker final : public docker_client::Docker {
 public:
  FakeDocker(Clock& clock, asio::any_io_executor executor, DaemonModel& model,
             FakeDockerSettings settings = {});
  ~FakeDocker() override;

  asio::awaitable<Result<DockerResponse>> call(DockerRequest request) override;
  asio::awaitable<Result<void>> stream_lines(
      DockerRequest request, std::function<void()> on_open,
      std::function<void(std::string_view)> on_line) override;
  DaemonVersion version() const override;

  /// The daemon is gone: calls in flight end with daemon_lost, streams with daemon_lost, new calls
  /// with daemon_down at once. The model keeps its state (live-restore).
  void go_down();
  void come_up();
  bool is_up() const { return up_; }
  /// Breaks every connection, then answers again: a restart too quick to be seen as down.
  void restart();
  /// Is told each call as it begins; what it returns is answered in place of the daemon, which then
  /// does nothing.
  std::function<std::optional<Result<DockerResponse>>(const DockerRequest&)> intercept;
  FakeDockerSettings& settings() { return settings_; }
  /// Multiplies all latencies from now on; 1 is healthy.
  void slow_down(double factor) { slowness_ = factor; }
  /// Processes take this long to end when they are stopped: what Docker waits for within the grace
  /// time.
  void stop_takes(Duration time) { stop_time_ = time; }
  /// The next `count` calls are answered by `status` and change nothing.
  void fail_next(int count, int status = 500);
  /// The next `count` calls other than GET and HEAD are carried out, but their answers are lost.
  void lose_next_answers(int count, LostAnswer how);
  /// Each call other than GET and HEAD meets one of these with the given probability, 0 to 1.
  void fail_randomly(double probability) { random_failure_ = probability; }
  void lose_randomly(double probability) { random_loss_ = probability; }

  std::size_t calls_in_flight() const { return in_flight_; }
  std::uint64_t calls_ever() const { return calls_ever_; }
  std::size_t open_streams() const { return streams_.size(); }

 private:
  struct Stream {
    explicit Stream(asio::any_io_executor executor) : wake(std::move(executor)) {}
    EventQuery query;
    std::deque<std::pair<TimePoint, std::string>> lines;  // When due, and the text.
    TimePoint last_due;
    TimePoint subscribed;
    asio::steady_timer wake;  // Expires never; cancelled to wake the reader.
  };
  enum class Fate { answered, refused, lost, swallowed };
  enum class Wait { done, broken, late };
  // One connection to the daemon: expires in the past once broken, so that later waits end too.
  using Connection = std::shared_ptr<asio::steady_timer>;

  asio::awaitable<Wait> wait_until(TimePoint when, TimePoint deadline, Connection connection);
  asio::awaitable<Result<DockerResponse>> answer(DockerRequest request, Connection connection);
  DockerResponse act(const DockerRequest& request);
  void abandon(const DockerRequest& request);
  Fate draw_fate(const DockerRequest& request);
  bool chance(double probability);
  Duration draw(const LatencyRange& range);
  Duration latency_of(const DockerRequest& request);
  void break_connections();
  void deliver(const ModelEvent& event);
  void enqueue(Stream& stream, const ModelEvent& event);
  asio::awaitable<Result<void>> read_stream(Stream& stream, Connection connection,
                                            const std::function<void(std::string_view)>& on_line);

  Clock& clock_;
  asio::any_io_executor executor_;
  DaemonModel& model_;
  FakeDockerSettings settings_;
  std::mt19937_64 random_;
  Connection connection_;
  std::list<Stream> streams_;
  int observer_ = 0;
  bool up_ = true;
  bool reached_ = false;
  double slowness_ = 1;
  Duration stop_time_{};
  double random_failure_ = 0;
  double random_loss_ = 0;
  int failures_left_ = 0;
  int failure_status_ = 500;
  int losses_left_ = 0;
  LostAnswer loss_ = LostAnswer::broken;
  std::size_t in_flight_ = 0;
  std::uint64_t calls_ever_ = 0;
};

}  // namespace dockherd::fakes
