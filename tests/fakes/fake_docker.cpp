#include "tests/fakes/fake_docker.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "base/json_reader.hpp"

namespace dockherd::fakes {

namespace {

constexpr TimePoint never = TimePoint::max();

bool changes_something(const DockerRequest& request) {
  return request.method != "GET" && request.method != "HEAD";
}

bool is_pull(const DockerRequest& request) {
  return request.target.starts_with("/images/create");
}

bool is_broken(const asio::steady_timer& connection) {
  return connection.expiry() != never;
}

Error lost() {
  return {errc::daemon_lost, "the daemon broke the connection before answering"};
}

Error down() {
  return {errc::daemon_down, "could not connect to the daemon"};
}

Error not_sent() {
  return {errc::busy, "no time was left for the call"};
}

Error late() {
  return {errc::timeout, "the daemon did not answer in time"};
}

/// Returns when the connection breaks, or when cancelled.
asio::awaitable<void> wait_for_break(std::shared_ptr<asio::steady_timer> connection) {
  co_await connection->async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> throw_if_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

/// Counts one call for as long as it lives.
class CountedCall {
 public:
  explicit CountedCall(std::size_t& count) : count_(count) { ++count_; }
  ~CountedCall() { --count_; }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

FakeDocker::FakeDocker(Clock& clock, asio::any_io_executor executor, DaemonModel& model,
                       FakeDockerSettings settings)
    : clock_(clock),
      executor_(std::move(executor)),
      model_(model),
      settings_(settings),
      random_(settings.random_seed),
      connection_(std::make_shared<asio::steady_timer>(executor_, never)) {
  observer_ = model_.add_observer([this](const ModelEvent& event) { deliver(event); });
}

FakeDocker::~FakeDocker() {
  model_.remove_observer(observer_);
}

DaemonVersion FakeDocker::version() const {
  DaemonVersion known;
  if (!reached_) return known;
  known.version = model_.settings().version;
  known.api_version = model_.settings().api_version;
  return known;
}

asio::awaitable<Result<DockerResponse>> FakeDocker::call(DockerRequest request) {
  ++calls_ever_;
  if (!up_) co_return down();
  if (request.deadline <= clock_.now()) co_return not_sent();
  const CountedCall counted(in_flight_);
  co_return co_await answer(std::move(request), connection_);
}

asio::awaitable<Result<DockerResponse>> FakeDocker::answer(DockerRequest request,
                                                           Connection connection) {
  const auto planted = intercept ? intercept(request) : std::nullopt;
  const Fate fate = draw_fate(request);
  const Duration latency = latency_of(request);
  const TimePoint begun = clock_.now();
  const bool may_change = changes_something(request);
  Wait wait = Wait::done;
  try {
    wait = co_await wait_until(begun + latency * 3 / 4, request.deadline, connection);
  } catch (const boost::system::system_error&) {
    if (may_change) abandon(request);
    throw;
  }
  if (wait != Wait::done) {
    if (may_change) abandon(request);
    if (wait == Wait::broken) co_return lost();
    co_return late();
  }
  reached_ = true;
  if (planted) co_return *planted;
  if (fate == Fate::refused) {
    co_return refuse(failure_status_, "planted failure");
  }
  DockerResponse response = act(request);
  if (fate == Fate::lost) co_return lost();
  const TimePoint answered = fate == Fate::swallowed ? never : begun + latency;
  wait = co_await wait_until(answered, request.deadline, connection);
  if (wait == Wait::broken) co_return lost();
  if (wait == Wait::late) co_return late();
  co_return response;
}

asio::awaitable<FakeDocker::Wait> FakeDocker::wait_until(TimePoint when, TimePoint deadline,
                                                         Connection connection) {
  using namespace asio::experimental::awaitable_operators;
  if (is_broken(*connection)) co_return Wait::broken;
  const TimePoint until = std::min(when, deadline);
  const auto first = co_await (clock_.sleep_until(until) || wait_for_break(connection));
  if (is_broken(*connection)) co_return Wait::broken;
  if (first.index() == 1) throw boost::system::system_error(asio::error::operation_aborted);
  co_return when <= deadline ? Wait::done : Wait::late;
}

DockerResponse FakeDocker::act(const DockerRequest& request) {
  return model_.handle(request.method, request.target, request.body, clock_.wall_now());
}

void FakeDocker::abandon(const DockerRequest& request) {
  if (!is_pull(request) && chance(0.5)) act(request);
}

FakeDocker::Fate FakeDocker::draw_fate(const DockerRequest& request) {
  if (failures_left_ > 0) {
    --failures_left_;
    return Fate::refused;
  }
  if (!changes_something(request)) return Fate::answered;
  if (losses_left_ > 0) {
    --losses_left_;
    return loss_ == LostAnswer::broken ? Fate::lost : Fate::swallowed;
  }
  // Drawn only when asked for, so that adding a fault does not shift all other draws.
  if (random_failure_ > 0 && chance(random_failure_)) return Fate::refused;
  if (random_loss_ > 0 && chance(random_loss_)) {
    return chance(0.5) ? Fate::lost : Fate::swallowed;
  }
  return Fate::answered;
}

bool FakeDocker::chance(double probability) {
  // 53 bits of the generator: the standard distributions differ between libraries.
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

Duration FakeDocker::draw(const LatencyRange& range) {
  const auto span =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, (range.high - range.low).count()));
  const auto drawn = static_cast<std::int64_t>(random_() % (span + 1));
  const auto exact = static_cast<double>(range.low.count() + drawn) * slowness_;
  return std::chrono::microseconds(static_cast<std::int64_t>(exact));
}

Duration FakeDocker::latency_of(const DockerRequest& request) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path.ends_with("/containers/create")) return draw(settings_.create);
  if (is_pull(request)) return draw(settings_.pull);
  if (path.ends_with("/start")) return draw(settings_.start);
  if (path.ends_with("/restart") || path.ends_with("/stop")) {
    return draw(settings_.start) + stop_time_;
  }
  return draw(settings_.call);
}

void FakeDocker::go_down() {
  if (!up_) return;
  up_ = false;
  model_.forget_events();
  break_connections();
}

void FakeDocker::come_up() {
  up_ = true;
}

void FakeDocker::restart() {
  go_down();
  come_up();
}

void FakeDocker::break_connections() {
  connection_->expires_at(TimePoint::min());
  connection_ = std::make_shared<asio::steady_timer>(executor_, never);
  for (Stream& stream : streams_) stream.wake.cancel();
}

void FakeDocker::fail_next(int count, int status) {
  failures_left_ = count;
  failure_status_ = status;
}

void FakeDocker::lose_next_answers(int count, LostAnswer how) {
  losses_left_ = count;
  loss_ = how;
}

asio::awaitable<Result<void>> FakeDocker::stream_lines(
    DockerRequest request, std::function<void()> on_open,
    std::function<void(std::string_view)> on_line) {
  ++calls_ever_;
  if (!up_) co_return down();
  const Connection connection = connection_;
  const TimePoint answered = clock_.now() + draw(settings_.call);
  const Wait wait = co_await wait_until(answered, request.deadline, connection);
  if (wait == Wait::broken) co_return lost();
  if (wait == Wait::late) co_return late();
  reached_ = true;
  if (failures_left_ > 0) {
    --failures_left_;
    Error refused(errc::docker_refused, "planted failure");
    refused.docker_status = failure_status_;
    co_return refused;
  }
  const auto stream = streams_.emplace(streams_.end(), executor_);
  // Owned by the list; removed however this coroutine ends.
  const auto remove = [this](const Stream* ended) {
    streams_.remove_if([ended](const Stream& each) { return &each == ended; });
  };
  const std::unique_ptr<Stream, decltype(remove)> removal(&*stream, remove);
  stream->wake.expires_at(never);
  stream->query = EventQuery::of_target(request.target);
  stream->subscribed = clock_.now() + settings_.subscription;
  for (const ModelEvent& past : model_.past_events(stream->query)) enqueue(*stream, past);
  on_open();
  co_return co_await read_stream(*stream, connection, on_line);
}

asio::awaitable<Result<void>> FakeDocker::read_stream(
    Stream& stream, Connection connection, const std::function<void(std::string_view)>& on_line) {
  for (;;) {
    co_await throw_if_cancelled();
    if (is_broken(*connection)) co_return lost();
    if (stream.lines.empty()) {
      co_await stream.wake.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    const Wait wait = co_await wait_until(stream.lines.front().first, never, connection);
    if (wait == Wait::broken) co_return lost();
    const std::string line = std::move(stream.lines.front().second);
    stream.lines.pop_front();
    on_line(line);
  }
}

void FakeDocker::deliver(const ModelEvent& event) {
  for (Stream& stream : streams_) {
    if (clock_.now() < stream.subscribed) continue;
    if (stream.query.wants(event)) enqueue(stream, event);
  }
}

void FakeDocker::enqueue(Stream& stream, const ModelEvent& event) {
  // Later events never overtake earlier ones.
  const TimePoint due = std::max(stream.last_due, clock_.now() + draw(settings_.event));
  stream.last_due = due;
  stream.lines.emplace_back(due, event.line);
  stream.wake.cancel();
}

}  // namespace dockherd::fakes
