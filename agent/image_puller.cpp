#include "agent/image_puller.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/with_deadline.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::seconds failure_holds_for{5};
constexpr std::size_t max_remembered = 256;

}  // namespace

asio::awaitable<Result<void>> ImagePuller::pull(std::string image, docker_client::Headers headers,
                                                TimePoint deadline) {
  std::erase_if(pulls_, [&](const auto& entry) {
    return entry.second->result && herd_.clock.now() - entry.second->at > failure_holds_for;
  });
  std::string key = image;  // With other credentials it is another pull.
  for (const auto& [name, value] : headers)
    key.append(1, '\n').append(name).append(1, ':').append(value);
  if (const auto it = pulls_.find(key); it != pulls_.end()) {
    const std::shared_ptr<Pull> running = it->second;
    if (!running->result) co_await with_deadline(herd_.clock, wait_for(running), deadline);
    if (running->result) co_return *running->result;
    co_return Error(errc::docker_refused, "the pull of " + image + " did not end in time");
  }
  if (pulls_.size() >= max_remembered) {
    co_return Error(errc::busy, "too many images are being pulled");
  }
  const auto mine = std::make_shared<Pull>(herd_.tasks.executor());
  pulls_[key] = mine;
  herd_.log->info("pulling image={}", image);
  // One that is cancelled must not leave others waiting, nor the image never pulled again.
  Ending ending(*this, key, mine);
  mine->result = co_await ask_daemon(image, std::move(headers), deadline);
  co_return *mine->result;
}

ImagePuller::Ending::~Ending() {
  if (!pull_->result) pull_->result = Error(errc::docker_refused, "the pull was given up");
  pull_->at = puller_.herd_.clock.now();
  pull_->ended.cancel();
  if (*pull_->result) puller_.pulls_.erase(key_);
}

asio::awaitable<void> ImagePuller::wait_for(std::shared_ptr<Pull> pull) {
  boost::system::error_code ignored;
  co_await pull->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<Result<void>> ImagePuller::ask_daemon(const std::string& image,
                                                      docker_client::Headers headers,
                                                      TimePoint deadline) {
  auto response = co_await docker_.call(
      docker_client::pull_request(image, deadline).with_headers(std::move(headers)));
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
