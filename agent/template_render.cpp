#include "agent/template_render.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t env_items_limit = 4'096;
constexpr std::size_t cmd_items_limit = 4'096;

/// The body's member of that name, made if it is not there: "env" in a template must not end up
/// beside our "Env".
json& member(json& body, std::string_view name) {
  const json* found = find_member(body, name);
  return found != nullptr ? const_cast<json&>(*found) : body[std::string(name)];
}

std::string_view env_key(std::string_view item) {
  return item.substr(0, item.find('='));
}

Error wrong_part(std::string_view name, std::string_view expected, const json& value) {
  return Error(errc::bad_request, std::string(name) + " of the body must be " +
                                      std::string(expected) + ", got " + describe_type(value))
      .at_field(std::string(name));
}

Result<void> merge_env(json& body, const std::vector<std::string>& overrides) {
  if (overrides.empty()) return {};
  json& env = member(body, "Env");
  if (env.is_null()) env = json::array();
  if (!env.is_array()) return wrong_part("Env", "a list of strings", env);
  for (const json& item : env) {
    if (!item.is_string()) return wrong_part("Env", "a list of strings", item);
  }
  for (const std::string& item : overrides) {
    const auto same_key = std::find_if(env.begin(), env.end(), [&](const json& existing) {
      return env_key(existing.get_ref<const std::string&>()) == env_key(item);
    });
    if (same_key != env.end()) {
      *same_key = item;
    } else {
      env.push_back(item);
    }
  }
  return {};
}

/// Labels stay in the body as they are, whatever their values, except where overridden.
Result<json*> labels_to_fill(json& body) {
  json& labels = member(body, "Labels");
  if (labels.is_null()) labels = json::object();
  if (!labels.is_object()) return wrong_part("Labels", "an object of strings", labels);
  return &labels;
}

void expand_values(json& value, const TemplateVariables& variables) {
  if (value.is_string()) {
    auto& text = value.get_ref<std::string&>();
    if (text.find('{') != std::string::npos) text = expand(text, variables);
  } else if (value.is_structured()) {
    for (json& item : value) expand_values(item, variables);
  }
}

/// Calls `replace(name)` for each placeholder-like "{name}" that is not within doubled braces; it
/// returns true when it has appended a replacement.
template <typename Replace>
std::string replace_placeholders(std::string_view text, Replace replace) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find('{', at);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find_first_of("{}", open + 1);
    if (close == std::string_view::npos) break;
    const bool doubled =
        open > 0 && text[open - 1] == '{' && close + 1 < text.size() && text[close + 1] == '}';
    out.append(text.substr(at, open - at));
    if (text[close] == '}' && !doubled && replace(text.substr(open + 1, close - open - 1), out)) {
      at = close + 1;
    } else {
      out.push_back('{');
      at = open + 1;
    }
  }
  out.append(text.substr(at));
  return out;
}

Result<void> read_env(const JsonReader& request, TemplateOverrides& overrides) {
  auto env = request.strings("env", env_items_limit);
  if (!env) return env.error();
  if (!*env) return {};
  for (const std::string& item : **env) {
    if (env_key(item).empty()) {
      return Error(errc::bad_request,
                   "env must be a list of \"KEY=VALUE\", got " + quote_json(item))
          .at_field("env");
    }
  }
  overrides.env = std::move(**env);
  return {};
}

Result<void> read_cmd(const JsonReader& request, TemplateOverrides& overrides) {
  const json* cmd = request.any("cmd");
  if (cmd == nullptr) return {};
  if (cmd->is_string()) {
    overrides.cmd = std::vector<std::string>{"/bin/sh", "-c", cmd->get<std::string>()};
    return {};
  }
  if (!cmd->is_array()) return request.wrong("cmd", "a list of strings or a string");
  auto list = request.strings("cmd", cmd_items_limit);
  if (!list) return list.error();
  overrides.cmd = std::move(*list);
  return {};
}

