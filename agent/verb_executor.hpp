// Carries out verbs on this node's own daemon. The owner acts: whatever changes a container is done
// here, once. Must not know other nodes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "agent/create_guard.hpp"
#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/image_puller.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

class VerbExecutor {
 public:
  VerbExecutor(Herd& herd, docker_client::Docker& docker, DockerWatcher& watcher,
               PromiseKeeper& promises)
      : herd_(herd),
        docker_(docker),
        watcher_(watcher),
        promises_(promises),
        guard_(herd, docker),
        puller_(herd, docker) {}

  /// One container, named by its full id or by what the daemon understands. One envelope.
  asio::awaitable<VerbReply> act(ContainerVerb verb, TimePoint deadline);
  /// Creates one container, and starts it if asked. Not 200: `code` in the reply says whether
  /// anything was changed; "declined" comes with `load` when it is only that this node has more
  /// than `max_load` containers; `image_missing` names an image that could not be had, or, with
  /// code image_pulling, that may be had by asking again.
  asio::awaitable<VerbReply> create_one(CreateOneVerb verb, TimePoint deadline);
  /// False when the daemon has neither answered nor failed since this node's start, until
  /// `deadline`: in its first moments a node does not know yet what it has.
  asio::awaitable<bool> wait_until_asked(TimePoint deadline);
  /// An envelope with this node's containers or images.
  asio::awaitable<VerbReply> list(ListVerb wanted, TimePoint deadline);
  /// {"has_image": bool}.
  asio::awaitable<VerbReply> has_image(HasImageVerb verb, TimePoint deadline);
  /// This node as a row of list-nodes.
  std::string node_info() const;

 private:
  asio::awaitable<Result<docker_client::DockerResponse>> call_for(const ContainerVerb& verb,
                                                                  TimePoint deadline);
  asio::awaitable<Result<docker_client::DockerResponse>> stop_and_remove(const ContainerVerb& verb,
                                                                         TimePoint deadline);
  /// Creates and adopts. Counts as under way until then.
  asio::awaitable<Result<docker_client::DockerResponse>> create_counted(const CreateOneVerb& verb,
                                                                        std::string& missing_image,
                                                                        TimePoint deadline);
  asio::awaitable<std::optional<docker_client::DockerResponse>> lacking_image(
      const CreateOneVerb& verb, TimePoint deadline);
  asio::awaitable<Result<docker_client::DockerResponse>> create_pulling(const CreateOneVerb& verb,
                                                                        std::string& missing_image,
                                                                        TimePoint deadline);
  /// What has the mark of this create already, or is still being made by an earlier try of it.
  asio::awaitable<Result<docker_client::DockerResponse>> made_before(
      const CreateOneVerb& verb, docker_client::DockerResponse conflict, TimePoint deadline);
  static VerbReply with_image(VerbReply reply, const std::string& missing_image);
  asio::awaitable<VerbReply> start_created(std::string id, VerbReply created, TimePoint deadline);
  std::optional<Error> cannot_signal(const ContainerVerb& verb) const;
  VerbReply failure(const Error& error) const;

  Herd& herd_;
  docker_client::Docker& docker_;
  DockerWatcher& watcher_;
  PromiseKeeper& promises_;
  CreateGuard guard_;
  ImagePuller puller_;
};

}  // namespace dockherd::agent
