// On whose behalf one agent asks another by a verb: its members "user" and "role". Absent: the
// agent asks for itself, or is of a version that knows no users. Pure.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "trust/principal.hpp"

namespace dockherd::agent {

/// Takes them out of a verb. Fails when they make no sense.
Result<std::optional<trust::Principal>> take_user(json& verb);

/// Puts them into one, unless nobody is meant.
void put_user(json& verb, const std::optional<trust::Principal>& user);

}  // namespace dockherd::agent
