#include "trust/judges.hpp"

#include <algorithm>

namespace dockherd::trust {

namespace {

/// What says nothing: false, 0, "", [] or {}.
bool is_nothing(const json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

}  // namespace

Judge nothing(const std::string& permitted_by) {
  return [permitted_by](const std::string& place, const json& value) -> Result<void> {
    if (is_nothing(value)) return {};
    return refused(place,
                   permitted_by.empty() ? "operators may not set it" : "it needs " + permitted_by);
  };
}

Judge with_flag(bool allowed, const std::string& key) {
  if (allowed) return {};
  return nothing("\"" + key + "\": true in the user's \"allow\"");
}

Judge one_of(std::vector<std::string> texts) {
  return [texts](const std::string& place, const json& value) -> Result<void> {
    const bool known = value.is_string() && std::find(texts.begin(), texts.end(),
                                                      value.get<std::string>()) != texts.end();
    if (known) return {};
    return refused(place, "operators may not have " + dump_json(value));
  };
}

Judge each(Judge judge) {
  return [judge](const std::string& place, const json& value) -> Result<void> {
    if (!value.is_array()) return refused(place, "it must be a list");
    for (const json& element : value) {
      if (auto judged = judge(place, element); !judged) return judged.error();
    }
    return {};
  };
}

Result<void> judge_labels(const std::string& place, const json& value) {
  if (!value.is_object()) return refused(place, "it must be an object");
  std::size_t bytes = 0;
  for (const auto& [key, text] : value.items()) {
    bytes += key.size();
    bytes += text.is_string() ? text.get_ref<const std::string&>().size() : dump_json(text).size();
  }
  if (bytes <= most_label_bytes) return {};
  return refused(place, "its keys and values have " + std::to_string(bytes) +
                            " bytes; operators may have at most " +
                            std::to_string(most_label_bytes));
}

std::string needs(std::string_view key, std::string_view value) {
  return "it needs " + quote_json(value) + " in \"" + std::string(key) +
         "\" of the user's \"allow\"";
}

std::string text_in(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::vector<Member> harmless(std::initializer_list<std::string_view> names) {
  std::vector<Member> members;
  for (const std::string_view name : names) members.push_back({name, {}});
  return members;
}

}  // namespace dockherd::trust
