#include "engine_api/event_calls.hpp"

#include <algorithm>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "base/with_deadline.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/event_merge.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

/// How long an event waits for older ones of other hosts.
constexpr std::chrono::milliseconds hold{50};
constexpr std::chrono::milliseconds look_for_nodes{200};
constexpr std::chrono::seconds try_again_after{1};
constexpr std::size_t most_remembered = 1024;  // Hosts that went.
/// A client that reads slowly holds its hosts' streams back; they look this often whether it goes
/// on.
constexpr std::chrono::milliseconds look_for_room{50};

bool was_lost(const std::vector<LostHost>& lost, const std::string& hostname) {
  return std::any_of(lost.begin(), lost.end(),
                     [&hostname](const LostHost& host) { return host.name == hostname; });
}

/// "h2/web, h3/web", with "…" at the end where there are more.
std::string others_than(const std::string& id, const NameCollision& collision) {
  std::vector<std::string> others;
  for (const NameCollision::Container& each : collision.containers) {
    if (each.id != id) others.push_back(each.node.name + "/" + collision.name);
  }
  if (collision.more) others.emplace_back("…");
  return join(others);
}

}  // namespace

/// One host of a stream.
struct EventCalls::Source {
  explicit Source(const HerdNode& host) : node(host) {}

  HerdNode node;
  std::shared_ptr<http_api::UpstreamCall> call;  ///< While its daemon's stream is open.
  bool active = false;                           ///< A coroutine reads it.
  bool present = true;                           ///< In the herd.
  bool told_all = false;                         ///< Until the time that the client asked for.
  std::optional<std::int64_t> since;             ///< Where to go on; nothing: as the client asked.
  TimePoint again_at = TimePoint::min();
  std::string failure;

  void break_off() {
    if (call && call->connected()) call->connection()->close();
  }
};

/// What one client gets.
struct EventCalls::Stream {
  Stream(const asio::any_io_executor& executor, EventQuery wanted, Duration held,
         trust::Principal asks)
      : query(std::move(wanted)), caller(std::move(asks)), merge(held), changed(executor, 1) {}

  EventQuery query;
  trust::Principal caller;
  EventMerge merge;
  asio::experimental::channel<void(boost::system::error_code)> changed;
  std::map<std::string, std::shared_ptr<Source>> sources;  ///< By the node's id.
  /// Where hosts that went are to go on, by hostname: an agent that has restarted has another id.
  std::map<std::string, std::optional<std::int64_t>> go_on_at;
  bool opened = false;  ///< A daemon has begun to answer.
  std::optional<HostAnswer> refusal;
  bool ended = false;

  void wake() { changed.try_send(boost::system::error_code()); }
  bool active() const {
    return std::any_of(sources.begin(), sources.end(),
                       [](const auto& entry) { return entry.second->active; });
  }
};

/// Among the streams for as long as it lives; its end ends all that the stream has open.
class EventCalls::Listed {
 public:
  Listed(EventCalls& calls, std::shared_ptr<Stream> stream)
      : calls_(calls), at_(calls.streams_.insert(calls.streams_.end(), std::move(stream))) {}
  ~Listed() {
    Stream& stream = **at_;
    stream.ended = true;
    for (auto& [id, source] : stream.sources) source->break_off();
    calls_.streams_.erase(at_);
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  EventCalls& calls_;
  std::list<std::shared_ptr<Stream>>::iterator at_;
};

EventCalls::EventCalls(ApiContext& context) : context_(context) {
  context_.herd.on_name_collision([this](const NameCollision& collision, bool begins) {
    tell_of_collision(collision, begins);
  });
}

EventCalls::~EventCalls() {
  context_.herd.on_name_collision(nullptr);
}

std::int64_t EventCalls::wall_nano() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             context_.clock.wall_now().time_since_epoch())
      .count();
}

// --- what the client gets ------------------------------------------------------------------------

