#include "agent/text_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace dockherd::agent {

namespace {

/// The position after the comment that begins at `at` ("//" or "/*"). A block comment that never
/// ends reaches to the end of the text; the parser then finds the document incomplete.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  if (text[at + 1] == '/') {
    const std::size_t end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end;
  }
  const std::size_t end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

/// The position after the string that opens at `at`, or the end of the text.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace

Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t limit_bytes) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    const std::error_code reason(errno == 0 ? ENOENT : errno, std::generic_category());
    return Error(errc::not_found, file.string() + ": cannot be opened: " + reason.message());
  }
  // One byte more than the limit shows that there is more; a file without an end is no trap.
  std::string text;
  std::string chunk(64u << 10, '\0');
  while (text.size() <= limit_bytes && in) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return Error(errc::bad_request, file.string() + ": cannot be read");
  if (text.size() > limit_bytes) {
    return Error(errc::too_large,
                 file.string() + ": is larger than " + std::to_string(limit_bytes) + " bytes");
  }
  return text;
}

std::string blank_comments(std::string_view text) {
  std::string blanked(text);
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
    } else if (text[at] == '/' && at + 1 < text.size() &&
               (text[at + 1] == '/' || text[at + 1] == '*')) {
      const std::size_t end = end_of_comment(text, at);
      for (; at < end; ++at) {
        if (text[at] != '\n') blanked[at] = ' ';
      }
    } else {
      ++at;
    }
  }
  return blanked;
}

Result<json> parse_commented_json(std::string_view text, const std::string& name) {
  auto document = parse_json_strictly(blank_comments(text));
  if (!document) {
    const Error error = document.error();
    return Error(error.code, name + ": " + error.message).at_field(error.field);
  }
  return document;
}

}  // namespace dockherd::agent
