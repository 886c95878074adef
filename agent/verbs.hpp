// The JSON verbs: ONE table of action name, decoder and where it runs. Pure: text in, typed value
// out. Must not know how a verb is carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/template_render.hpp"
#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "trust/principal.hpp"

namespace dockherd::agent {

/// create-container, create-raw-container.
struct CreateVerb {
  std::string template_name;  ///< Exactly one of template_name, image (in overrides) and body is
  std::optional<json> body;   ///< the source; `image` beside another source overrides it.
  TemplateOverrides overrides;
  std::optional<std::uint32_t> instances;  ///< Absent: one, answered by one envelope.
  bool start = false;
  std::vector<std::pair<std::string, std::string>> headers;  ///< For Docker, as X-Registry-Auth.
  std::string key;  ///< May be repeated without making anything twice; empty: may not.
};

enum class ContainerAction {
  start,
  stop,
  restart,
  kill,
  pause,
  unpause,
  inspect,
  remove,
  shutdown
};

/// The verbs about containers that exist.
struct ContainerVerb {
  ContainerAction action = ContainerAction::inspect;
  std::vector<std::string> ids;          ///< Full ids, unique prefixes, names or "HOST/NAME".
  bool several = false;                  ///< Given as `ids`: answered by a list.
  std::optional<std::uint32_t> timeout;  ///< Seconds of grace (stop, restart, shutdown).
  std::optional<std::string> signal;     ///< kill; what stop, restart and shutdown begin with.
  bool force = false;                    ///< delete.
  bool volumes = false;                  ///< delete, shutdown: anonymous volumes too.
  std::optional<trust::Principal> user;  ///< For whom; of requests between agents.
};

enum class ListShape { both, flat, nodes };

/// list-containers, list-images.
struct ListVerb {
  bool images = false;
  bool all = false;                     ///< Every node.
  std::optional<std::string> hostname;  ///< One node. Neither: this node.
  std::string filters;                  ///< Docker's, JSON text; empty: none.
  ListShape shape = ListShape::both;
  std::optional<trust::Principal> user;  ///< For whom; of requests between agents.
};

/// list-nodes.
struct ListNodesVerb {};

/// register, unregister.
struct PoolVerb {
  bool in_pool = true;
  std::optional<std::string> hostname;  ///< Absent: this node.
};

/// Between agents only: creates one container on the node that gets it.
struct CreateOneVerb {
  std::string body;  ///< Docker's create body, text.
  std::string name;  ///< Empty: Docker chooses.
  bool start = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> max_load;  ///< Decline when this node has, or will have, more.
  std::string platform;                   ///< Docker's, as "linux/arm64"; empty: none.
  bool pull = true;                       ///< A missing image is pulled; else it is an error.
  std::string api_version;  ///< In which the body is written, "1.40"; empty: the newest.
  std::optional<trust::Principal> user;  ///< For whom. Nothing: for an agent itself.
  bool once = false;   ///< The body has a KeyMark: a container that has it already will do.
  bool again = false;  ///< This node was asked before, and what came of it is not known.
};

/// Between agents only: what list-nodes and image errors ask of each node.
struct NodeInfoVerb {};
struct HasImageVerb {
  std::string image;
};
/// Between agents only: the sender's status has changed; answered once taken in.
struct StatusVerb {
  std::string status;  ///< JSON text, see encode_status().
};

/// Between agents only: the receiver keeps a name for one create until it hears of its end. See
/// name_claims.
struct ClaimNameVerb {
  std::string name;
  std::string token;  ///< Of this claim.
};

/// Between agents only: what a user has on the node that gets it. See quota_judge.
struct UsageVerb {
  std::string user;
};
/// Between agents only: the receiver judges whether a user may have so much more, over the whole
/// herd, and keeps it for him until it hears how that ended. See quota_judge.
struct ClaimQuotaVerb {
  std::string user;
  std::string token;  ///< Of this claim.
  std::int64_t containers = 0;
  std::int64_t nano_cpus = 0;
  std::int64_t memory_bytes = 0;
};

/// Between agents only: the receiver judges whether a create under this key may begin, and says
/// what became of those before. See create_keys.
struct ClaimKeyVerb {
  std::string key;
  std::string token;  ///< Of this claim.
};
/// Between agents only: what the receiver's daemon has under the key.
struct FindKeyVerb {
  std::string key;
  std::string user;
};

using Verb = std::variant<CreateVerb, ContainerVerb, ListVerb, ListNodesVerb, PoolVerb,
                          CreateOneVerb, NodeInfoVerb, HasImageVerb, StatusVerb, ClaimNameVerb,
                          UsageVerb, ClaimQuotaVerb, ClaimKeyVerb, FindKeyVerb>;

/// Who asks. Actions between agents are unknown to clients.
enum class VerbOrigin { client, agent };

/// The verb in `text`. Errors name the field; an unknown action lists those that exist. `unknown`:
/// of fields; an agent of a newer version may write some.
Result<Verb> decode_verb(std::string_view text, VerbOrigin origin,
                         UnknownKeys unknown = UnknownKeys::refused);

std::string encode_verb(const ContainerVerb& verb);
std::string encode_verb(const ListVerb& verb);
std::string encode_verb(const PoolVerb& verb);
std::string encode_verb(const CreateOneVerb& verb);
std::string encode_verb(const NodeInfoVerb& verb);
std::string encode_verb(const HasImageVerb& verb);
std::string encode_verb(const StatusVerb& verb);
std::string encode_verb(const ClaimNameVerb& verb);
std::string encode_verb(const UsageVerb& verb);
std::string encode_verb(const ClaimQuotaVerb& verb);
std::string encode_verb(const ClaimKeyVerb& verb);
std::string encode_verb(const FindKeyVerb& verb);

/// The action name of a container verb ("stop-container").
std::string_view action_name(ContainerAction action);

/// True for the names of verbs about containers that exist: those that take an `id`.
bool is_container_action(std::string_view name);

/// Docker's own grace time when neither request nor container say another.
inline constexpr std::chrono::seconds default_grace{10};
inline constexpr std::chrono::seconds longest_grace{3600};

/// True when Docker gives the container time to end by itself.
bool has_grace(ContainerAction action);

/// How much longer than a quick task the action may take: the grace time where it has one. Without
/// `timeout` that is the container's own, `stop_timeout`.
std::chrono::seconds extra_time(const ContainerVerb& verb,
                                std::chrono::seconds stop_timeout = default_grace);

/// The grace time that a container was made with, from the envelope of inspect-container:
/// Config.StopTimeout, or Docker's own. At most longest_grace, also where Docker would wait for
/// ever.
std::chrono::seconds stop_timeout_of(std::string_view inspect_envelope);

}  // namespace dockherd::agent
