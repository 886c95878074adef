// Which members messages of a kind have, learnt from samples: what another release relies on. Must
// not know what the members mean.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.hpp"

namespace dockherd::wire {

/// "request-ACTION", "notice-TOPIC", "liveness-KIND" of the content of a WHISPER. Empty for
/// replies, whose kind is that of the request, and for what is none of the agents'.
std::string kind_of_content(const json& envelope);

/// A member that no release has.
inline constexpr const char* unknown_member = "zz_of_a_later_release";

/// Purpose: the members of one kind of message, with their types, and whether they are always
/// there. What stands under keys that are data (labels, headers), and Docker's own bodies, has no
/// shape.
class MessageShape {
 public:
  void learn(const json& message);
  /// What a reader of the samples would miss in `message`: members that all of them have, and
  /// members of another type. One sentence each.
  std::vector<std::string> complaints(const json& message) const;
  /// Takes out what no sample has.
  void strip(json& message) const;

 private:
  struct Member {
    std::set<std::string> types;
    std::size_t seen = 0;
  };
  struct Object {
    std::size_t seen = 0;
    std::map<std::string, Member> members;
  };

  void learn(const std::string& path, const json& value);
  void compare(const std::string& path, const json& value, std::vector<std::string>& found) const;
  void strip(const std::string& path, json& value) const;

  std::map<std::string, Object> objects_;  // By path: "", "body", "body.put".
};

/// The paths of all members that have a shape: what tells two messages of a kind apart.
std::set<std::string> member_paths(const json& message);

/// Adds unknown_member to every object that has a shape.
void add_unknown_members(json& message);

}  // namespace dockherd::wire
