// What agents tell each other without being asked, as text and back: the bodies of notices. Pure;
// must not know what is made of them. Statuses are node_table's, specifications reschedule_rules'.
// Unknown members are of newer versions and passed over; a notice of which something else is wrong
// is not taken at all (bad_request).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

/// What a node has, or what has changed of that: {"all", "put": [{"id", "names"}], "removed": [id],
/// "sum"}.
struct ContainersNotice {
  using Named = std::pair<std::string, std::vector<std::string>>;  ///< Id, names.

  bool all = false;        ///< Whatever was told before is void.
  std::vector<Named> put;  ///< New, or with other names.
  std::vector<std::string> removed;
  std::optional<std::string> sum;  ///< Of all that the node has and is, once this is done.

  bool operator==(const ContainersNotice&) const = default;
};
std::string encode_containers(const ContainersNotice& notice);
Result<ContainersNotice> decode_containers(const std::string& text);

/// How a claim of a name has ended: {"name", "token", "used"}.
struct ReleasedName {
  std::string name;
  std::string token;
  bool used = false;

  bool operator==(const ReleasedName&) const = default;
};
std::string encode_released_name(const ReleasedName& released);
Result<ReleasedName> decode_released_name(const std::string& text);

/// That a claim on a quota has ended: {"user", "token"}.
struct ReleasedGrant {
  std::string user;
  std::string token;

  bool operator==(const ReleasedGrant&) const = default;
};
std::string encode_released_grant(const ReleasedGrant& released);
Result<ReleasedGrant> decode_released_grant(const std::string& text);

/// Host by item of a bulk; an empty one where the container certainly was not made.
using KeyPlaces = std::map<std::uint32_t, std::string>;

/// The member "given" of news, or of the answer to a claim. Items that no bulk has are passed over.
KeyPlaces key_places_in(const json& body);

/// What has become of a create under a key: {"key", "token", "given": {"1": host}, "ended"}.
struct KeyNews {
  std::string key;
  std::optional<std::string> token;  ///< Nothing: what another judge remembers.
  KeyPlaces given;
  bool ended = false;

  bool operator==(const KeyNews&) const = default;
};
std::string encode_key_news(const KeyNews& news);
Result<KeyNews> decode_key_news(const std::string& text);

/// A container that runs in the place of others: {"by", "ids", "name", "owner"}.
struct SupersededNotice {
  std::string by;                ///< The new one's id.
  std::vector<std::string> ids;  ///< Of those that it replaces.
  std::string name;
  std::string owner;  ///< Empty: nobody's.

  bool operator==(const SupersededNotice&) const = default;
};
std::string encode_superseded(const SupersededNotice& notice);
Result<SupersededNotice> decode_superseded(const std::string& text);

}  // namespace dockherd::agent
