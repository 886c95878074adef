// Session's part between a request's head and its answer: who calls, and whether he may now.
#include "http_api/session.hpp"

#include "http_api/message_head.hpp"

namespace dockherd::http_api {

namespace {

/// What everybody may ask, known or not: that there is an agent, and which version of Docker's API
/// it speaks.
bool is_open_to_all(Route route, std::string_view path) {
  if (route == Route::greeting) return true;
  return path == "/_ping" || (path.starts_with("/v") && path.ends_with("/_ping") &&
                              path.find('/', 1) + 6 == path.size());
}

/// A request under way, counted for as long as it lives.
class Counted {
 public:
  Counted(ClientLimits& limits, std::string caller) : limits_(limits), caller_(std::move(caller)) {}
  ~Counted() { limits_.end(caller_); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  ClientLimits& limits_;
  const std::string caller_;
};

/// Users by their names, whatever their address; others by theirs.
std::string counted_as(const Caller& caller) {
  return caller.principal.name.empty() ? "from " + caller.address : caller.principal.name;
}

/// What programs of this host ask of an agent that asks nobody who he is has no bound of its own.
bool is_paced(const Caller& caller) {
  return !caller.principal.name.empty() || !is_loopback_address(caller.address);
}

}  // namespace

Result<Caller> Session::identify(const Head& head) const {
  if (context_.authenticator == nullptr) return Caller({}, address_, true);
  Credentials credentials;
  credentials.authorization = as_view(head[http::field::authorization]);
  credentials.certificate_name = connection_->client_name();
  credentials.address = address_;
  credentials.to_agents_port = context_.settings.for_agents;
  credentials.user =
      as_view(head[boost::beast::string_view(user_header.data(), user_header.size())]);
  credentials.role =
      as_view(head[boost::beast::string_view(role_header.data(), role_header.size())]);
  // Of two, a proxy before us may have checked the other one.
  if (head.count(http::field::authorization) > 1) return Error(errc::bad_request, "two tokens");
  return context_.authenticator->authenticate(credentials);
}

/// The answer to one who may not ask now; his request has begun to be counted when there is none.
std::optional<Response> Session::refuse_caller(const Head& head, Route route,
                                               const Result<Caller>& caller) {
  const bool for_docker = route == Route::docker;
  const TimePoint now = context_.clock.now();
  std::optional<Response> refusal;
  Caller known({}, address_, false);
  known.principal.role = trust::Role::viewer;
  if (!caller) {
    // Guesses are slowed down as other requests are, apart from theirs.
    const bool may_guess = context_.limits.take("unknown " + address_, now);
    const OverLimit too_many{429, 1, "too many requests without a valid token"};
    refusal =
        may_guess ? unauthorized_response(for_docker) : over_limit_response(too_many, for_docker);
  } else if (!context_.settings.for_agents) {
    known = *caller;
    const auto over = context_.limits.begin(counted_as(known), is_paced(known), now);
    if (over) refusal = over_limit_response(*over, for_docker);
  }
  if (!refusal) return std::nullopt;
  AuditEntry entry;
  entry.action = std::string(as_view(head.method_string())) + " " +
                 std::string(path_of(as_view(head.target())));
  entry.status = refusal->status;
  context_.audit.note(known, entry, false);
  return refusal;
}

asio::awaitable<bool> Session::serve_known(std::shared_ptr<RequestBody> body, Route route) {
  const Head& head = body->head();
  if (is_open_to_all(route, path_of(as_view(head.target())))) {
    Caller anybody({}, address_, false);
    anybody.principal.role = trust::Role::viewer;
    if (route == Route::docker) co_return co_await serve_docker(body, std::move(anybody));
    co_return co_await serve_own(body, std::move(anybody));
  }
  auto caller = identify(head);
  if (const auto refusal = refuse_caller(head, route, caller)) {
    phase_ = Phase::answering;
    co_await send_last(*refusal);
    co_return false;
  }
  caller->idempotency_key =
      as_view(head[boost::beast::string_view(key_header.data(), key_header.size())]);
  std::optional<Counted> counted;
  if (!context_.settings.for_agents) counted.emplace(context_.limits, counted_as(*caller));
  if (route == Route::docker) co_return co_await serve_docker(body, std::move(*caller));
  co_return co_await serve_own(body, std::move(*caller));
}

}  // namespace dockherd::http_api
