#include "agent/verb_executor.hpp"

#include <algorithm>

#include "agent/key_labels.hpp"
#include "base/json_reader.hpp"
#include "docker_client/api_version.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

using docker_client::DockerResponse;

namespace {

/// How often the first answer of the daemon is looked for.
constexpr std::chrono::milliseconds first_answer_look{5};

/// How often a create that an earlier try has begun is looked for.
constexpr std::chrono::milliseconds unfinished_look{50};

constexpr docker_client::ApiVersion first_api_with_stop_signal{1, 42};

constexpr std::string_view daemon_silent =
    "the Docker daemon has not answered since this agent started";

std::optional<std::string> image_of_body(const std::string& body) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return std::nullopt;
  const json* image = find_member(*document, "Image");
  if (image == nullptr || !image->is_string()) return std::nullopt;
  return image->get<std::string>();
}

/// Half of the time that is left for a create may go by waiting for a pull. Who asked learns then
/// that it goes on, and asks again; so a create that follows a pull always has time enough.
TimePoint end_of_wait(TimePoint now, TimePoint deadline) {
  return now + (deadline - now) / 2;
}

/// One more create under way on this node while it lives.
class RunningCreate {
 public:
  explicit RunningCreate(CreatesUnderWay& creates) : creates_(creates) { creates_.begin(); }
  ~RunningCreate() { creates_.end(); }
  RunningCreate(const RunningCreate&) = delete;
  RunningCreate& operator=(const RunningCreate&) = delete;

 private:
  CreatesUnderWay& creates_;
};

bool changes_container(ContainerAction action) {
  return action != ContainerAction::inspect;
}

/// 404: it is not there. 409, to a removal by force: Docker is removing it already.
bool is_gone(const DockerResponse& removal) {
  return removal.status == 404 || removal.status == 409;
}

/// The second of two calls failed: whatever its error proves, something has been changed.
Error after_change(const Error& error, const std::string& what_is_known) {
  return {error.code == errc::timeout ? errc::timeout : errc::daemon_lost,
          what_is_known + ": " + error.message};
}

/// A signal other than KILL may be ignored.
bool ends_process(const ContainerVerb& verb) {
  if (verb.action == ContainerAction::stop) return true;
  const std::string signal = verb.signal.value_or("KILL");
  return verb.action == ContainerAction::kill &&
         (signal == "KILL" || signal == "SIGKILL" || signal == "9");
}

bool is_list(std::string_view body) {
  const auto begin = body.find_first_not_of(" \t\r\n");
  return begin != body.npos && body[begin] == '[' && is_json(body);
}

}  // namespace

VerbReply VerbExecutor::failure(const Error& error) const {
  Error here = error;
  here.node = herd_.settings.hostname;
  if (here.code == errc::daemon_down) {
    here.message = "the Docker daemon of " + here.node + " cannot be reached: " + here.message;
  }
  VerbReply reply = http_api::error_reply(here);
  reply.body = with_members(reply.body, "\"statusCode\":" + std::to_string(reply.status));
  return reply;
}

asio::awaitable<Result<DockerResponse>> VerbExecutor::call_for(const ContainerVerb& verb,
                                                               TimePoint deadline) {
  const std::string& id = verb.ids.front();
  const auto grace =
      verb.timeout ? std::optional(std::chrono::seconds(*verb.timeout)) : std::nullopt;
  const std::string signal = verb.signal.value_or("");
  switch (verb.action) {
    case ContainerAction::start:
      co_return co_await docker_.call(docker_client::start_request(id, deadline));
    case ContainerAction::stop:
      co_return co_await docker_.call(docker_client::stop_request(id, grace, deadline, signal));
    case ContainerAction::restart:
      co_return co_await docker_.call(docker_client::restart_request(id, grace, deadline, signal));
    case ContainerAction::kill:
      co_return co_await docker_.call(docker_client::kill_request(id, signal, deadline));
    case ContainerAction::pause:
      co_return co_await docker_.call(docker_client::pause_request(id, deadline));
    case ContainerAction::unpause:
      co_return co_await docker_.call(docker_client::unpause_request(id, deadline));
    case ContainerAction::inspect:
      co_return co_await docker_.call(docker_client::inspect_request(id, deadline));
    case ContainerAction::remove:
      co_return co_await docker_.call(
          docker_client::remove_request(id, verb.force, verb.volumes, deadline));
    case ContainerAction::shutdown:
      co_return co_await stop_and_remove(verb, deadline);
  }
  co_return Error(errc::internal, "an action without a call");
}

