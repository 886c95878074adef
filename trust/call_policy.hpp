// What an operator may say in the bodies of calls other than a create. Pure. As in create_policy,
// what is not known as harmless is refused (403) by its name.
#pragma once

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "trust/users.hpp"

namespace dockherd::trust {

/// POST /containers/{id}/update: resources and the restart policy. What a quota of the user counts
/// stays as it was created.
Result<void> judge_update(const json& body, const Quota& quota);

/// POST /containers/{id}/exec: not privileged.
Result<void> judge_exec(const json& body);

/// POST /networks/create: bridges of the host, without options of their driver.
Result<void> judge_network(const json& body);

/// POST /networks/{id}/connect and /disconnect.
Result<void> judge_connection(const json& body);

/// POST /volumes/create: of the local driver, which mounts what its options say.
Result<void> judge_volume(const json& body);

}  // namespace dockherd::trust
