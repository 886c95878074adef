// Words for people. No JSON, no I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dockherd {

/// "one of a, b, c", followed by " (did you mean "b"?)" when one of them is within two edits of
/// `word`.
std::string suggest(std::string_view word, const std::vector<std::string_view>& known);

/// "a, b, c".
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

/// At most `longest` bytes of it, then "..." when there were more: so that no message repeats a
/// whole document. May cut a UTF-8 character; dump_json() copes.
std::string shortened(std::string_view text, std::size_t longest);

/// Whether it has digits, and only such of Docker's ids: 0 to 9 and a to f.
bool is_hex(std::string_view text);

}  // namespace dockherd