asio::awaitable<void> EventCalls::serve(ApiRequest& request) {
  EventQuery query(request.query);
  // Of what is past each host tells all that it has and ends: nothing needs to be told early.
  const bool all_past = query.until() && *query.until() <= wall_nano();
  const Duration held = all_past ? Duration(context_.settings.task_timeout) : Duration(hold);
  const auto stream = std::make_shared<Stream>(context_.tasks.executor(), std::move(query), held,
                                               request.exchange.caller().principal);
  const Listed listed(*this, stream);
  request.exchange.on_client_gone([gone = std::weak_ptr<Stream>(stream)] {
    const auto client = gone.lock();
    if (!client) return;
    client->ended = true;
    client->wake();
  });
  for (const HerdNode& node : context_.herd.nodes()) {
    if (!stream->query.wants_node(node.view)) continue;
    stream->sources.emplace(node.view.id, std::make_shared<Source>(node));
    stream->merge.open(node.view.id);
  }
  for (auto& [id, source] : stream->sources) follow(stream, source);
  if (!watching_) {
    watching_ = true;
    context_.tasks.spawn("events nodes", watch_nodes());
  }
  const bool begun = co_await begin(request, stream);
  if (begun) co_await tell(request.exchange, stream);
  request.exchange.on_client_gone(nullptr);
}

/// The head is sent as soon as a daemon has found nothing wrong with the question. False when the
/// request has been answered with an error, or the client is gone.
asio::awaitable<bool> EventCalls::begin(ApiRequest& request, std::shared_ptr<Stream> stream) {
  const TimePoint deadline = context_.task_deadline();
  while (!stream->opened && !stream->refusal && !stream->ended && stream->active() &&
         context_.clock.now() < deadline) {
    co_await wait(stream, deadline);
  }
  if (stream->ended) co_return false;
  if (!stream->opened && stream->refusal) {
    co_await answer_json(context_, request.exchange, stream->refusal->status,
                         stream->refusal->body);
    co_return false;
  }
  if (!stream->opened && !stream->active() && !stream->sources.empty()) {
    const Source& first = *stream->sources.begin()->second;
    co_await answer_error(context_, request.exchange, 502,
                          first.node.view.name + ": " + first.failure);
    co_return false;
  }
  std::vector<std::string> missing;
  for (const auto& [id, source] : stream->sources) {
    if (!source->failure.empty()) {
      missing.push_back(source->node.view.name + " (" + source->failure + ")");
    }
  }
  http_api::HeaderList headers = own_headers(context_.herd, "application/json");
  add_warning(headers, missing_hosts(context_, std::move(missing)));
  co_return co_await request.exchange.begin(200, std::move(headers));
}

asio::awaitable<void> EventCalls::tell(http_api::Exchange& exchange,
                                       std::shared_ptr<Stream> stream) {
  while (!stream->ended) {
    const bool last = is_over(*stream);
    for (std::string& line : stream->merge.pop_ready(context_.clock.now())) {
      // Each in a chunk of its own, as dockerd sends them: clients rely on it.
      line += '\n';
      const bool sent = co_await exchange.write(line);
      if (!sent || stream->ended) co_return;
    }
    if (last && stream->merge.held() == 0) {
      co_await exchange.end();
      co_return;
    }
    co_await wait(stream, wait_end(*stream));
  }
}

bool EventCalls::is_past(const Stream& stream) const {
  return stream.query.until() && *stream.query.until() <= wall_nano();
}

/// Nothing more can come.
bool EventCalls::is_over(const Stream& stream) const {
  if (!stream.query.until() || stream.active()) return false;
  return is_past(stream) || std::all_of(stream.sources.begin(), stream.sources.end(),
                                        [](const auto& entry) { return entry.second->told_all; });
}

/// When there is something to do even if nobody says so.
TimePoint EventCalls::wait_end(const Stream& stream) const {
  TimePoint end = stream.merge.next_due().value_or(TimePoint::max());
  if (stream.query.until() && !is_past(stream)) {
    const auto left = std::chrono::nanoseconds(*stream.query.until() - wall_nano());
    // One that is years away is looked at again in an hour: clocks have less room than calendars.
    end = std::min<TimePoint>(end, context_.clock.now() + std::min<std::chrono::nanoseconds>(
                                                              left, std::chrono::hours(1)));
  }
  return end;
}

asio::awaitable<void> EventCalls::wait(std::shared_ptr<Stream> stream, TimePoint deadline) {
  if (deadline == TimePoint::max()) {
    // An idle stream has no timer.
    co_await stream->changed.async_receive(asio::use_awaitable);
    co_return;
  }
  co_await with_deadline(context_.clock, stream->changed.async_receive(asio::use_awaitable),
                         deadline);
}

