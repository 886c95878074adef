// Pulls images that a create found missing: once per image however many creates wait for it, and
// not again at once after a failure.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/herd.hpp"
#include "docker_client/docker.hpp"

namespace dockherd::agent {

/// A pull runs in the herd's tasks under a deadline of its own, because Docker gives up one whose
/// client leaves: it goes on when those that wait for it no longer do, and later ones join it.
class ImagePuller {
 public:
  ImagePuller(Herd& herd, docker_client::Docker& docker) : herd_(herd), docker_(docker) {}

  /// Success when the image was pulled. Fails with image_pulling when the pull still goes on at
  /// `until`, else with why there will be no image. No container is touched in any case.
  asio::awaitable<Result<void>> pull(std::string image, docker_client::Headers headers,
                                     TimePoint until);

 private:
  struct Pull {
    Pull(const asio::any_io_executor& executor, docker_client::Headers credentials)
        : headers(std::move(credentials)), ended(executor) {
      ended.expires_at(asio::steady_timer::time_point::max());
    }

    docker_client::Headers headers;
    asio::steady_timer ended;  // Never expires; cancelled at the end.
    std::optional<Result<void>> result;
    TimePoint at{};
  };
  using Pulls = std::map<std::string, std::shared_ptr<Pull>>;

  /// Ends a pull, however its coroutine ends.
  class Ending {
   public:
    Ending(ImagePuller& puller, std::string key, std::shared_ptr<Pull> pull)
        : puller_(puller), key_(std::move(key)), pull_(std::move(pull)) {}
    ~Ending();
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    ImagePuller& puller_;
    std::string key_;
    std::shared_ptr<Pull> pull_;
  };

  std::shared_ptr<Pull> start(const std::string& key, std::string image,
                              docker_client::Headers headers);
  asio::awaitable<void> run(std::string key, std::shared_ptr<Pull> pull, std::string image);
  asio::awaitable<void> wait_for(std::shared_ptr<Pull> pull);
  asio::awaitable<Result<void>> ask_daemon(std::string image, docker_client::Headers headers);
  std::size_t running() const;

  Herd& herd_;
  docker_client::Docker& docker_;
  Pulls pulls_;  // Under way or failed, by what is asked of the daemon.
};

}  // namespace dockherd::agent