Result<void> read_labels(const JsonReader& request, TemplateOverrides& overrides) {
  auto labels = request.object("labels");
  if (!labels) return labels.error();
  if (*labels == nullptr) return {};
  for (const auto& [key, value] : (*labels)->items()) {
    if (!value.is_string()) {
      const std::string name = "labels." + key;
      return Error(errc::bad_request, name + " must be a string, got " + describe_type(value))
          .at_field(name);
    }
    overrides.labels[key] = value.get<std::string>();
  }
  return {};
}

Result<void> read_image(const JsonReader& request, TemplateOverrides& overrides) {
  auto image = request.string("image");
  if (!image) return image.error();
  if (*image && (*image)->empty()) {
    return Error(errc::bad_request, "image must be the name of an image, got an empty string")
        .at_field("image");
  }
  overrides.image = std::move(*image);
  return {};
}

}  // namespace

Result<TemplateOverrides> read_overrides(const JsonReader& request) {
  TemplateOverrides overrides;
  if (auto read = read_image(request, overrides); !read) return read.error();
  if (auto read = read_env(request, overrides); !read) return read.error();
  if (auto read = read_cmd(request, overrides); !read) return read.error();
  if (auto read = read_labels(request, overrides); !read) return read.error();
  auto name = request.string("name");
  if (!name) return name.error();
  if (*name && (*name)->empty()) {
    return Error(errc::bad_request, "name must be a container's name, got an empty string")
        .at_field("name");
  }
  overrides.name = name->value_or("");
  return overrides;
}

std::string expand(std::string_view text, const TemplateVariables& variables) {
  return replace_placeholders(text, [&](std::string_view name, std::string& out) {
    if (name == "n") {
      out += std::to_string(variables.n);
    } else if (name == "hostname") {
      out += variables.hostname;
    } else if (name == "template") {
      out += variables.template_name;
    } else {
      return false;
    }
    return true;
  });
}

bool uses_number(std::string_view text) {
  bool used = false;
  replace_placeholders(text, [&](std::string_view name, std::string&) {
    used = used || name == "n";
    return false;
  });
  return used;
}

Result<json> render_template(json body, const TemplateOverrides& overrides,
                             const TemplateVariables& variables, BodyPlaceholders placeholders) {
  if (body.is_null()) body = json::object();
  if (!body.is_object()) {
    return Error(errc::bad_request, "body must be an object, got " + describe_type(body))
        .at_field("body");
  }
  if (overrides.image) member(body, "Image") = *overrides.image;
  if (overrides.cmd) member(body, "Cmd") = *overrides.cmd;
  std::vector<std::string> env;
  for (const std::string& entry : overrides.env) env.push_back(expand(entry, variables));
  if (auto merged = merge_env(body, env); !merged) return merged.error();
  if (!overrides.labels.empty()) {
    auto labels = labels_to_fill(body);
    if (!labels) return labels.error();
    for (const auto& [key, value] : overrides.labels) (**labels)[key] = expand(value, variables);
  }
  if (placeholders == BodyPlaceholders::expanded) expand_values(body, variables);
  if (variables.template_name.empty() && variables.bulk.empty()) return body;
  auto labels = labels_to_fill(body);
  if (!labels) return labels.error();
  if (!variables.template_name.empty()) {
    (**labels)[std::string(label_template)] = variables.template_name;
  }
  if (!variables.bulk.empty()) (**labels)[std::string(label_bulk)] = variables.bulk;
  return body;
}

bool is_container_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.size() < 2 || name.size() > 255 || !letter_or_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letter_or_digit(c) || c == '_' || c == '.' || c == '-';
  });
}

Result<std::string> render_name(const TemplateOverrides& overrides,
                                const TemplateVariables& variables) {
  if (overrides.name.empty()) return std::string();
  std::string name = expand(overrides.name, variables);
  // Docker takes a leading slash, as its own listings show names with one.
  if (name.front() == '/') name.erase(0, 1);
  if (!is_container_name(name)) {
    return Error(errc::bad_request,
                 "name must be a letter or digit, then letters, digits or \"_.-\", 2 to 255 bytes, "
                 "got " +
                     quote_json(name))
        .at_field("name");
  }
  return name;
}

}  // namespace dockherd::agent