asio::awaitable<Result<DockerResponse>> VerbExecutor::stop_and_remove(const ContainerVerb& verb,
                                                                      TimePoint deadline) {
  const std::string& id = verb.ids.front();
  const auto grace =
      verb.timeout ? std::optional(std::chrono::seconds(*verb.timeout)) : std::nullopt;
  const std::string signal = verb.signal.value_or("");
  auto stopped = co_await docker_.call(docker_client::stop_request(id, grace, deadline, signal));
  if (!stopped || !stopped->ok()) co_return stopped;
  auto removed =
      co_await docker_.call(docker_client::remove_request(id, true, verb.volumes, deadline));
  if (!removed) co_return after_change(removed.error(), "it was stopped, but perhaps not removed");
  // Docker removes what was run with --rm by itself.
  if (is_gone(*removed)) co_return stopped;
  co_return removed;
}

/// Docker has `signal` with a stop since API 1.42; a daemon before that drops it in silence.
std::optional<Error> VerbExecutor::cannot_signal(const ContainerVerb& verb) const {
  if (!verb.signal || !has_grace(verb.action)) return std::nullopt;
  const std::string spoken = docker_.version().api_version;
  const auto version = docker_client::ApiVersion::parse(spoken);
  if (version && *version >= first_api_with_stop_signal) return std::nullopt;
  return Error(errc::bad_request,
               "signal needs Docker API " + first_api_with_stop_signal.text() + " with " +
                   std::string(action_name(verb.action)) + "; this daemon " +
                   (spoken.empty() ? "has not been reached yet" : "speaks " + spoken))
      .at_field("signal");
}

asio::awaitable<VerbReply> VerbExecutor::act(ContainerVerb verb, TimePoint deadline) {
  if (verb.user) {
    const auto may = co_await guard_.may_act(*verb.user, verb, deadline);
    if (!may) co_return failure(may.error());
  }
  if (const auto error = cannot_signal(verb)) co_return failure(*error);
  const std::string id = verb.ids.front();
  const auto response = co_await call_for(verb, deadline);
  const bool removes =
      verb.action == ContainerAction::remove || verb.action == ContainerAction::shutdown;
  if (changes_container(verb.action)) {
    if (removes && response && response->ok()) watcher_.removed(id);
    if (response && response->ok() && ends_process(verb)) {
      watcher_.stopped(id);
    } else {
      watcher_.touch(id);
    }
  }
  if (!response) co_return failure(response.error());
  VerbReply reply = docker_reply(herd_.settings.hostname, *response);
  if (response->status == 404) {
    reply.body = with_members(reply.body, "\"status\":\"timeout or no such id\"");
  }
  co_return reply;
}

asio::awaitable<Result<DockerResponse>> VerbExecutor::create_counted(const CreateOneVerb& verb,
                                                                     std::string& missing_image,
                                                                     TimePoint deadline) {
  // Also a create that is cancelled at its deadline is no longer under way.
  const RunningCreate running(herd_.creating_here);
  PromiseKeeper::Promise promise(promises_, verb.body);
  auto response = co_await create_pulling(verb, missing_image, deadline);
  if (verb.once && response && response->status == 409) {
    response = co_await made_before(verb, *std::move(response), deadline);
  }
  if (!response || !response->ok()) co_return response;
  const auto id = docker_client::created_id(response->body);
  if (!id) co_return Error(errc::internal, "Docker answered a create without an Id");
  promise.made(*id);
  // While it still counts as under way, so that it counts once at each moment.
  watcher_.adopt(*id, verb.name);
  co_return response;
}

/// The daemon keeps a name from the moment at which it begins to create, and shows the container
/// when it has ended.
asio::awaitable<Result<DockerResponse>> VerbExecutor::made_before(const CreateOneVerb& verb,
                                                                  DockerResponse conflict,
                                                                  TimePoint deadline) {
  const auto body = parse_json(verb.body);
  const auto wanted = body ? mark_in_body(*body) : std::nullopt;
  while (wanted && herd_.clock.now() < deadline) {
    const auto there = co_await docker_.call(docker_client::inspect_request(verb.name, deadline));
    // A look that fails says nothing of the create.
    const bool found_it = there && there->ok();
    const auto inspection = found_it ? parse_json(there->body) : Result<json>(json());
    if (found_it && inspection && inspection->is_object()) {
      const json* config = find_member(*inspection, "Config");
      const auto found = config == nullptr ? std::nullopt : mark_in_body(*config);
      if (found != wanted) co_return conflict;
      const json* id = find_member(*inspection, "Id");
      if (id == nullptr || !id->is_string()) co_return conflict;
      co_return created_response(id->get<std::string>());
    }
    co_await herd_.clock.sleep_until(herd_.clock.now() + unfinished_look);
  }
  if (!wanted) co_return conflict;
  co_return Error(errc::timeout, "an earlier try to create this container has not ended yet");
}

