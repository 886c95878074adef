// Two documents, divided by a zero byte: a template and a create request that overrides it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/template_render.hpp"
#include "agent/text_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  using namespace dockherd::agent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto divider = text.find('\0');
  const auto body = parse_commented_json(text.substr(0, divider), "template");
  TemplateOverrides overrides;
  if (divider != std::string_view::npos) {
    const auto request = parse_json(text.substr(divider + 1));
    if (!request) return 0;
    const auto reader = JsonReader::of(*request);
    if (!reader) return 0;
    const auto read = read_overrides(*reader);
    if (!read) return 0;
    overrides = *read;
  }
  TemplateVariables variables;
  variables.n = 7;
  variables.hostname = "host";
  variables.template_name = "web";
  variables.bulk = "b";
  const auto name = render_name(overrides, variables);
  if (name && !name->empty() && !is_container_name(*name)) std::abort();
  if (!body) return 0;
  const auto rendered = render_template(*body, overrides, variables);
  if (rendered) dump_json(*rendered);
  return 0;
}
