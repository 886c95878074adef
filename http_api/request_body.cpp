#include "http_api/request_body.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/none.hpp>

namespace dockherd::http_api {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t read_bytes = 128u << 10;

}  // namespace

RequestBody::RequestBody(std::shared_ptr<Connection> client, HeadParser&& head)
    : client_(std::move(client)), parser_(std::move(head)) {
  parser_.body_limit(boost::none);
  parser_.eager(true);
}

bool RequestBody::malformed() {
  pass_.judge(client_->buffer(), parser_);
  return pass_.malformed();
}

std::string_view RequestBody::arrived() {
  return pass_.offer(client_->buffer(), parser_);
}

void RequestBody::drop() {
  pass_.drop(client_->buffer());
}

asio::awaitable<bool> RequestBody::wait_for_more() {
  if (complete() || broken()) co_return false;
  const auto end = co_await client_->read_some(read_bytes);
  if (end == Connection::ReadEnd::some) co_return true;
  const bool too_slow = end == Connection::ReadEnd::timed_out;
  pass_.set_fault(too_slow ? boost::system::error_code(asio::error::timed_out)
                           : make_error_code(http::error::partial_message));
  co_return false;
}

asio::awaitable<boost::system::error_code> RequestBody::read_whole(std::string& whole,
                                                                   std::size_t limit,
                                                                   Duration timeout) {
  parser_.get().body().decoded = &whole;
  parser_.get().body().limit = limit;
  const auto announced = parser_.content_length();
  if (announced && *announced > limit) pass_.set_fault(http::error::body_limit);
  if (!broken()) {
    const bool told = co_await give_go_ahead(timeout);
    if (!told) pass_.set_fault(http::error::partial_message);
  }
  client_->arm(timeout);
  while (!broken() && !complete()) {
    arrived();
    drop();
    if (!broken() && !complete()) co_await wait_for_more();
  }
  client_->disarm();
  parser_.get().body().decoded = nullptr;
  co_return pass_.fault();
}

bool RequestBody::awaits_go_ahead() const {
  const auto& request = parser_.get();
  return request.version() >= 11 &&
         boost::beast::iequals(request[http::field::expect], "100-continue");
}

asio::awaitable<bool> RequestBody::give_go_ahead(Duration timeout) {
  if (!awaits_go_ahead() || complete() || client_->buffer().size() > 0) co_return true;
  co_return co_await client_->write("HTTP/1.1 100 Continue\r\n\r\n", "", timeout);
}

}  // namespace dockherd::http_api
