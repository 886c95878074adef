#include "docker_client/transfer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "base/log.hpp"
#include "docker_client/docker_codec.hpp"

namespace dockherd::docker_client {

namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// "HTTP/1.1 204 No Content" -> 204.
int status_of(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  int status = 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

}  // namespace

Transfer::Transfer(CurlLoop& loop, const asio::any_io_executor& executor,
                   const EngineAddress& address, const TlsFiles& tls, const TransferLimits& limits)
    : loop_(loop), easy_(curl_easy_init()), limits_(limits), news_(executor) {
  if (easy_ == nullptr) throw std::runtime_error("curl_easy_init failed");
  done_ = [this](CURLcode result) {
    result_ = result;
    running_ = false;
    wake();
  };
  loop_.prepare(easy_);
  const auto set_text = [this](CURLoption option, const std::string& value) {
    if (!value.empty()) curl_easy_setopt(easy_, option, value.c_str());
  };
  // Of each call only the target is another. Curl would take every URL apart and put it together
  // again, at a seventh of the instructions of a whole request to this agent.
  set_text(CURLOPT_URL, address.base_url);
  set_text(CURLOPT_UNIX_SOCKET_PATH, address.socket_path);
  set_text(CURLOPT_CAINFO, tls.authority);
  set_text(CURLOPT_SSLCERT, tls.certificate);
  set_text(CURLOPT_SSLKEY, tls.key);
  const auto set = [this](CURLoption option, long value) {
    curl_easy_setopt(easy_, option, value);
  };
  set(CURLOPT_NOSIGNAL, 1);
  set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  set(CURLOPT_TCP_NODELAY, 1);
  set(CURLOPT_TCP_KEEPALIVE, 1);
  set(CURLOPT_TCP_KEEPIDLE, 10);
  set(CURLOPT_TCP_KEEPINTVL, 5);
#if LIBCURL_VERSION_NUM >= 0x075700
  // A name look-up runs in a thread of its own; giving a transfer up must not wait for it.
  set(CURLOPT_QUICK_EXIT, 1);
#endif
  // Taken and given back for each transfer; from 64 KiB on, malloc tidies up at every such time.
  set(CURLOPT_BUFFERSIZE, 32L * 1024);
  // A daemon is reached directly, whatever the environment says of proxies.
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
}

Transfer::~Transfer() {
  reset();
  curl_easy_cleanup(easy_);
  if (header_list_ != nullptr) curl_slist_free_all(header_list_);
}

void Transfer::reset() {
  if (running_) loop_.stop(easy_);
  running_ = false;
  result_.reset();
  response_ = DockerResponse();
  open_line_bytes_ = 0;
  headers_complete_ = too_large_ = has_news_ = false;
  skips_line_ = has_skipped_ = false;
}

void Transfer::begin(const DockerRequest& request, std::string_view version, Shape shape) {
  reset();
  shape_ = shape;
  target_.clear();
  if (!request.api_version.empty()) version = request.api_version;
  if (!version.empty()) target_.append("/v").append(version);
  target_.append(request.target);
  curl_easy_setopt(easy_, CURLOPT_REQUEST_TARGET, target_.c_str());
  // Most calls are alike, and then the options of the last one hold.
  const bool plain = request.method == "GET" && request.body.empty() && request.headers.empty();
  if (!plain || !was_plain_) {
    set_method(request);
    set_headers(request);
  }
  was_plain_ = plain;
  running_ = true;
  loop_.start(easy_, &done_);
}

void Transfer::set_method(const DockerRequest& request) {
  const bool get = request.method == "GET";
  const bool head = request.method == "HEAD";
  // Also takes back what the transfer before set.
  curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(easy_, CURLOPT_NOBODY, head ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, get || head ? nullptr : request.method.c_str());
  if (request.method == "POST" || !request.body.empty()) {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
  }
  // Curl repeats a request by itself when a connection that it had kept breaks before an answer,
  // which would create a container twice when the daemon dies in between. So whatever changes
  // something gets a connection of its own (some 40 us on a unix socket), and is sent once.
  const long own_connection = get || head ? 0L : 1L;
  curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, own_connection);
  curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, own_connection);
}

