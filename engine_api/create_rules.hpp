// What the body of POST /containers/create says about the host that it may go to. Must not know
// hosts: placement_filter applies the rules, reservation holds what is promised.
//
// Rules are written as Classic Swarm's users write them:
//
//   Env     constraint:node==h2   affinity:image!=~redis*   whitelist:node==h1|h2
//           reschedule:on-node-failure
//   Labels  the same text, parted at its first "=" as the docker command does with --label:
//           {"constraint:node": "=h2", "constraint:storage!": "ssd"}
//   Labels  com.docker.swarm.constraints, .affinities, .whitelists and .reschedule-policies, each a
//           JSON list of such texts: where Classic Swarm stored them, and where they are stored now
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "engine_api/reservation.hpp"
#include "engine_api/rule_expression.hpp"

namespace dockherd::engine_api {

struct CreateRules {
  std::vector<RuleExpression> constraints;
  std::vector<RuleExpression> affinities;
  std::vector<RuleExpression> whitelists;
  std::string reschedule_policy;  ///< "off", "on-node-failure", or empty.

  /// Containers without which the daemon does not make or start this one, as the client names them
  /// (id, prefix, name, node/name): those whose network, IPC, PIDs or volumes it shares, and
  /// --link.
  std::vector<std::string> dependencies;
  /// Containers that it is linked to on a network of its own; the daemon does without them.
  std::vector<std::string> soft_dependencies;
  /// Named volumes of the local driver.
  std::vector<std::string> volumes;
  /// Networks by name or id; not bridge, host and the like.
  std::vector<std::string> networks;
  std::string image;
  Reservation reservation;
};

/// Reads the rules out of `body` and leaves in it what the daemon shall get: rules are taken from
/// Env and from labels of the docker command's form, and stored in the labels com.docker.swarm.*,
/// so that the container remembers them; of a container named node/name the name is left, as the
/// daemon knows it. All else stays as it is, unknown keys too. A rule that is not understood, and a
/// list that is longer than any container needs, is a bad_request that names it, and `body` may
/// then be half changed; whatever else is of a wrong type is left for the daemon to refuse.
Result<CreateRules> read_create_rules(json& body);

/// The first digits of the id of the container that the new one is to replace; empty when there is
/// none. Compose v2 makes it, as "ID_NAME" and with a label of its own, before it removes the old
/// one; that one's volumes are on its host, and its ports and memory will be free.
std::string replaced_container(const json& body, std::string_view name);

}  // namespace dockherd::engine_api
