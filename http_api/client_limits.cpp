#include "http_api/client_limits.hpp"

#include <algorithm>

namespace dockherd::http_api {

namespace {

constexpr std::size_t most_buckets = 4096;

void let_go(std::map<std::string, std::size_t>& counts, const std::string& key) {
  const auto found = counts.find(key);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

std::size_t count_of(const std::map<std::string, std::size_t>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

bool ClientLimits::may_connect(const std::string& address) const {
  if (settings_.connections_per_client == 0 || is_loopback_address(address)) return true;
  return connections_of(address) < settings_.connections_per_client;
}

void ClientLimits::disconnected(const std::string& address) {
  let_go(connections_, address);
}

std::size_t ClientLimits::connections_of(const std::string& address) const {
  return count_of(connections_, address);
}

std::optional<OverLimit> ClientLimits::begin(const std::string& caller, bool paced, TimePoint now) {
  if (settings_.requests > 0 && all_requests_ >= settings_.requests) {
    return OverLimit{503, 1, "this agent answers as many requests as it can; try again soon"};
  }
  if (paced && settings_.requests_per_caller > 0 &&
      count_of(requests_, caller) >= settings_.requests_per_caller) {
    return OverLimit{429, 1, "too many of your requests are being answered; try again soon"};
  }
  if (paced && !take(caller, now)) {
    return OverLimit{429, 1, "too many requests a second; try again soon"};
  }
  ++requests_[caller];
  ++all_requests_;
  return std::nullopt;
}

void ClientLimits::end(const std::string& caller) {
  let_go(requests_, caller);
  --all_requests_;
}

double ClientLimits::left_in(const Bucket& bucket, TimePoint now) const {
  const std::chrono::duration<double> since = now - bucket.at;
  const double filled = bucket.left + since.count() * settings_.requests_per_second;
  return std::min(settings_.burst, filled);
}

bool ClientLimits::take(const std::string& caller, TimePoint now) {
  if (settings_.requests_per_second <= 0) return true;
  auto found = buckets_.find(caller);
  if (found == buckets_.end()) {
    if (buckets_.size() >= most_buckets) forget_full(now);
    Bucket full;
    full.left = std::max(settings_.burst, 1.0);
    full.at = now;
    found = buckets_.emplace(caller, full).first;
  }
  Bucket& bucket = found->second;
  if (bucket.at != now) bucket.left = left_in(bucket, now);
  bucket.at = now;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

/// A full one is as if it had never been. When none is, the one that has rested longest goes.
void ClientLimits::forget_full(TimePoint now) {
  std::erase_if(buckets_,
                [&](const auto& entry) { return left_in(entry.second, now) >= settings_.burst; });
  if (buckets_.size() < most_buckets) return;
  buckets_.erase(
      std::min_element(buckets_.begin(), buckets_.end(),
                       [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

bool is_loopback_address(std::string_view address) {
  return address.empty() || address.starts_with("127.") || address == "::1" ||
         address.starts_with("::ffff:127.");
}

std::string without_port(std::string_view address) {
  const auto colon = address.rfind(':');
  std::string_view host = address.substr(0, std::min(colon, address.size()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace dockherd::http_api
