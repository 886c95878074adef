#include "engine_api/reservation.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

namespace dockherd::engine_api {

namespace {

constexpr std::int64_t nano = 1'000'000'000;
constexpr std::int64_t shares_that_are_weights = 128;
/// 64 TiB, or 70,000 CPUs: more than a host has, and few enough for sums not to overflow.
constexpr std::int64_t largest_promise = 1ll << 46;

std::int64_t promise(const json& host_config, std::string_view name) {
  const json* value = find_member(host_config, name);
  if (value == nullptr || !value->is_number_integer()) return 0;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{largest_promise}) {
    return largest_promise;
  }
  return std::clamp<std::int64_t>(value->get<std::int64_t>(), 0, largest_promise);
}

std::int64_t cpus_of(const json& host_config) {
  if (const std::int64_t asked = promise(host_config, "NanoCpus"); asked > 0) return asked;
  const std::int64_t shares = promise(host_config, "CpuShares");
  return shares < shares_that_are_weights ? shares * nano : 0;
}

std::string_view text_of(const json& object, std::string_view name) {
  const json* value = find_member(object, name);
  return value != nullptr && value->is_string()
             ? std::string_view(value->get_ref<const std::string&>())
             : std::string_view();
}

/// 1 to 65535, or 0 for anything else.
std::uint16_t port_number(std::string_view text) {
  std::uint16_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end ? number : std::uint16_t{0};
}

bool is_every_address(std::string_view ip) {
  return ip.empty() || ip == "0.0.0.0" || ip == "::";
}

/// "80/tcp" → "tcp"; "80" is TCP's.
std::string protocol_of(std::string_view container_port) {
  const std::size_t slash = container_port.find('/');
  std::string protocol(slash == std::string_view::npos ? "tcp" : container_port.substr(slash + 1));
  for (char& c : protocol) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return protocol;
}

/// Nothing when the daemon chooses the port, or does not understand it.
std::optional<PortClaim> claim_of(std::string_view container_port, const json& binding) {
  const std::string_view text = text_of(binding, "HostPort");
  const std::size_t dash = text.find('-');
  PortClaim claim;
  claim.first = port_number(text.substr(0, dash));
  claim.last = dash == std::string_view::npos ? claim.first : port_number(text.substr(dash + 1));
  if (claim.first == 0 || claim.last < claim.first) return std::nullopt;
  const std::string_view ip = text_of(binding, "HostIp");
  if (!is_every_address(ip)) claim.ip = ip;
  claim.protocol = protocol_of(container_port);
  return claim;
}

struct PortClaims {
  std::vector<PortClaim> claims;
  bool cut_off = false;  ///< There are more: together they are of more ports than a host has.
};

/// Of {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, each once. Each port of a range may have to
/// be looked up, so the ranges count in full.
PortClaims read_claims(const json* bindings) {
  PortClaims found;
  if (bindings == nullptr || !bindings->is_object()) return found;
  std::set<PortClaim> seen;
  std::size_t ports = 0;
  for (const auto& [container_port, list] : bindings->items()) {
    if (!list.is_array()) continue;
    for (const json& binding : list) {
      auto claim = claim_of(container_port, binding);
      if (!claim || !seen.insert(*claim).second) continue;
      ports += std::size_t{1} + claim->last - claim->first;
      found.cut_off = ports > most_claimed_ports;
      if (found.cut_off) return found;
      found.claims.push_back(std::move(*claim));
    }
  }
  return found;
}

std::vector<PortClaim> claims_of(const json* bindings) {
  return read_claims(bindings).claims;
}

bool has_own_ports(const json& host_config) {
  const std::string_view mode = text_of(host_config, "NetworkMode");
  return mode != "host" && mode != "none" && !mode.starts_with("container:");
}

/// At most two digits after the point: "1.5", "4".
std::string number_text(double value) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.2f", value);
  std::string number(text, static_cast<std::size_t>(length));
  while (number.ends_with('0')) number.pop_back();
  if (number.ends_with('.')) number.pop_back();
  return number;
}

std::string bytes_text(std::int64_t bytes) {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return number_text(value) + units[unit];
}

std::string plain_cpus_text(std::int64_t nano_cpus) {
  return number_text(static_cast<double>(nano_cpus) / nano);
}

bool goes_beyond(std::int64_t promised, std::int64_t asked, std::int64_t capacity,
                 double overcommit) {
  if (asked == 0 || capacity == 0) return false;
  const double all = std::round(static_cast<double>(capacity) * (1 + overcommit));
  return static_cast<double>(promised) + static_cast<double>(asked) > all;
}

std::string refusal(const char* what, const std::string& promised, const std::string& capacity,
                    const std::string& asked, double overcommit) {
  return std::string(what) + ": " + promised + " of " + capacity + " are promised, " + asked +
         " more asked, overcommit " + number_text(overcommit * 100) + " %";
}

std::string port_refusal(const PortClaim& claim) {
  std::string address = claim.ip;
  if (address.find(':') != std::string::npos) address = "[" + address + "]";
  if (!address.empty()) address += ':';
  address += std::to_string(claim.first);
  if (claim.last == claim.first) return "port " + address + "/" + claim.protocol + " is taken";
  return "ports " + address + "-" + std::to_string(claim.last) + "/" + claim.protocol +
         " are all taken";
}

}  // namespace

