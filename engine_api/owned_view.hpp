// Whose something is that daemons tell of, by its label dockherd.owner, and what is shown of it to
// somebody who sees his own only. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engine_api/docker_routes.hpp"
#include "engine_api/host_answer.hpp"

namespace dockherd::engine_api {

/// The owner in "Labels" of an object as daemons list it, or in "Config.Labels" of an inspection;
/// empty when it is nobody's.
std::string owner_of(std::string_view object);

/// Some host has it, and every host that does says that it is `owner`'s.
bool is_owned(const std::vector<HostAnswer>& answers, const std::string& owner);

/// bridge, host and none: everybody may look at them.
bool is_predefined_network(std::string_view name);

/// The list without what is not `owner`'s; of networks, those that are everybody's stay. What is no
/// list becomes an empty one.
std::string only_owned(std::string_view list, const std::string& owner);

/// GET /volumes and GET /system/df with their lists so.
std::string volumes_of(std::string_view answer, const std::string& owner);
std::string disk_usage_of(std::string_view answer, const std::string& owner);

/// A network's inspection, whose "Containers" are only those in `ids`.
std::string with_containers(std::string_view network, const std::set<std::string>& ids);

/// The query with its filters narrowed to what has the owner's label. Fails with bad_request when
/// the filters are not understood.
Result<Query> narrowed(const Query& query, const std::string& owner);

/// In Docker's words, for one who may not know more: without "host/".
std::string no_such_container(std::string_view reference);

}  // namespace dockherd::engine_api
