// What must hold of a herd. Each checker is a plain function of the evidence: it returns what is
// wrong, one sentence each, and nothing when all is well. Each is shown to fail on a planted fault.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "tests/sim/verb_driver.hpp"

namespace dockherd::sim {

using Complaints = std::vector<std::string>;
using Records = std::vector<VerbRecord>;

/// Every verb is answered exactly once, in time, and throws nothing.
Complaints check_answers(const Records& records);

/// Containers that daemons ever made, by label sim.verb.
using MadeByVerb = std::map<std::string, std::vector<MadeContainer>>;

/// For each create: created + failed + unknown = asked; what was reported as created was made; at
/// no time were there more than asked; and no more was made than is reported as created or unknown
/// (not counting what was taken away again before the answer).
Complaints check_accounts(const Records& records, const MadeByVerb& made);

/// One node's view at a quiet moment: full container id -> owner.
using Directory = std::map<std::string, NodeId>;

/// Every directory equals the union of the daemons' containers, by owner. Keys: hostnames.
Complaints check_directories(const Directory& truth,
                             const std::map<std::string, Directory>& directories);

/// Every node sees all others that live, and nobody else. Keys: hostnames.
Complaints check_membership(const std::set<NodeId>& living,
                            const std::map<std::string, std::set<NodeId>>& views);

/// Every node says the same of every host: answers of list-nodes by the hostname that was asked.
Complaints check_pool_views(const std::map<std::string, std::string>& answers);

/// Nothing is sent to a peer after it was lost, until it is dialled again.
Complaints check_sends(const std::vector<std::string>& sends_to_lost_peers);

/// Hosts' counts of containers are within one of each other.
Complaints check_balance(const std::map<std::string, std::size_t>& counts);

/// Each host has floor(asked / hosts) or ceil(asked / hosts) of one bulk.
Complaints check_shares(int verb, int asked, const std::map<std::string, std::size_t>& shares);

}  // namespace dockherd::sim
