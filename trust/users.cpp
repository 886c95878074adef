#include "trust/users.hpp"

#include <algorithm>

namespace dockherd::trust {

bool is_user_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (text.empty() || text.size() > longest || !is_word(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [is_word](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace dockherd::trust
