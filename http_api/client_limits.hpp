// How much of an agent one client may take. Pure: time is an argument.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace dockherd::http_api {

/// Zero: without that bound.
struct LimitSettings {
  std::size_t connections_per_client = 512;  ///< From one address; loopback is exempt.
  std::size_t requests = 1024;               ///< Being answered, of all callers.
  std::size_t requests_per_caller = 384;     ///< Of one user or address; a host gets more.
  double requests_per_second = 1000;         ///< By one caller, in the long run...
  double burst = 2000;                       ///< ...and at once.
};

/// Why something is refused.
struct OverLimit {
  int status = 503;  ///< 429: the caller's own doing; 503: all callers'.
  unsigned retry_after_seconds = 1;
  std::string_view why;
};

/// Purpose: counts connections and requests by client. What is counted is let go when it ends, and
/// the rates of at most some thousand callers are remembered: memory stays bounded.
/// Owner: the server. One thread only.
class ClientLimits {
 public:
  explicit ClientLimits(const LimitSettings& settings) : settings_(settings) {}

  /// Whether the address may have one more connection.
  bool may_connect(const std::string& address) const;
  void connected(const std::string& address) { ++connections_[address]; }
  void disconnected(const std::string& address);
  std::size_t connections_of(const std::string& address) const;

  /// A request begins, unless it is refused. `paced`: its rate counts.
  std::optional<OverLimit> begin(const std::string& caller, bool paced, TimePoint now);
  void end(const std::string& caller);

  /// Takes one from what the caller may do at this rate. False when nothing is left.
  bool take(const std::string& caller, TimePoint now);

  std::size_t callers_remembered() const { return buckets_.size(); }

 private:
  /// Fills with `requests_per_second` up to `burst`.
  struct Bucket {
    double left = 0;
    TimePoint at{};
  };

  void forget_full(TimePoint now);
  double left_in(const Bucket& bucket, TimePoint now) const;

  LimitSettings settings_;
  std::map<std::string, std::size_t> connections_;
  std::map<std::string, std::size_t> requests_;
  std::size_t all_requests_ = 0;
  std::map<std::string, Bucket> buckets_;
};

/// "127.0.0.1" and the like: programs of this host.
bool is_loopback_address(std::string_view address);

/// "10.0.0.1" of "10.0.0.1:40000", "::1" of "[::1]:40000".
std::string without_port(std::string_view address);

}  // namespace dockherd::http_api
