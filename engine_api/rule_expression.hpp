// One expression of Classic Swarm's placement rules: "node==h2", "storage!=ssd", "image==~redis*".
// Must not know what its key stands for.
//
//   KEY==VALUE  one of the subjects fits       VALUE  text in which * stands for anything, or
//   KEY!=VALUE  none of the subjects fits             /REGEX/, found anywhere in the subject;
//                                                     /REGEX/i and /(?i)REGEX/ take any case
// A ~ before the value makes the rule soft: kept where it can be, dropped where it cannot.
//
// Two things differ from Classic Swarm, which made a regex of every value: a dot or question mark
// outside of slashes stands for itself, and so does whatever else its list of letters refused.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace dockherd::engine_api {

class RuleExpression {
 public:
  /// How a value with bars is read: "a|b" as text, or as a or b (whitelists).
  enum class Bars { text, alternatives };

  /// Fails with bad_request; the message names the expression and what was expected.
  static Result<RuleExpression> parse(std::string_view text, Bars bars = Bars::text);

  const std::string& text() const { return text_; }  ///< As written.
  const std::string& key() const { return key_; }
  /// Without the ~.
  const std::string& value() const { return value_; }
  bool is_soft() const { return soft_; }
  bool is_negative() const { return negative_; }  ///< "!=".
  /// The value stands for itself only: it has neither * nor slashes around it.
  bool is_literal() const { return !regex_ && value_.find('*') == std::string::npos; }
  bool is_regex() const { return regex_ != nullptr; }

  /// Whether the value fits this subject; the operator is not looked at. A subject longer than
  /// limits::rule_subject_bytes fits no regex.
  bool matches(std::string_view subject) const;

  /// Whether the rule holds for something that has these subjects (names, or values of a label).
  /// Of none, "!=" holds and "==" does not. A regex that takes too many steps holds for nothing.
  bool met_by(std::span<const std::string_view> subjects) const;

 private:
  struct Regex;
  enum class Fit { yes, no, unknown };

  RuleExpression() = default;
  Fit fit(std::string_view subject) const;

  std::string text_;
  std::string key_;
  std::string value_;
  std::vector<std::string> globs_;  ///< One, or the alternatives. None for a regex.
  std::shared_ptr<const Regex> regex_;
  bool negative_ = false;
  bool soft_ = false;
};

}  // namespace dockherd::engine_api