VerbReply VerbExecutor::with_image(VerbReply reply, const std::string& missing_image) {
  if (missing_image.empty()) return reply;
  reply.body = with_members(reply.body, "\"image_missing\":" + quote_json(missing_image));
  return reply;
}

asio::awaitable<VerbReply> VerbExecutor::create_one(CreateOneVerb verb, TimePoint deadline) {
  const NodeStatus& status = herd_.own_status();
  // One that was asked before may be making it, and counts it as promised: it is to find out.
  if (!status.in_pool && !verb.again) {
    co_return failure(Error(errc::declined, status.hostname + " is out of the pool"));
  }
  if (herd_.clock.now() >= deadline) {
    co_return failure(Error(errc::not_begun, "the deadline passed before this one was begun"));
  }
  const std::size_t load = herd_.directory.count(herd_.self()) + herd_.creating_here.hidden();
  if (verb.max_load && load > *verb.max_load) {
    VerbReply reply = failure(Error(errc::declined, status.hostname + " has more containers"));
    reply.body = with_members(reply.body, "\"load\":" + std::to_string(load));
    co_return reply;
  }
  auto judged = co_await guard_.judge(std::move(verb), deadline);
  if (!judged) co_return failure(judged.error());
  verb = std::move(*judged);
  const auto why = verb.again ? std::nullopt : promises_.why_not(verb.name, verb.body);
  if (why) {
    // Who asked pulls the image only when it is told that no host has it: this one counts, too.
    const auto lacking = co_await lacking_image(verb, deadline);
    if (lacking) co_return docker_reply(herd_.settings.hostname, *lacking);
    co_return failure(Error(errc::declined, *why));
  }
  std::string missing_image;
  const auto response = co_await create_counted(verb, missing_image, deadline);
  if (!response) co_return with_image(failure(response.error()), missing_image);
  VerbReply reply = with_image(docker_reply(herd_.settings.hostname, *response), missing_image);
  if (reply.status != 200 || !verb.start) co_return reply;
  std::string created = docker_client::created_id(response->body).value_or("");
  co_return co_await start_created(std::move(created), std::move(reply), deadline);
}

/// The daemon's 404, for a create that does not pull.
asio::awaitable<std::optional<DockerResponse>> VerbExecutor::lacking_image(
    const CreateOneVerb& verb, TimePoint deadline) {
  const auto image = verb.pull ? std::nullopt : image_of_body(verb.body);
  if (!image) co_return std::nullopt;
  auto response = co_await docker_.call(docker_client::inspect_image_request(*image, deadline));
  if (!response || response->status != 404) co_return std::nullopt;
  co_return *std::move(response);
}

asio::awaitable<Result<DockerResponse>> VerbExecutor::create_pulling(const CreateOneVerb& verb,
                                                                     std::string& missing_image,
                                                                     TimePoint deadline) {
  const auto request = [&] {
    return docker_client::create_request(verb.name, verb.body, deadline, verb.platform)
        .with_headers(verb.headers)
        .with_api_version(verb.api_version);
  };
  auto response = co_await docker_.call(request());
  if (!response || response->status != 404 || !verb.pull) co_return response;
  const auto image = image_of_body(verb.body);
  if (!image) co_return response;
  // Docker answers 404 for other things that a body names, too. Whatever comes of the question, the
  // answer to the create is certain: nothing was made.
  const auto present =
      co_await docker_.call(docker_client::inspect_image_request(*image, deadline));
  if (!present || (!present->ok() && present->status != 404)) co_return response;
  if (present->status == 404) {
    const TimePoint until = end_of_wait(herd_.clock.now(), deadline);
    const auto pulled = co_await puller_.pull(*image, verb.headers, until);
    if (!pulled) {
      missing_image = *image;
      const std::string missing = "No such image on " + herd_.settings.hostname + ": " + *image;
      if (pulled.error().code == errc::image_pulling) {
        co_return Error(errc::image_pulling, missing + "; " + pulled.error().message);
      }
      const std::string text = missing + ", and it could not be pulled: " + pulled.error().message;
      response->body = dump_json(json{{"message", text}});
      co_return response;
    }
  }
  // Also when it was there: a pull may have ended between the two questions.
  co_return co_await docker_.call(request());
}

