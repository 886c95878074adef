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

class ImagePuller {
 public:
  ImagePuller(Herd& herd, docker_client::Docker& docker) : herd_(herd), docker_(docker) {}

  /// Success when the image was pulled. Fails with docker_refused and why (nothing was changed), or
  /// as Docker::call() does.
  asio::awaitable<Result<void>> pull(std::string image, docker_client::Headers headers,
                                     TimePoint deadline);

 private:
  struct Pull {
    explicit Pull(const asio::any_io_executor& executor) : ended(executor) {
      ended.expires_at(asio::steady_timer::time_point::max());
    }

    asio::steady_timer ended;  // Never expires; cancelled at the end.
    std::optional<Result<void>> result;
    TimePoint at{};
  };

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

  asio::awaitable<void> wait_for(std::shared_ptr<Pull> pull);
  asio::awaitable<Result<void>> ask_daemon(const std::string& image, docker_client::Headers headers,
                                           TimePoint deadline);

  Herd& herd_;
  docker_client::Docker& docker_;
  std::map<std::string, std::shared_ptr<Pull>>
      pulls_;  // By image and headers: under way or failed.
};

}  // namespace dockherd::agent
