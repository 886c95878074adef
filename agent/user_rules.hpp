// What users may ask by the JSON verbs, and what a create must say for it to be counted. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/herd.hpp"
#include "agent/verbs.hpp"
#include "trust/user_book.hpp"

namespace dockherd::agent {

/// The users that this node knows; none in a herd without a users file.
const trust::UserBook& users_of(const Herd& herd);

/// Whether the role has that verb at all; fails with 403. Of what, the owners judge.
Result<void> may_ask(const trust::Principal& caller, const Verb& verb);

/// An operator's headers for Docker are those for a registry.
Result<void> only_registry_headers(const std::vector<std::pair<std::string, std::string>>& headers);

/// How much of a quota a create body asks for.
struct Asked {
  std::int64_t nano_cpus = 0;
  std::int64_t memory_bytes = 0;
};
Asked asked_by(const json& body);

/// Fails (403) when a quota counts what the body leaves without a bound.
Result<void> states_what_is_counted(const json& body, const trust::Quota& quota);

}  // namespace dockherd::agent
