// Every bound of the program. A queue, buffer or wait that has none is a fault.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dockherd::limits {

using std::chrono::milliseconds;

// JSON from outside.
inline constexpr std::size_t json_depth = 64;        ///< Nested arrays and objects.
inline constexpr std::size_t json_bytes = 4u << 20;  ///< One document.

// HTTP.
inline constexpr std::size_t http_header_bytes = 16u << 10;
inline constexpr std::size_t http_body_bytes = json_bytes;
inline constexpr std::size_t http_connections = 1024;
inline constexpr milliseconds http_header_timeout{10'000};  ///< From the first byte to the last.
inline constexpr milliseconds http_body_timeout{60'000};    ///< From the header's end to the last.
inline constexpr milliseconds http_idle_timeout{75'000};    ///< Between requests.
inline constexpr milliseconds http_write_timeout{30'000};   ///< In which nothing of it is taken.
/// In which nothing moves of a call whose client is gone, before its upstream is given up.
inline constexpr milliseconds http_gone_grace{30'000};
/// In which something is unacknowledged and nothing comes: the other end has vanished.
inline constexpr milliseconds http_longest_silence{30'000};

inline constexpr std::size_t idle_upstreams = 64;  ///< Connections kept open, for each upstream.
inline constexpr std::size_t upstream_response_bytes = 64u << 20;  ///< One that is read whole.

// Bus.
inline constexpr std::size_t bus_message_bytes = 16u
                                                 << 20;  ///< A larger frame ends its connection.
inline constexpr std::size_t bus_frames = 2;  ///< Of one message: ZRE's and the content; no others
                                              ///< are read.
inline constexpr std::size_t bus_peer_queue_bytes = 32u << 20;  ///< Unsent, per peer.
inline constexpr int bus_messages_per_turn = 256;  ///< Of one socket, before others have a turn.
inline constexpr int bus_linger_ms = 100;  ///< For queued messages to leave when a socket closes.
inline constexpr std::size_t bus_peers = 1024;
inline constexpr std::size_t bus_groups_per_peer = 65'536;
inline constexpr std::size_t bus_headers_per_peer = 256;
inline constexpr std::size_t bus_pending_requests = 65'536;
inline constexpr std::size_t bus_requests_per_peer = 8'192;  ///< Being served for one peer.
inline constexpr std::size_t bus_requests_to_peer = 512;     ///< For callers, awaited of one peer.
/// Unsent to one peer, from which on nothing large is added: with one more message of the greatest
/// size the queue still has room for what keeps the herd together.
inline constexpr std::size_t bus_crowded_bytes = 12u << 20;
inline constexpr std::size_t bus_small_reply_bytes = 4u << 10;  ///< Always has room.
inline constexpr std::size_t bus_pending_sightings = 1024;  ///< Endpoints dialled, no HELLO yet.
inline constexpr std::size_t gossip_tuples = 4096;

// Docker.
inline constexpr std::size_t docker_response_bytes = 64u << 20;
/// Path and query of a call. dockerd takes a header of up to 1 MiB, libcurl hardly more.
inline constexpr std::size_t docker_target_bytes = 512u << 10;
inline constexpr std::size_t docker_connections = 128;      ///< Concurrent calls to the daemon.
inline constexpr std::size_t docker_idle_connections = 16;  ///< Kept open for the next call.
inline constexpr std::size_t docker_calls_waiting = 512;    ///< For one of those to end.
inline constexpr std::size_t docker_own_looks = 8;          ///< An agent's own lists, beside those.
inline constexpr std::size_t docker_event_bytes = 1u << 20;        ///< One event.
inline constexpr std::chrono::seconds docker_inspect_timeout{10};  ///< Of an agent's own looks.
inline constexpr std::chrono::seconds docker_retry{1};  ///< After such a look has failed.

// One call to many hosts.
inline constexpr std::size_t hosts_at_once = 256;
inline constexpr std::chrono::seconds host_connect_timeout{5};
inline constexpr std::size_t stream_piece_bytes = 1u << 20;  ///< Decoded: more than one read gives.
inline constexpr std::size_t refusal_bytes = 1u
                                             << 20;  ///< An answer that is no stream, read whole.
inline constexpr std::chrono::seconds refusal_timeout{30};

// Verbs.
inline constexpr std::uint32_t instances = 10'000;  ///< One bulk.
inline constexpr std::size_t ids_per_request = 10'000;
inline constexpr std::size_t creates_per_node = 8;  ///< In flight to one node, per bulk.
inline constexpr std::size_t pulls = 32;            ///< At once; each holds a call to the daemon.
inline constexpr std::size_t template_bytes = 1u << 20;
/// Of other hosts' containers that are to run again elsewhere, kept here.
inline constexpr std::size_t specification_bytes = 64u << 20;
inline constexpr std::size_t name_collisions_shown = 100;  ///< At once, in a list or in the log.
inline constexpr std::size_t create_keys = 4'096;          ///< Remembered by their judge.
/// How long a judge of names, keys or quotas is waited for. One that does not answer may be lost,
/// and then another judges.
inline constexpr milliseconds judge_answers_in{1'000};
inline constexpr std::size_t judges_asked = 2;
/// A claim whose end is never heard of, and one of which it is not known what came of it.
inline constexpr std::chrono::seconds longest_create{60};

// Placement by the Docker API.
inline constexpr std::size_t rule_bytes = 512;           ///< One expression, "node==h2".
inline constexpr std::size_t rules = 256;                ///< Of one container.
inline constexpr std::size_t rule_subject_bytes = 1024;  ///< What a regex looks at.

inline constexpr milliseconds drain{3'000};  ///< Requests in flight when stopping.

}  // namespace dockherd::limits
