// The JSON frame that follows a WHISPER or SHOUT: requests, replies, notices and the agents' own
// talk about liveness. Values to text and back; must not know peers, deadlines or verbs.
//
//   request  {"dockherd":"request","id":"…","timeout":MS,"scope":"herd"|"local",
//             "deliver":"all"|"one","one_of":["UUIDHEX",…],"body":{…}}
//   request  {"action":…}: a bare verb, with the defaults and no id
//   reply    {"dockherd":"reply","id":"…"|null,"status":200,"body":ANY}
//   notice   {"dockherd":"notice","topic":"…","body":ANY}
//   liveness {"dockherd":"liveness","kind":"probe"|"alive"|"suspect"|"lost","node":"UUIDHEX",
//             "incarnation":N}
//
// Bodies are carried as text and never parsed here, only sliced out: their brackets are balanced,
// all else is for the reader of the body to check.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json_reader.hpp"

namespace dockherd::bus {

inline constexpr std::chrono::milliseconds longest_request_timeout{3'600'000};
inline constexpr std::size_t correlation_id_bytes = 64;
inline constexpr std::size_t one_of_nodes = 1024;

struct RequestEnvelope {
  std::optional<std::string> id;  ///< Comes back in the reply; null there when absent.
  /// How long the sender still waits; absent: as long as the verb takes.
  std::optional<std::chrono::milliseconds> timeout;
  bool local = false;  ///< "scope":"local": the receiver acts itself, routes nothing on.
  /// "deliver":"one" or "all", of a group. Without the word: one with scope herd, where any
  /// member's answer is everybody's, and all with scope local.
  bool deliver_one = true;
  std::vector<NodeId> one_of;  ///< The members meant; empty: those that the receiver knows.
  std::string body;            ///< An object.
};

struct ReplyEnvelope {
  std::optional<std::string> id;
  int status = 200;
  std::string body;  ///< Any JSON value.
};

struct NoticeEnvelope {
  std::string topic;
  std::string body;  ///< Any JSON value.
};

struct LivenessControl {
  enum class Kind {
    probe,    ///< "Is this node there? Tell me if it answers you."
    alive,    ///< "I heard from this node", or a node about itself.
    suspect,  ///< "It answers neither me nor those I asked."
    lost,     ///< "I gave it up."
  };
  Kind kind = Kind::probe;
  NodeId node;
  std::uint64_t incarnation = 0;  ///< Counted up by `node` with each refutation.

  bool operator==(const LivenessControl&) const = default;
};

/// Text that is meant for us (it has `dockherd` or `action`) and wrong. The sender of a request is
/// to be told; of anything else not, or two programs could tell each other so for ever.
struct EnvelopeFault {
  std::optional<std::string> id;  ///< The request's, as far as it could be read.
  Error error;
  bool of_request = true;
};

/// Text that is not for us: not an object, or one of somebody else's application.
struct ForeignText {};

using Envelope = std::variant<RequestEnvelope, ReplyEnvelope, NoticeEnvelope, LivenessControl,
                              EnvelopeFault, ForeignText>;

std::string encode_request(const RequestEnvelope& request);
std::string encode_reply(const ReplyEnvelope& reply);
std::string encode_notice(std::string_view topic, std::string_view body);
std::string encode_liveness(const LivenessControl& control);

/// Never throws; any text may come. `unknown`: of a request's members. (In all else they are
/// ignored.)
Envelope decode_envelope(std::string_view text, UnknownKeys unknown = UnknownKeys::refused);

/// True for what encode_liveness() made; cheap, for use before decoding.
bool is_liveness_text(std::string_view text);

/// {"error":MESSAGE,"code":NAME,"field":FIELD}: the body of a reply that reports `error`.
std::string error_body(const Error& error);

/// Which of `nodes` acts on request `id` when one is to: the one with the highest FNV-1a 64 hash
/// over the bytes of `id` followed by its 16 UUID bytes; the greater UUID when two are equal. So
/// everybody who is given the same id and nodes (in any order) comes to the same answer.
/// Nothing when `nodes` is empty.
std::optional<NodeId> rendezvous(std::string_view id, const std::vector<NodeId>& nodes);

}  // namespace dockherd::bus
