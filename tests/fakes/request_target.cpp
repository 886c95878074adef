#include "tests/fakes/request_target.hpp"

#include <cctype>
#include <cstdlib>

namespace dockherd::fakes {

namespace {

std::string decode(std::string_view text, bool plus_is_space) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      const std::string digits(text.substr(at + 1, 2));
      plain += static_cast<char>(std::strtol(digits.c_str(), nullptr, 16));
      at += 2;
    } else {
      plain += plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return plain;
}

bool is_version(std::string_view segment) {
  return segment.size() > 2 && segment[0] == 'v' && std::isdigit(segment[1]) != 0;
}

}  // namespace

RequestTarget RequestTarget::parse(std::string_view target) {
  RequestTarget parsed;
  const auto question = target.find('?');
  std::string_view path = target.substr(0, question);
  const auto second = path.find('/', 1);
  if (second != std::string_view::npos && is_version(path.substr(1, second - 1))) {
    parsed.version = path.substr(2, second - 2);
    path.remove_prefix(second);
  }
  parsed.path = decode(path, false);
  std::string_view query =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() == query.size() ? pair.size() : pair.size() + 1);
    const auto equals = pair.find('=');
    const std::string key = decode(pair.substr(0, equals), true);
    parsed.query[key] =
        equals == std::string_view::npos ? "" : decode(pair.substr(equals + 1), true);
  }
  return parsed;
}

std::string RequestTarget::get(const std::string& key) const {
  const auto found = query.find(key);
  return found == query.end() ? std::string() : found->second;
}

bool RequestTarget::flag(const std::string& key) const {
  const std::string value = get(key);
  return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

}  // namespace dockherd::fakes
