// Judges of single members that several policies share. Pure.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "trust/members.hpp"

namespace dockherd::trust {

/// May be there, but say nothing: false, 0, "", [] or {}. `permitted_by`: what would permit more.
Judge nothing(const std::string& permitted_by = "");

/// Harmless when the user has that flag; else it must say nothing.
Judge with_flag(bool allowed, const std::string& key);

/// A text that is one of these.
Judge one_of(std::vector<std::string> texts);

/// A list whose elements are judged one by one.
Judge each(Judge judge);

/// An object of labels whose keys and values have at most most_label_bytes together: a daemon tells
/// all labels of a container with each of its events, and agents read those.
inline constexpr std::size_t most_label_bytes = 64u << 10;
Result<void> judge_labels(const std::string& place, const json& value);

/// Members that do no harm, whatever they are.
std::vector<Member> harmless(std::initializer_list<std::string_view> names);

/// The text that the value is; empty for any other type.
std::string text_in(const json& value);

/// What would permit it: the value in that list of the user's "allow".
std::string needs(std::string_view key, std::string_view value);

}  // namespace dockherd::trust
