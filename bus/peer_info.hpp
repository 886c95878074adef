// What is known of a peer, and how long its silence is borne. Shared by the event bus and the pure
// parts below it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace dockherd::bus {

/// Header names of our HELLO (RFC 36 headers; at most 255 bytes a key).
inline constexpr std::string_view header_version = "X-DOCKHERD-VERSION";
/// "MAJOR.MINOR" of what agents say to each other (docs/bus.md). An agent without it speaks 1.0.
inline constexpr std::string_view header_protocol = "X-DOCKHERD-PROTOCOL";
inline constexpr std::string_view header_herd = "X-DOCKHERD-HERD";
inline constexpr std::string_view header_http = "X-DOCKHERD-HTTP";
/// Where other agents call, when that is not where clients do.
inline constexpr std::string_view header_agents = "X-DOCKHERD-AGENTS";
inline constexpr std::string_view header_hostname = "X-DOCKHERD-HOSTNAME";

/// What this agent speaks. Another major number is refused; minor ones understand each other.
inline constexpr std::string_view protocol_major = "1";
inline constexpr std::string_view protocol_minor = "0";

/// The reason given for the loss of a peer that left in order.
inline constexpr std::string_view reason_goodbye = "said goodbye";

/// Times of the failure detector. With the defaults a frozen agent is lost after at most
/// probe_period + 3 * probe_timeout + suspicion = 1.85 s, in a herd of any size.
struct LivenessSettings {
  Duration probe_period = std::chrono::milliseconds(650);  ///< Silence of the neighbour until PING.
  Duration probe_timeout = std::chrono::milliseconds(200);  ///< PING until PING-OK is missed.
  Duration suspicion = std::chrono::milliseconds(600);      ///< Suspect until lost.
  Duration evasive = std::chrono::milliseconds(5'000);      ///< Foreign peers: silence until PING.
  Duration expired = std::chrono::milliseconds(30'000);     ///< Foreign peers: silence until lost.
  std::size_t indirect_probes = 3;                          ///< Agents asked about one silence.
};

struct PeerInfo {
  NodeId id;
  std::string name;
  std::string endpoint;
  std::map<std::string, std::string> headers;
  bool is_agent = false;               ///< A dockherd agent of this herd; else a foreign peer.
  std::optional<Duration> round_trip;  ///< Of the last PING answered.
};

}  // namespace dockherd::bus
