// Whose a container, a network or a volume is: its label dockherd.owner. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "trust/principal.hpp"
#include "trust/users.hpp"

namespace dockherd::trust {

/// The owner label of a body that makes something: what it says, or nothing. Fails when the labels
/// are no object, or the label is no text.
Result<std::optional<std::string>> owner_in(const json& body);
/// Puts it there.
void set_owner(json& body, const std::string& owner);

/// Whose thing it is when `caller` makes it: an operator's is his own, an admin may name another.
/// Fails (403) when an operator names another. Empty: nobody's, of an anonymous admin.
Result<std::string> owner_for(const Principal& caller, const std::optional<std::string>& named);

/// Labels the body that `caller` sends with its owner, by the two above.
Result<void> claim_for(const Principal& caller, json& body);

}  // namespace dockherd::trust
