// From a template and a request's overrides to one container's create body. Pure: no file, no
// Docker.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

inline constexpr std::string_view label_template = "dockherd.template";
inline constexpr std::string_view label_bulk = "dockherd.bulk";

/// What a create request may override, whether it names a template, an image or a body.
struct TemplateOverrides {
  std::optional<std::string> image;
  std::vector<std::string> env;  ///< "KEY=VALUE" (or "KEY", which unsets), merged by key.
  std::optional<std::vector<std::string>> cmd;
  std::map<std::string, std::string> labels;  ///< Merged over the template's.
  std::string name;  ///< The container's name, perhaps with placeholders; empty: Docker chooses.
};

/// The values of one container's placeholders.
struct TemplateVariables {
  std::uint32_t n = 0;        ///< {n}: which of the bulk, from 1.
  std::string hostname;       ///< {hostname}: of the node that creates it.
  std::string template_name;  ///< {template}; empty without a template.
  std::string bulk;           ///< For the label dockherd.bulk; empty: no such label.
};

/// The fields `image`, `env`, `cmd`, `labels` and `name` of a verb request; errors name the field.
/// `cmd` is a list, or a string that is run by "/bin/sh -c". Other fields are not looked at.
Result<TemplateOverrides> read_overrides(const JsonReader& request);

/// `text` with {n}, {hostname} and {template} replaced. Doubled braces, as in Go templates
/// ("{{.Name}}", even "{{n}}"), and everything else stay as they are.
std::string expand(std::string_view text, const TemplateVariables& variables);

/// True when expand() gives different text for different `n`.
bool uses_number(std::string_view text);

/// Whether placeholders in a body are replaced: in a template they are, a body that a user gave is
/// passed as it is.
enum class BodyPlaceholders { expanded, kept };

/// The create body of one container: overrides merged in, placeholders replaced in every string
/// value of the overrides' env and labels and, if so wanted, of the body (not in keys), our labels
/// added. Fails with bad_request when a part of `body` that is to
/// be merged has the wrong type; the error's field names it ("Labels").
Result<json> render_template(json body, const TemplateOverrides& overrides,
                             const TemplateVariables& variables,
                             BodyPlaceholders placeholders = BodyPlaceholders::expanded);

/// Docker's rule for names, [a-zA-Z0-9][a-zA-Z0-9_.-]+, and at most 255 bytes.
bool is_container_name(std::string_view name);

/// The container's name from the pattern in `overrides`, or an empty one when there is none. Fails
/// with bad_request, field "name", when the result is not a name that Docker takes.
Result<std::string> render_name(const TemplateOverrides& overrides,
                                const TemplateVariables& variables);

}  // namespace dockherd::agent
