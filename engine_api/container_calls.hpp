// Calls about one container or one exec, which its owner's daemon answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <list>
#include <string>
#include <unordered_map>

#include "engine_api/api_context.hpp"

namespace dockherd::engine_api {

/// Whether the call is answered in a while, or the host is in trouble. For others a client may wait
/// as long as it likes; an inspection that asks for sizes walks the container's files. Pure.
bool is_brief(const DockerRoute& route);

/// Purpose: finds the owner and passes the call on; at the owner, passes it to the daemon and lets
/// this node's lists know what it changed. For one who may touch his own only, the owner's node
/// asks its daemon whose a container is, and then acts on that id, whatever has the name by then.
/// One thread only.
class ContainerCalls {
 public:
  explicit ContainerCalls(ApiContext& context) : context_(context) {}

  /// By any node: finds the owner of `route.name`, or of the exec.
  asio::awaitable<void> serve(ApiRequest& request);
  asio::awaitable<void> serve_exec(ApiRequest& request);
  asio::awaitable<void> commit(ApiRequest& request);

  /// By the node that the asking node took for the owner.
  asio::awaitable<void> serve_here(ApiRequest& request);

 private:
  asio::awaitable<void> rename(ApiRequest& request, FoundContainer container);
  asio::awaitable<void> pass_to(ApiRequest& request, FoundContainer container, std::string target);
  asio::awaitable<void> pass_to_daemon(ApiRequest& request, std::string target, std::string id);
  // owned_calls.cpp
  asio::awaitable<void> pass_if_own(ApiRequest& request, std::string id);
  asio::awaitable<bool> is_own(const ApiRequest& request, FoundContainer container);
  asio::awaitable<void> pass_judged_body(ApiRequest& request, std::string target, std::string id);
  asio::awaitable<void> answer_not_own(ApiRequest& request);
  asio::awaitable<Result<HerdNode>> owner_of_exec(const ApiRequest& request);
  void remember_exec(const std::string& body, const std::string& node);

  ApiContext& context_;
  // Exec id -> node, the latest first. Only a shortcut: whoever does not know asks all.
  std::list<std::pair<std::string, std::string>> execs_;
  std::unordered_map<std::string, decltype(execs_)::iterator> exec_index_;
};

}  // namespace dockherd::engine_api
