#include "trust/members.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "trust/user_book.hpp"

namespace dockherd::trust {

namespace {

constexpr std::size_t longest_shown = 80;

bool is_named(std::string_view key, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(key.begin(), key.end(), name.begin(), name.end(),
                    [lower](char left, char right) { return lower(left) == lower(right); });
}

}  // namespace

Error refused(const std::string& place, const std::string& why) {
  return forbidden(place + " is not permitted: " + why).at_field(place);
}

Result<void> judge_members(const json& object, const std::string& where,
                           const std::vector<Member>& known) {
  const std::string own_place = where.empty() ? "the body" : where.substr(0, where.size() - 1);
  if (!object.is_object()) return refused(own_place, "it must be an object");
  std::set<std::string_view> seen;
  for (const auto& [key, value] : object.items()) {
    const std::string_view name = key;  // clang 14 cannot capture what a binding names.
    const auto member = std::find_if(known.begin(), known.end(), [name](const Member& candidate) {
      return is_named(name, candidate.name);
    });
    if (member == known.end()) {
      return refused(where + shortened(key, longest_shown),
                     "it is not among the members that this herd's policy knows");
    }
    const std::string place = where + std::string(member->name);
    if (!seen.insert(member->name).second) return refused(place, "it is given twice");
    if (value.is_null() || !member->judge) continue;
    if (auto judged = member->judge(place, value); !judged) return judged.error();
  }
  return {};
}

}  // namespace dockherd::trust
