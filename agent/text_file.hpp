// Reading the small files that people write: configuration and templates. The only place of the
// agent that opens them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

/// The whole of `file`. Fails with not_found (with the system's reason), too_large, or bad_request
/// when it cannot be read; the message begins with the file's name.
Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t limit_bytes);

/// `text` as JSON with `//` and `/* */` comments allowed, within limits::json_depth even where a
/// comment contains quotes or brackets, and no key twice in one object. Errors begin with `name`,
/// and give line and column where the syntax is at fault.
Result<json> parse_commented_json(std::string_view text, const std::string& name);

/// `text` with every comment outside strings replaced by as many spaces; line breaks stay, so that
/// positions in messages are those of the file.
std::string blank_comments(std::string_view text);

}  // namespace dockherd::agent