void Transfer::set_headers(const DockerRequest& request) {
  if (header_list_ != nullptr) curl_slist_free_all(header_list_);
  header_list_ = nullptr;
  const auto add = [this](const std::string& line) {
    header_list_ = curl_slist_append(header_list_, line.c_str());
  };
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    has_type = has_type || curl_strequal(name.c_str(), "Content-Type") != 0;
    // A header without a value would otherwise tell curl to leave it out.
    std::string line = name;
    add(value.empty() ? line.append(";") : line.append(": ").append(value));
  }
  // What curl would say by itself of a body, a form. (Each line costs at every header that curl
  // makes; a call that only asks has none.)
  const bool has_body = request.method == "POST" || !request.body.empty();
  if (has_body) add("Expect:");
  if (has_body && !has_type) {
    add(request.body.empty() ? "Content-Type:" : "Content-Type: application/json");
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_);
}

asio::awaitable<bool> Transfer::wait(TimePoint deadline) {
  if (!has_news_) {
    news_.expires_at(deadline);
    const auto [woken] = co_await news_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!has_news_) {
      if (woken) throw boost::system::system_error(asio::error::operation_aborted);
      co_return false;
    }
  }
  has_news_ = false;
  co_return true;
}

void Transfer::wake() {
  has_news_ = true;
  news_.cancel();
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  static_cast<Transfer*>(self)->read_header({data, size * count});
  return size * count;
}

void Transfer::read_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    // Also the second of two, after "100 Continue".
    response_ = DockerResponse();
    response_.status = status_of(line);
    return;
  }
  const std::string_view text = trim(line);
  if (text.empty()) {
    if (response_.status < 200) return;
    headers_complete_ = true;
    if (shape_ == Shape::lines) wake();
    return;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.emplace_back(trim(text.substr(0, colon)), trim(text.substr(colon + 1)));
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->read_body({data, size * count}) ? size * count : 0;
}

bool Transfer::read_body(std::string_view data) {
  if (response_.body.size() + data.size() > limits_.body_bytes) too_large_ = true;
  if (too_large_) return false;
  // A refusal is no stream: all of it is the answer.
  if (shape_ == Shape::lines && response_.status == 200) {
    keep_lines(data);
    wake();
    return true;
  }
  if (response_.body.empty()) {
    curl_off_t announced = 0;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced > 0 && static_cast<std::size_t>(announced) <= limits_.body_bytes) {
      response_.body.reserve(static_cast<std::size_t>(announced));
    }
  }
  response_.body.append(data);
  if (shape_ == Shape::lines) wake();
  return true;
}

/// A line over the bound is left out: what one container is called or labelled must not end the
/// stream that tells of all others.
void Transfer::keep_lines(std::string_view data) {
  while (!data.empty()) {
    const auto newline = data.find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::string_view piece = ends ? data.substr(0, newline + 1) : data;
    data.remove_prefix(piece.size());
    const std::size_t line_bytes = open_line_bytes_ + piece.size() - (ends ? 1 : 0);
    if (!skips_line_ && line_bytes > limits_.line_bytes) {
      response_.body.resize(response_.body.size() - open_line_bytes_);
      skips_line_ = true;
      warn_of_skipped_line();
    }
    if (!skips_line_) response_.body.append(piece);
    open_line_bytes_ = ends || skips_line_ ? 0 : line_bytes;
    if (ends) skips_line_ = false;
  }
}

void Transfer::warn_of_skipped_line() {
  if (std::exchange(has_skipped_, true)) return;
  get_logger("docker_client")
      ->warn(
          "the Docker daemon's stream has a line that is too long; such lines are left out "
          "target={} bytes_at_most={}",
          loggable(target_), limits_.line_bytes);
}

std::string Transfer::take_lines() {
  return docker_client::take_lines(response_.body, ended());
}

DockerResponse Transfer::take_response() {
  return std::move(response_);
}

bool Transfer::request_was_sent() const {
  // Found before the transfer begins, so that the number is still that of the one before.
  if (result_ == CURLE_URL_MALFORMAT) return false;
  long bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

std::optional<Error> Transfer::failure() const {
  if (!result_ || *result_ == CURLE_OK) return std::nullopt;
  if (too_large_) {
    // The daemon has acted on the request before it answers.
    return Error(errc::daemon_lost, "the Docker daemon's answer is larger than this agent takes");
  }
  const std::string reason = curl_easy_strerror(*result_);
  if (!request_was_sent()) {
    return Error(errc::daemon_down, "could not connect to the Docker daemon: " + reason);
  }
  return Error(errc::daemon_lost,
               "the Docker daemon broke the connection before answering: " + reason);
}

}  // namespace dockherd::docker_client