Reservation reservation_of(const json& host_config) {
  Reservation reservation;
  reservation.memory_bytes = promise(host_config, "Memory");
  reservation.nano_cpus = cpus_of(host_config);
  reservation.by_shares = reservation.nano_cpus > 0 && promise(host_config, "NanoCpus") == 0;
  if (has_own_ports(host_config)) {
    reservation.ports = claims_of(find_member(host_config, "PortBindings"));
  }
  return reservation;
}

bool claims_too_many_ports(const json& host_config) {
  return read_claims(find_member(host_config, "PortBindings")).cut_off;
}

Reservation reservation_of_inspection(const json& inspection) {
  const json* host_config = find_member(inspection, "HostConfig");
  Reservation reservation;
  if (host_config != nullptr) reservation = reservation_of(*host_config);
  const json* network = find_member(inspection, "NetworkSettings");
  if (network == nullptr) return reservation;
  auto real = claims_of(find_member(*network, "Ports"));
  if (!real.empty()) reservation.ports = std::move(real);
  return reservation;
}

bool holds_ports(std::string_view state) {
  return holds_resources(state) && state != "exited";
}

bool holds_resources(std::string_view state) {
  return state != "dead" && state != "removing";
}

std::optional<std::size_t> container_slots(const std::map<std::string, std::string>& labels) {
  const auto label = labels.find("containerslots");
  if (label == labels.end()) return std::nullopt;
  const std::string& text = label->second;
  const char* end = text.data() + text.size();
  std::int64_t slots = 0;
  const auto [stopped, error] = std::from_chars(text.data(), end, slots);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(slots, 0));
}

void ReservationLedger::put(const std::string& id, Reservation reservation, bool with_ports) {
  remove(id);
  totals_.memory_bytes += reservation.memory_bytes;
  totals_.nano_cpus += reservation.nano_cpus;
  ++totals_.containers;
  if (with_ports) {
    for (const PortClaim& claim : reservation.ports) {
      // Which one of a range it has is not known.
      if (claim.first == claim.last) taken_[{claim.first, claim.protocol}].insert(claim.ip);
    }
  }
  entries_.emplace(id, Entry{std::move(reservation), with_ports});
}

void ReservationLedger::remove(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  release(found->second);
  entries_.erase(found);
}

void ReservationLedger::clear() {
  entries_.clear();
  taken_.clear();
  totals_ = Totals();
}

void ReservationLedger::release(const Entry& entry) {
  totals_.memory_bytes -= entry.reservation.memory_bytes;
  totals_.nano_cpus -= entry.reservation.nano_cpus;
  --totals_.containers;
  if (!entry.with_ports) return;
  for (const PortClaim& claim : entry.reservation.ports) {
    const auto port = taken_.find({claim.first, claim.protocol});
    if (claim.first != claim.last || port == taken_.end()) continue;
    auto& addresses = port->second;
    const auto mine = addresses.find(claim.ip);
    if (mine != addresses.end()) addresses.erase(mine);
    if (addresses.empty()) taken_.erase(port);
  }
}

bool ReservationLedger::is_taken(const std::string& ip, const Port& port) const {
  const auto found = taken_.find(port);
  if (found == taken_.end()) return false;
  const auto& addresses = found->second;  // Never empty; "" is every address.
  return ip.empty() || addresses.contains(std::string()) || addresses.contains(ip);
}

bool ReservationLedger::is_taken(const PortClaim& claim) const {
  for (std::uint32_t port = claim.first; port <= claim.last; ++port) {
    if (!is_taken(claim.ip, {static_cast<std::uint16_t>(port), claim.protocol})) return false;
  }
  return true;
}

std::optional<std::string> ReservationLedger::why_not(const Reservation& asked,
                                                      const Capacity& capacity, double overcommit,
                                                      std::optional<std::size_t> slots) const {
  if (slots && totals_.containers >= *slots) {
    return "containerslots=" + std::to_string(*slots) + " are full";
  }
  if (goes_beyond(totals_.memory_bytes, asked.memory_bytes, capacity.memory_bytes, overcommit)) {
    return refusal("memory", bytes_text(totals_.memory_bytes), bytes_text(capacity.memory_bytes),
                   bytes_text(asked.memory_bytes), overcommit);
  }
  if (goes_beyond(totals_.nano_cpus, asked.nano_cpus, capacity.nano_cpus, overcommit)) {
    std::string text =
        refusal("CPUs", plain_cpus_text(totals_.nano_cpus), plain_cpus_text(capacity.nano_cpus),
                plain_cpus_text(asked.nano_cpus), overcommit);
    if (asked.by_shares) {
      text += " (CpuShares below 128 are a number of CPUs here; above, a weight)";
    }
    return text;
  }
  const auto taken = std::find_if(asked.ports.begin(), asked.ports.end(),
                                  [&](const PortClaim& claim) { return is_taken(claim); });
  if (taken != asked.ports.end()) return port_refusal(*taken);
  return std::nullopt;
}

}  // namespace dockherd::engine_api
