// A regex of a stranger must end: boost::regex counts its steps and gives up. The default bound
// would let one match take seconds; this one is reached within a millisecond or two.
#define BOOST_REGEX_MAX_STATE_COUNT 50000

#include "engine_api/rule_expression.hpp"

#include <algorithm>
#include <boost/regex.hpp>
#include <optional>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace dockherd::engine_api {

struct RuleExpression::Regex {
  boost::regex compiled;
};

namespace {

constexpr std::size_t shown_bytes = 100;  // Of an expression, in a message.

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Keys are "node", names of engine or container labels. Classic Swarm had no slash.
bool is_key(std::string_view key) {
  if (key.empty() || !(is_letter(key.front()) || key.front() == '_')) return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

Error wrong(std::string_view text, const std::string& what) {
  return {errc::bad_request, "\"" + shortened(text, shown_bytes) + "\": " + what};
}

/// * stands for any bytes. Walks on, and back to the last * where it fails: no more than
/// |glob| * |subject| steps.
bool glob_fits(std::string_view glob, std::string_view subject) {
  std::size_t at = 0;
  std::size_t seen = 0;
  std::optional<std::size_t> star;  // The last * met, and where in the subject its rest began.
  std::size_t star_seen = 0;
  while (seen < subject.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      star_seen = seen;
    } else if (at < glob.size() && glob[at] == subject[seen]) {
      ++at;
      ++seen;
    } else if (star) {
      at = *star + 1;
      seen = ++star_seen;
    } else {
      return false;
    }
  }
  return std::all_of(glob.begin() + static_cast<std::ptrdiff_t>(at), glob.end(),
                     [](char c) { return c == '*'; });
}

struct Slashed {
  std::string_view pattern;
  bool any_case = false;
};

/// What stands between slashes; nothing when the value is no regex.
std::optional<Slashed> slashed(std::string_view value) {
  if (value.size() >= 2 && value.starts_with('/') && value.ends_with('/')) {
    return Slashed{value.substr(1, value.size() - 2), false};
  }
  if (value.size() >= 3 && value.starts_with('/') && value.ends_with("/i")) {
    return Slashed{value.substr(1, value.size() - 3), true};
  }
  return std::nullopt;
}

std::vector<std::string> split_at_bars(std::string_view value) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t bar = value.find('|');
    if (const std::string_view part = value.substr(0, bar); !part.empty()) parts.emplace_back(part);
    if (bar == std::string_view::npos) return parts;
    value.remove_prefix(bar + 1);
  }
}

}  // namespace

Result<RuleExpression> RuleExpression::parse(std::string_view text, Bars bars) {
  if (text.size() > limits::rule_bytes) {
    return wrong(text, "longer than " + std::to_string(limits::rule_bytes) + " bytes");
  }
  const std::size_t operator_at = std::min(text.find("=="), text.find("!="));
  if (operator_at == std::string_view::npos)
    return wrong(text, "expected KEY==VALUE or KEY!=VALUE");
  RuleExpression rule;
  rule.text_ = text;
  rule.key_ = text.substr(0, operator_at);
  rule.negative_ = text[operator_at] == '!';
  std::string_view value = text.substr(operator_at + 2);
  rule.soft_ = value.starts_with('~');
  while (value.starts_with('~')) value.remove_prefix(1);
  rule.value_ = value;
  if (!is_key(rule.key_)) {
    return wrong(text, "expected a key of letters, digits, and -_./ before " +
                           std::string(text.substr(operator_at, 2)));
  }
  if (value.empty()) {
    return wrong(text, "expected a value after " + std::string(text.substr(operator_at, 2)));
  }
  if (const auto regex = slashed(value)) {
    try {
      const auto flags =
          regex->any_case ? boost::regex::perl | boost::regex::icase : boost::regex::perl;
      rule.regex_ = std::make_shared<const Regex>(
          Regex{boost::regex(regex->pattern.begin(), regex->pattern.end(), flags)});
    } catch (const std::exception& refused) {
      return wrong(text, std::string("expected a regular expression between the slashes: ") +
                             refused.what());
    }
    return rule;
  }
  if (bars == Bars::alternatives) {
    rule.globs_ = split_at_bars(value);
    if (rule.globs_.empty()) return wrong(text, "expected names between the bars");
  } else {
    rule.globs_.emplace_back(value);
  }
  return rule;
}

RuleExpression::Fit RuleExpression::fit(std::string_view subject) const {
  if (!regex_) {
    const bool fits = std::any_of(globs_.begin(), globs_.end(), [&](const std::string& glob) {
      return glob_fits(glob, subject);
    });
    return fits ? Fit::yes : Fit::no;
  }
  if (subject.size() > limits::rule_subject_bytes) return Fit::no;
  try {
    // As in Go: ^ and $ are the ends of the subject, and a dot is no line end.
    const auto flags = boost::match_single_line | boost::match_not_dot_newline;
    const bool found = boost::regex_search(subject.begin(), subject.end(), regex_->compiled, flags);
    return found ? Fit::yes : Fit::no;
  } catch (const std::exception&) {  // Too many steps.
    return Fit::unknown;
  }
}

bool RuleExpression::matches(std::string_view subject) const {
  return fit(subject) == Fit::yes;
}

bool RuleExpression::met_by(std::span<const std::string_view> subjects) const {
  for (const std::string_view subject : subjects) {
    const Fit fits = fit(subject);
    // An expression that gave up once would do so for thousands of containers.
    if (fits == Fit::unknown) return false;
    if (fits == Fit::yes) return !negative_;
  }
  return negative_;
}

}  // namespace dockherd::engine_api
