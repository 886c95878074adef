// What an operator may put into the body of POST /containers/create. Pure: a body and what its
// sender is allowed in, a refusal or what remains to be asked of the host out.
//
// What is not listed here as harmless is refused: a later Docker may add members that give away the
// host, and those are then refused until somebody has looked at them.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "trust/users.hpp"

namespace dockherd::trust {

/// What a body names that may be somebody else's: the host's daemon knows whose they are.
struct References {
  std::set<std::string> containers;  ///< Whose namespaces, volumes or ports it shares.
  std::set<std::string> volumes;     ///< By name. One that is not there yet is made.
  std::set<std::string> networks;    ///< Besides bridge and none.

  bool operator==(const References&) const = default;
};

/// Fails (403) with the field and what would permit it.
Result<References> judge_create(const json& body, const Allowance& allow);

/// Names the containers that a body refers to by their full ids, so that what has been judged is
/// what is shared, also when the container starts again later.
void name_by_id(json& body, const std::map<std::string, std::string>& full_ids);

}  // namespace dockherd::trust
