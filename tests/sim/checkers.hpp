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

/// For creates under a key, of all its repeats together: at no time were there more than asked, and
/// what is reported as created was made under that key.
Complaints check_once(const Records& records, const MadeByVerb& made);
/// The last repeat of each create under a key succeeds, on a calm herd.
Complaints check_completed(const Records& records);

/// One node's view at a quiet moment: full container id -> owner.
using Directory = std::map<std::string, NodeId>;

/// Every directory equals the union of the daemons' containers, by owner. Keys: hostnames.
Complaints check_directories(const Directory& truth,
                             const std::map<std::string, Directory>& directories);

/// Names that containers of several hosts have: name -> full container ids.
using Collisions = std::map<std::string, std::set<std::string>>;

/// Every node shows the names that containers of several hosts have, with all of these, and no
/// others. Keys: hostnames.
Complaints check_collisions(const Collisions& truth,
                            const std::map<std::string, Collisions>& views);

/// Every node sees all others that live, and nobody else. Keys: hostnames.
Complaints check_membership(const std::set<NodeId>& living,
                            const std::map<std::string, std::set<NodeId>>& views);

/// Members of containers' endpoints as one node sees them: full container id -> nodes.
using Endpoints = std::map<std::string, std::vector<NodeId>>;

/// On every node the endpoint of each container has its owner for its only member, and those of
/// containers that are gone have none. Keys: hostnames.
Complaints check_endpoints(const Directory& truth, const std::map<std::string, Endpoints>& views);

/// Every node says of every host what is true: answers of list-nodes by the hostname that was
/// asked, and the state of each host.
Complaints check_pool_views(const std::map<std::string, std::string>& states,
                            const std::map<std::string, std::string>& answers);

/// A host out of the pool has none of a bulk.
Complaints check_left_out(const std::string& hostname,
                          const std::map<std::string, std::size_t>& shares);

/// Verbs on a calm herd succeed.
Complaints check_successes(const Records& records);
/// An inspection succeeds and is of that very container.
Complaints check_inspection(const VerbRecord& record, const std::string& id);
/// A deletion succeeds, and no daemon has the container any more.
Complaints check_deletion(const VerbRecord& record, const std::string& id, const Directory& truth);
/// A list of the whole herd names every container once, and no other.
Complaints check_list(const VerbRecord& record, const Directory& truth);

/// Nothing is sent to a peer after it was lost, until it is dialled again.
Complaints check_sends(const std::vector<std::string>& sends_to_lost_peers);

/// Hosts' counts of containers are within one of each other.
Complaints check_balance(const std::map<std::string, std::size_t>& counts);

/// Each host has floor(asked / hosts) or ceil(asked / hosts) of one bulk.
Complaints check_shares(int verb, int asked, const std::map<std::string, std::size_t>& shares);

}  // namespace dockherd::sim