// --- what the hosts say --------------------------------------------------------------------------

void EventCalls::follow(const std::shared_ptr<Stream>& stream,
                        const std::shared_ptr<Source>& source) {
  source->active = true;
  source->failure.clear();
  context_.tasks.spawn("events source", read_source(stream, source));
}

asio::awaitable<void> EventCalls::read_source(std::shared_ptr<Stream> stream,
                                              std::shared_ptr<Source> source) {
  try {
    co_await read_events(stream, source);
  } catch (...) {
    source->active = false;  // Stopping.
    stream->wake();
    throw;
  }
  source->call.reset();
  source->active = false;
  if (!source->since && !stream->query.has_since()) source->since = wall_nano();
  source->again_at = context_.clock.now() + try_again_after;
  stream->merge.close(source->node.view.id);
  stream->wake();
}

asio::awaitable<void> EventCalls::read_events(std::shared_ptr<Stream> stream,
                                              std::shared_ptr<Source> source) {
  const auto call = std::make_shared<http_api::UpstreamCall>(context_.upstreams,
                                                             upstream_of(context_, source->node));
  source->call = call;
  const TimePoint deadline = context_.task_deadline();
  http_api::RequestHead head(
      "GET", "/events?" + format_query(stream->query.for_daemon(source->node.view, source->since)));
  add_node_header(source->node, stream->caller, head.headers);
  auto begun = co_await call->send(std::move(head), "", deadline);
  if (begun && !stream->ended) begun = co_await call->read_final_head(deadline);
  if (stream->ended) co_return;
  if (!begun) {
    source->failure = begun.error().message;
    co_return;
  }
  const int status = static_cast<int>(call->head().result_int());
  if (status != 200) {
    auto answer = co_await call->read_whole(limits::json_bytes, deadline);
    const std::string body = answer ? std::move(answer->body) : std::string();
    source->failure = docker_client::error_message(body);
    // What a daemon finds wrong with the question all do; dockerd says so by 500, too. Agents say
    // by 502 and above that they cannot ask theirs.
    if (status >= 400 && status <= 500) {
      stream->refusal = HostAnswer{source->node.view.name, status, body};
    }
    co_return;
  }
  stream->opened = true;
  // It may break off before it has said anything, and go on from here.
  if (!source->since && !stream->query.has_since()) source->since = wall_nano();
  stream->wake();
  co_await read_lines(*stream, *source);
  source->told_all = stream->query.until() && call->complete();
}

asio::awaitable<void> EventCalls::read_lines(Stream& stream, Source& source) {
  std::string text;
  source.call->decode_into(&text, limits::docker_event_bytes);
  bool open = true;
  while (open && !stream.ended) {
    const std::string_view piece = co_await source.call->read_raw();
    open = !piece.empty();
    std::size_t done = 0;
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', done)) {
      const bool taken =
          co_await push(stream, source, std::string_view(text).substr(done, end - done));
      if (!taken) co_return;
      done = end + 1;
    }
    text.erase(0, done);
  }
}

/// Waits for room. False when the stream has ended meanwhile.
asio::awaitable<bool> EventCalls::push(Stream& stream, Source& source, std::string_view line) {
  const auto event = ObjectText::sliced(line);
  if (!event) co_return true;
  const std::string text = herd_event(line, source.node.view);
  if (text.empty()) co_return true;
  while (!stream.ended) {
    const bool taken = stream.merge.push(source.node.view.id, text, context_.clock.now());
    stream.wake();
    if (taken) break;
    co_await context_.clock.sleep_until(context_.clock.now() + look_for_room);
  }
  if (const auto nano = integer_of(event->find("timeNano"))) source.since = moment_after(*nano);
  co_return !stream.ended;
}

// --- who is there --------------------------------------------------------------------------------

/// One for all streams, so that idle ones cost nothing while the herd stays as it is.
asio::awaitable<void> EventCalls::watch_nodes() {
  while (!streams_.empty()) {
    co_await context_.clock.sleep_until(context_.clock.now() + look_for_nodes);
    const std::vector<HerdNode> nodes = context_.herd.nodes();
    for (const auto& stream : streams_) follow_nodes(stream, nodes);
  }
  watching_ = false;
}

