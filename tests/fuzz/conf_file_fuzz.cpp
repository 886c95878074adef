// Any text as conf.json: an error or a value, and what is accepted can be merged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/resolve_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd::agent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto conf = parse_conf_file(text, "conf.json");
  if (!conf) {
    if (conf.error().message.rfind("conf.json: ", 0) != 0) std::abort();
    return 0;
  }
  const auto config = merge_config({}, *conf, {}, {"", "host"});
  // Nothing that a file says leads beyond loopback without "insecure" or who is asked for a
  // certificate.
  if (!config || config->insecure || (config->tls && !config->tls->authority.empty())) return 0;
  if (!is_loopback(config->http.host)) std::abort();
  return 0;
}
