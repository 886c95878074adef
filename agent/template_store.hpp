// Container templates: DIRECTORY/NAME.json, Docker's create body. Read at use, so that a new or
// changed file works at once. Must not know what a template is used for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

/// True for a file name without a path: [A-Za-z0-9][A-Za-z0-9._-]{0,127}.
bool is_template_name(std::string_view name);

/// Purpose: finds and parses templates. Keeps nothing between calls, may be copied.
class TemplateStore {
 public:
  explicit TemplateStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// The body in DIRECTORY/NAME.json, an object. Comments are allowed in it. Fails with
  /// bad_request (not a name, broken, too large, not an object) or not_found (listing what there
  /// is); the error's field is "template".
  Result<json> load(std::string_view name) const;

  /// The names of all templates, sorted; none when the directory cannot be read.
  std::vector<std::string> names() const;

  /// DIRECTORY/NAME.json, there or not.
  std::filesystem::path file_of(std::string_view name) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace dockherd::agent
