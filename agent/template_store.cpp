#include "agent/template_store.hpp"

#include <algorithm>
#include <system_error>

#include "agent/text_file.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace dockherd::agent {

namespace {

constexpr std::string_view extension = ".json";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Error template_error(errc code, std::string message) {
  return Error(code, std::move(message)).at_field("template");
}

}  // namespace

bool is_template_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || !is_letter_or_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

std::filesystem::path TemplateStore::file_of(std::string_view name) const {
  return directory_ / (std::string(name) + std::string(extension));
}

Result<json> TemplateStore::load(std::string_view name) const {
  if (!is_template_name(name)) {
    return template_error(errc::bad_request,
                          "template must be a file name without path and \".json\": a letter or "
                          "digit, then at most 127 letters, digits or \"._-\"; got " +
                              quote_json(name.substr(0, 200)));
  }
  const std::filesystem::path file = file_of(name);
  std::error_code status;
  if (!std::filesystem::is_regular_file(file, status)) {
    const std::vector<std::string> known = names();
    return template_error(errc::not_found,
                          "no template " + quote_json(name) + " in " + directory_.string() +
                              (known.empty() ? ", which has none" : "; there is " + join(known)));
  }
  auto text = read_text_file(file, limits::template_bytes);
  if (!text) return template_error(errc::bad_request, "template " + text.error().message);
  auto body = parse_commented_json(*text, file.string());
  if (!body) return template_error(errc::bad_request, "template " + body.error().message);
  if (!body->is_object()) {
    return template_error(errc::bad_request, "template " + file.string() +
                                                 " must be an object, Docker's create body; got " +
                                                 describe_type(*body));
  }
  return body;
}

std::vector<std::string> TemplateStore::names() const {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path& file = entry->path();
    std::error_code status;
    if (file.extension() != extension || !is_template_name(file.stem().string())) continue;
    if (!std::filesystem::is_regular_file(file, status)) continue;
    found.push_back(file.stem().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace dockherd::agent
