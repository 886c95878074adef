// Session's part before the first request: TLS where the port speaks it, and what those are told
// who do not speak as the port does.
#include "http_api/session.hpp"

namespace dockherd::http_api {

namespace {

/// How each connection by TLS begins: a handshake record (RFC 8446, 5.1) of any version 3.x.
constexpr std::string_view tls_beginning("\x16\x03", 2);

/// "127.0.0.1" of "127.0.0.1:40000".
std::string host_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

}  // namespace

/// True when requests may come.
asio::awaitable<bool> Session::secure() {
  if (!context_.settings.tls) co_return true;
  connection_->secure(
      std::make_unique<TlsChannel>(context_.settings.tls->context(), TlsChannel::Side::server));
  // From the accept on: who says nothing holds a place for no longer than who says it slowly.
  connection_->arm(context_.settings.header_timeout);
  co_return co_await shake_hands();
}

asio::awaitable<bool> Session::shake_hands() {
  const auto result = co_await connection_->handshake();
  connection_->disarm();
  if (result == Connection::Handshake::done) co_return true;
  if (stopping_) co_return false;
  if (result == Connection::Handshake::plain_http) {
    note("a client speaks plain HTTP to the port for TLS", "");
    const Response response(http_error_reply(400, "this port speaks TLS: use https://"));
    co_await send_last(response);
    co_return false;
  }
  if (result == Connection::Handshake::timed_out) co_return false;
  const std::string why = connection_->tls_failure();
  if (!why.empty()) note("a client was refused at the TLS handshake", why);
  // What it sent already would reset the connection, and the reset overtake what it is told.
  phase_ = Phase::lingering;
  co_await connection_->linger(context_.settings.linger_timeout);
  co_return false;
}

/// After what is no HTTP.
void Session::note_tls() {
  if (context_.settings.tls) return;
  const auto bytes = connection_->buffer().data();
  const std::string_view begin(static_cast<const char*>(bytes.data()), bytes.size());
  if (begin.starts_with(tls_beginning)) note("a client speaks TLS to a port without", "");
}

void Session::note(std::string_view what, std::string_view why) {
  const std::string address = connection_->remote_address();
  const std::string fault = host_of(address).append(": ").append(what);
  if (!context_.said.may_say(fault, context_.clock.now())) return;
  if (why.empty()) {
    context_.log->warn("{} client={} port={}", what, address, context_.settings.address);
  } else {
    context_.log->warn("{} client={} port={} error={}", what, address, context_.settings.address,
                       why);
  }
}

}  // namespace dockherd::http_api
