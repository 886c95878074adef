// What the handlers of the Docker Engine API share, and one request as they see it.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/task_group.hpp"
#include "engine_api/docker_routes.hpp"
#include "engine_api/herd_port.hpp"
#include "http_api/exchange.hpp"
#include "http_api/upstream_pool.hpp"
#include "trust/user_book.hpp"

namespace dockherd::engine_api {

/// What one host has for what walks its disk: prunes, and sums of sizes.
inline constexpr std::chrono::minutes longest_walk{10};

struct ApiSettings {
  std::string daemon = "unix:///var/run/docker.sock";  ///< This node's, as UpstreamPool takes it.
  NameStyle names = NameStyle::node_prefixed;          ///< In lists.
  std::chrono::milliseconds task_timeout{2'500};  ///< What one host has to answer a short call.
};

/// Outlives every request. One thread only.
struct ApiContext {
  ApiContext(HerdPort& herd_port, http_api::UpstreamPool& pool, Clock& time, TaskGroup& group,
             ApiSettings api_settings, Logger logger, const trust::UserBook* book = nullptr)
      : herd(herd_port),
        upstreams(pool),
        clock(time),
        tasks(group),
        settings(std::move(api_settings)),
        log(std::move(logger)),
        users(book) {}

  HerdPort& herd;
  http_api::UpstreamPool& upstreams;
  Clock& clock;
  TaskGroup& tasks;
  const ApiSettings settings;
  Logger log;
  const trust::UserBook* users;  ///< Null: of a herd that knows none.

  TimePoint task_deadline() const { return clock.now() + settings.task_timeout; }
};

/// One request under way.
struct ApiRequest {
  ApiRequest(http_api::Exchange& open_exchange, DockerRoute found)
      : exchange(open_exchange), route(std::move(found)), query(parse_query(route.query)) {}

  http_api::Exchange& exchange;
  DockerRoute route;
  Query query;
  /// Its sender is no admin: of it only what this program has understood is passed on.
  bool restricted = false;
  /// What is not this user's is not shown and not touched. Empty: everybody's.
  std::string only_of;

  /// The target as it goes on to a daemon.
  std::string passed_target() const;
  /// "/v1.41/containers/json?all=1" with the client's version, for another path.
  std::string target(std::string_view path, const Query& fields) const;
};

/// Names the node that a request is for: its receiver is to act itself.
inline constexpr std::string_view node_header = "X-Dockherd-Node";

/// Adds a Warning header that names the hosts that are not in an answer, if any.
void add_warning(http_api::HeaderList& headers, const std::vector<std::string>& left_out);

/// Headers that every answer of ours has, as dockerd's: Api-Version, Docker-Experimental, Ostype.
http_api::HeaderList own_headers(const HerdPort& herd, std::string_view content_type);

/// Answers with {"message"}.
asio::awaitable<void> answer_error(const ApiContext& context, http_api::Exchange& exchange,
                                   int status, std::string message);
/// The same for an error of ours; `hostname`, when given, is named.
asio::awaitable<void> answer_error(const ApiContext& context, http_api::Exchange& exchange,
                                   const Error& error, std::string hostname = {});
/// Answers with JSON. `left_out` are hosts that are not in the answer, told in a Warning header.
asio::awaitable<void> answer_json(const ApiContext& context, http_api::Exchange& exchange,
                                  int status, std::string body,
                                  std::vector<std::string> left_out = {});

}  // namespace dockherd::engine_api