void EventCalls::follow_nodes(const std::shared_ptr<Stream>& stream,
                              const std::vector<HerdNode>& nodes) {
  if (stream->ended || is_past(*stream)) return;
  std::set<std::string> there;
  for (const HerdNode& node : nodes) there.insert(node.view.id);
  for (auto& [id, source] : stream->sources) {
    if (source->present && !there.contains(id)) node_went(*stream, *source);
  }
  for (const HerdNode& node : nodes) {
    if (!stream->query.wants_node(node.view)) continue;
    const auto known = stream->sources.find(node.view.id);
    if (known == stream->sources.end() || !known->second->present) {
      node_came(stream, node);
      continue;
    }
    Source& source = *known->second;
    if (source.active || source.told_all || context_.clock.now() < source.again_at) continue;
    source.node = node;
    follow(stream, known->second);
    stream->merge.open(node.view.id);
  }
  // One that left does not come back under its id; of one that was lost the herd forgets after a
  // while, too.
  const std::vector<LostHost> lost = context_.herd.lost_hosts();
  std::erase_if(stream->sources, [&lost](const auto& entry) {
    const Source& source = *entry.second;
    return !source.present && !source.active && !was_lost(lost, source.node.view.name);
  });
}

/// Where the part of a host begins: where it was last heard, or now. An agent that has restarted
/// may be there under its new id before the old one goes.
std::optional<std::int64_t> EventCalls::beginning_of(Stream& stream, const NodeView& node) const {
  const auto went = stream.go_on_at.extract(node.name);
  if (!went.empty()) return went.mapped();
  for (const auto& [id, source] : stream.sources) {
    if (source && id != node.id && source->node.view.name == node.name) return source->since;
  }
  // It may have been there since we last looked.
  return wall_nano() - std::chrono::nanoseconds(look_for_nodes).count();
}

void EventCalls::node_came(const std::shared_ptr<Stream>& stream, const HerdNode& node) {
  const auto beginning = beginning_of(*stream, node.view);
  auto& source = stream->sources[node.view.id];
  const bool reading = source && source->active;  // Its end has not been seen yet.
  if (!source) {
    source = std::make_shared<Source>(node);
    source->since = beginning;
  }
  source->present = true;
  tell_of_node(*stream, "join", node.view);
  if (reading) return;
  source->node = node;
  follow(stream, source);
  stream->merge.open(node.view.id);
}

void EventCalls::node_went(Stream& stream, Source& source) {
  source.present = false;
  source.break_off();
  const std::string& name = source.node.view.name;
  const bool is_back =
      std::any_of(stream.sources.begin(), stream.sources.end(), [&name](const auto& entry) {
        return entry.second->present && entry.second->node.view.name == name;
      });
  if (!is_back) stream.go_on_at[name] = source.since;
  if (stream.go_on_at.size() > most_remembered) stream.go_on_at.erase(stream.go_on_at.begin());
  const bool lost = was_lost(context_.herd.lost_hosts(), source.node.view.name);
  tell_of_node(stream, lost ? "lost" : "leave", source.node.view);
}

void EventCalls::tell_of_node(Stream& stream, std::string_view action, const NodeView& node) {
  if (!stream.query.wants_node_event(action, node)) return;
  // The herd's name is not that of an open host: nobody waits for it to say more. When nothing can
  // be held any more the client reads too slowly to be told this.
  stream.merge.push("", node_event(action, node, wall_nano()), context_.clock.now());
  stream.wake();
}

/// One event for each of the containers, so that filters by container and host have their sense.
void EventCalls::tell_of_collision(const NameCollision& collision, bool begins) {
  const std::string_view action = begins ? "name-collision" : "name-collision-end";
  for (const auto& stream : streams_) {
    if (stream->ended || is_past(*stream)) continue;
    for (const auto& [node, id] : collision.containers) {
      if (!stream->query.wants_collision_event(action, node, id, collision.name)) continue;
      std::string event = collision_event(action, node, id, collision.name,
                                          others_than(id, collision), wall_nano());
      stream->merge.push("", std::move(event), context_.clock.now());
    }
    stream->wake();
  }
}

}  // namespace dockherd::engine_api
