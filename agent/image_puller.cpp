#include "agent/image_puller.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "base/with_deadline.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"

namespace dockherd::agent {

namespace {

/// Longer than it takes all who waited for the pull to learn of its end.
constexpr std::chrono::seconds failure_holds_for{5};

}  // namespace

std::size_t ImagePuller::running() const {
  return static_cast<std::size_t>(std::count_if(
      pulls_.begin(), pulls_.end(), [](const auto& entry) { return !entry.second->result; }));
}

asio::awaitable<Result<void>> ImagePuller::pull(std::string image, docker_client::Headers headers,
                                                TimePoint until) {
  const std::string key = docker_client::pull_request(image, until).target;
  for (;;) {
    std::erase_if(pulls_, [&](const auto& entry) {
      return entry.second->result && herd_.clock.now() - entry.second->at > failure_holds_for;
    });
    const auto known = pulls_.find(key);
    std::shared_ptr<Pull> pull = known == pulls_.end() ? nullptr : known->second;
    // What failed with other credentials may succeed with these.
    if (pull == nullptr || (pull->result && pull->headers != headers)) {
      if (running() >= limits::pulls) {
        co_return Error(errc::busy, "too many images are being pulled");
      }
      pull = start(key, image, headers);
    }
    if (!pull->result) co_await with_deadline(herd_.clock, wait_for(pull), until);
    if (!pull->result) {
      co_return Error(errc::image_pulling, "it is being pulled, which did not end in time");
    }
    if (*pull->result || pull->headers == headers) co_return *pull->result;
  }
}

std::shared_ptr<ImagePuller::Pull> ImagePuller::start(const std::string& key, std::string image,
                                                      docker_client::Headers headers) {
  auto pull = std::make_shared<Pull>(herd_.tasks.executor(), std::move(headers));
  pulls_[key] = pull;
  herd_.log->info("pulling image={}", image);
  herd_.tasks.spawn("pull", run(key, pull, std::move(image)));
  return pull;
}

asio::awaitable<void> ImagePuller::run(std::string key, std::shared_ptr<Pull> pull,
                                       std::string image) {
  // One that is cancelled must not leave others waiting, nor the image never pulled again.
  const Ending ending(*this, std::move(key), pull);
  pull->result = co_await ask_daemon(image, pull->headers);
  if (*pull->result) {
    herd_.log->info("pulled image={}", image);
  } else {
    herd_.log->warn("image not pulled image={} error={}", image, pull->result->error().message);
  }
}

ImagePuller::Ending::~Ending() {
  if (!pull_->result) pull_->result = Error(errc::canceled, "the pull was given up");
  pull_->at = puller_.herd_.clock.now();
  pull_->ended.cancel();
  if (*pull_->result) puller_.pulls_.erase(key_);
}

asio::awaitable<void> ImagePuller::wait_for(std::shared_ptr<Pull> pull) {
  boost::system::error_code ignored;
  co_await pull->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<Result<void>> ImagePuller::ask_daemon(std::string image,
                                                      docker_client::Headers headers) {
  const TimePoint deadline = herd_.clock.now() + herd_.settings.pull_timeout;
  auto response = co_await docker_.call(
      docker_client::pull_request(image, deadline).with_headers(std::move(headers)));
  if (!response && response.error().code == errc::timeout) {
    const std::string allowed = std::to_string(herd_.settings.pull_timeout.count());
    co_return Error(errc::timeout,
                    "the pull did not end in time, which is " + allowed + " ms (pullTimeout)");
  }
  if (!response) co_return response.error();
  // A pull that fails half way still answers 200; the error is the last line of its progress.
  const auto failure = response->ok() ? docker_client::pull_failure(response->body)
                                      : std::optional(docker_client::error_message(response->body));
  if (!failure) co_return Result<void>();
  Error error(errc::docker_refused, *failure);
  error.docker_status = response->status >= 400 ? response->status : 500;
  co_return error;
}

}  // namespace dockherd::agent
