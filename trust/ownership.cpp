#include "trust/ownership.hpp"

#include "trust/members.hpp"

namespace dockherd::trust {

Result<std::optional<std::string>> owner_in(const json& body) {
  const json* labels = find_member(body, "Labels");
  if (labels == nullptr || labels->is_null()) return std::optional<std::string>();
  if (!labels->is_object()) return refused("Labels", "it must be an object");
  const auto label = labels->find(std::string(owner_label));
  if (label == labels->end()) return std::optional<std::string>();
  if (!label->is_string())
    return refused("Labels." + std::string(owner_label), "it must be a text");
  return std::optional<std::string>(label->get<std::string>());
}

void set_owner(json& body, const std::string& owner) {
  json* labels = const_cast<json*>(find_member(body, "Labels"));
  if (labels == nullptr) labels = &body["Labels"];
  if (!labels->is_object()) *labels = json::object();
  (*labels)[std::string(owner_label)] = owner;
}

Result<std::string> owner_for(const Principal& caller, const std::optional<std::string>& named) {
  if (!named) return caller.name;
  if (caller.is_admin() || *named == caller.name) return *named;
  return refused("Labels." + std::string(owner_label),
                 "what " + caller.name + " makes is " + caller.name + "'s");
}

Result<void> claim_for(const Principal& caller, json& body) {
  // Nobody is asked who he is: what is wrong with the body the daemon says best.
  if (caller.is_admin() && caller.name.empty()) return {};
  const auto named = owner_in(body);
  if (!named) return named.error();
  const auto owner = owner_for(caller, *named);
  if (!owner) return owner.error();
  if (!owner->empty()) set_owner(body, *owner);
  return {};
}

}  // namespace dockherd::trust
