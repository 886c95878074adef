// Containers that are to run again elsewhere when their host is lost: who asks for it, what is made
// of such a container, who keeps it in mind, and which side of a split acts. Pure.
//
// The rule of a split: a side acts only when it has more than half of the hosts that it knows,
// those it lost within the last hour included; with exactly half, when it has the host of the
// lowest name. So never more than one side acts, and no container is made anew by both.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

/// The ids of the containers that this one replaces, the newest last, with commas between.
inline constexpr const char* supersedes_label = "dockherd.supersedes";

/// A container that was superseded is renamed to NAME, this and the first digits of its id.
inline constexpr std::string_view retired_mark = "-superseded-";

/// How many agents keep a container's specification besides its owner: any two may die with it.
inline constexpr std::size_t specification_keepers = 3;

/// By a label: com.docker.swarm.reschedule-policies, or reschedule:on-node-failure as the docker
/// command writes it.
bool asks_for_rescheduling(const std::map<std::string, std::string>& labels);

/// Takes the label supersedes_label out of a create body: nobody may write it himself.
void drop_supersedes(json& body);

/// What is needed to make a container again.
struct Specification {
  std::string id;    ///< Of the container that it describes.
  std::string name;  ///< Without the slash.
  std::string body;  ///< Docker's create body. Its label supersedes_label names `id`.
  bool runs = false;
  std::vector<NodeId> keepers;  ///< Who has it; the first of them that is there acts.

  bool operator==(const Specification&) const = default;
};

/// Out of GET /containers/ID/json. What the daemon made up for this host alone (the hostname of the
/// id, addresses, aliases of the id) is left out.
Result<Specification> specification_of(const json& inspection);

std::string encode_specification(const Specification& specification);
/// Errors name the member.
Result<Specification> decode_specification(const std::string& text);

/// Those of `agents` that are to keep the container's specification, in the order in which they are
/// to act: by the hash of id and agent, so that all agree without asking.
std::vector<NodeId> keepers_of(const std::string& container, std::vector<NodeId> agents);

/// Whether the side with hosts `here` acts when it has lost those in `lost`. Names of hosts.
bool may_reschedule(const std::vector<std::string>& here, const std::vector<std::string>& lost);

/// The ids in supersedes_label.
std::vector<std::string> superseded_ids(std::string_view label);

}  // namespace dockherd::agent