asio::awaitable<VerbReply> VerbExecutor::start_created(std::string id, VerbReply created,
                                                       TimePoint deadline) {
  const auto started = co_await docker_.call(docker_client::start_request(id, deadline));
  watcher_.touch(id);
  if (!started) {
    co_return failure(after_change(started.error(), "container " + id.substr(0, 12) +
                                                        " was created, but perhaps not started"));
  }
  if (started->ok()) {
    created.body = with_members(created.body, "\"started\":true");
    co_return created;
  }
  // What cannot run is taken away again, so that the item can be made elsewhere without there ever
  // being two of it.
  const auto removed =
      co_await docker_.call(docker_client::remove_request(id, true, true, deadline));
  if (!removed || (!removed->ok() && !is_gone(*removed))) {
    co_return failure(Error(errc::internal, "container " + id.substr(0, 12) +
                                                " was created, could not be started and could "
                                                "not be removed again"));
  }
  watcher_.removed(id);
  watcher_.touch(id);
  co_return docker_reply(herd_.settings.hostname, *started);
}

asio::awaitable<bool> VerbExecutor::wait_until_asked(TimePoint deadline) {
  while (!herd_.daemon_asked() && herd_.clock.now() < deadline) {
    co_await herd_.clock.sleep_until(
        std::min<TimePoint>(deadline, herd_.clock.now() + first_answer_look));
  }
  co_return herd_.daemon_asked();
}

asio::awaitable<VerbReply> VerbExecutor::list(ListVerb wanted, TimePoint deadline) {
  auto narrowed = guard_.narrowed(std::move(wanted));
  if (!narrowed) co_return failure(narrowed.error());
  const ListVerb verb = std::move(*narrowed);
  if (!verb.images && verb.filters.empty()) {
    const bool asked = co_await wait_until_asked(deadline);
    if (!asked) co_return failure(Error(errc::timeout, std::string(daemon_silent)));
    const auto text = co_await watcher_.list(deadline);
    if (!text) co_return failure(text.error());
    co_return VerbReply(200, body_envelope(herd_.settings.hostname, *text));
  }
  auto request = verb.images ? docker_client::list_images_request(false, verb.filters, deadline)
                             : docker_client::list_containers_request(true, verb.filters, deadline);
  auto response = co_await docker_.call(std::move(request));
  if (!response) co_return failure(response.error());
  if (!response->ok()) co_return docker_reply(herd_.settings.hostname, *response);
  if (!is_list(response->body)) {
    co_return failure(Error(errc::daemon_lost, "the daemon's answer is no list in JSON"));
  }
  response->body = with_instance(response->body, herd_.settings.hostname);
  co_return docker_reply(herd_.settings.hostname, *response);
}

asio::awaitable<VerbReply> VerbExecutor::has_image(HasImageVerb verb, TimePoint deadline) {
  const auto response =
      co_await docker_.call(docker_client::inspect_image_request(verb.image, deadline));
  const bool has = response && response->ok();
  co_return VerbReply(200, has ? R"({"has_image":true})" : R"({"has_image":false})");
}

std::string VerbExecutor::node_info() const {
  const NodeStatus& status = *herd_.nodes.find(herd_.self());
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(herd_.clock.now() - herd_.started);
  nlohmann::ordered_json row{{"hostname", status.hostname},
                             {"state", status.state()},
                             {"containers", herd_.directory.count(herd_.self())},
                             {"name_collision_count", herd_.name_collisions.standing().size()},
                             {"address", status.address},
                             {"docker_version", status.docker_version},
                             {"docker_api_version", status.docker_api_version},
                             {"agent_version", status.version},
                             {"uptime_seconds", uptime.count()},
                             {"in_pool", status.in_pool},
                             {"under_way",
                              {{"tasks", herd_.tasks.size()},
                               {"served", herd_.bus.serving()},
                               {"awaited", herd_.bus.awaiting()}}},
                             {"endpoint", herd_.endpoint},
                             {"id", herd_.self().hex()}};
  if (!herd_.daemon_asked()) {
    row["error"] = std::string(daemon_silent);
  } else if (!status.daemon_up) {
    row["error"] = status.daemon_error;
  }
  if (status.insecure) {
    row["warning"] = "insecure: listens beyond loopback without authentication";
  }
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace dockherd::agent
