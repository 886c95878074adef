#include "http_api/request_body.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/none.hpp>

namespace dockherd::http_api {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t read_bytes = 128u << 10;
/// A chunk's size line with its extensions, and the trailer.
constexpr std::size_t longest_framing = 16u << 10;

}  // namespace

RequestBody::RequestBody(std::shared_ptr<Connection> client, HeadParser&& head)
    : client_(std::move(client)), parser_(std::move(head)) {
  parser_.body_limit(boost::none);
  parser_.eager(true);
}

/// Gives the parser what is in the buffer beyond `from`.
void RequestBody::take(std::size_t from) {
  auto& buffer = client_->buffer();
  taken_ = from;
  while (!fault_ && !parser_.is_done() && taken_ < buffer.size()) {
    const auto rest = buffer.data() + taken_;
    const std::size_t used = parser_.put(rest, fault_);
    taken_ += used;
    if (fault_ == http::error::need_more) {
      fault_ = {};
      if (buffer.size() - taken_ > longest_framing) fault_ = http::error::header_limit;
      return;
    }
    if (used == 0) return;
  }
}

std::string_view RequestBody::arrived() {
  if (taken_ == 0) take(0);
  return {static_cast<const char*>(client_->buffer().data().data()), taken_};
}

void RequestBody::drop() {
  client_->buffer().consume(taken_);
  taken_ = 0;
}

asio::awaitable<bool> RequestBody::wait_for_more() {
  if (complete() || fault_) co_return false;
  const auto end = co_await client_->read_some(read_bytes);
  if (end == Connection::ReadEnd::some) co_return true;
  fault_ = http::error::partial_message;
  if (end == Connection::ReadEnd::timed_out) fault_ = asio::error::timed_out;
  co_return false;
}

asio::awaitable<boost::system::error_code> RequestBody::read_whole(std::string& whole,
                                                                   std::size_t limit,
                                                                   Duration timeout) {
  parser_.get().body().decoded = &whole;
  parser_.get().body().limit = limit;
  const auto announced = parser_.content_length();
  if (announced && *announced > limit) fault_ = http::error::body_limit;
  if (!fault_ && awaits_go_ahead() && !complete() && client_->buffer().size() == 0) {
    const bool told = co_await client_->write("HTTP/1.1 100 Continue\r\n\r\n", "", timeout);
    if (!told) fault_ = http::error::partial_message;
  }
  client_->arm(timeout);
  while (!fault_ && !complete()) {
    arrived();
    drop();
    if (!fault_ && !complete()) co_await wait_for_more();
  }
  client_->disarm();
  parser_.get().body().decoded = nullptr;
  co_return fault_;
}

bool RequestBody::awaits_go_ahead() const {
  const auto& request = parser_.get();
  return request.version() >= 11 &&
         boost::beast::iequals(request[http::field::expect], "100-continue");
}

}  // namespace dockherd::http_api
