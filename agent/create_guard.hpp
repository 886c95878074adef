// What a user may have this node's daemon make: judged where it is made, by this node's own users
// file, whatever another node has let pass.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>

#include "agent/herd.hpp"
#include "agent/verbs.hpp"
#include "docker_client/docker.hpp"
#include "trust/create_policy.hpp"

namespace dockherd::agent {

/// Owned by Node. One thread only.
class CreateGuard {
 public:
  CreateGuard(Herd& herd, docker_client::Docker& docker) : herd_(herd), docker_(docker) {}

  /// The verb as it is to be carried out. Fails when its user may not have that: what is wrong with
  /// its body, or that a container, a volume or a network which it names is not his. Nothing was
  /// made then but volumes of his own.
  asio::awaitable<Result<CreateOneVerb>> judge(CreateOneVerb verb, TimePoint deadline);

  /// Whether the user may act on the container, or look at it. Fails with not_found when it is not
  /// his, as if there were none.
  asio::awaitable<Result<void>> may_act(trust::Principal user, ContainerVerb verb,
                                        TimePoint deadline);

  /// The list as the user may see it.
  Result<ListVerb> narrowed(ListVerb verb) const;

 private:
  Result<trust::Principal> known(const trust::Principal& user) const;
  asio::awaitable<Result<std::map<std::string, std::string>>> own_containers(
      std::set<std::string> names, std::string owner, TimePoint deadline);
  asio::awaitable<Result<void>> own_volumes(std::set<std::string> names, std::string owner,
                                            TimePoint deadline);
  asio::awaitable<Result<void>> own_networks(std::set<std::string> names, std::string owner,
                                             TimePoint deadline);
  asio::awaitable<Result<json>> ask(docker_client::DockerRequest request);

  Herd& herd_;
  docker_client::Docker& docker_;
};

}  // namespace dockherd::agent
