// Keeps web pages of others from driving the herd through a visitor's browser. Pure.
#pragma once

#include <string_view>

namespace dockherd::http_api {

/// Whether a request with these headers (empty when absent) may run. A program sends no Origin and
/// always may. A browser sends it with every POST (Fetch standard, 3.1): it must then name this
/// very host, and by an address or "localhost", because any other name can be made to resolve to a
/// loopback address by whoever owns it. Content type cannot serve as the guard: verbs are taken
/// with any.
bool is_trusted_origin(std::string_view origin, std::string_view host);

}  // namespace dockherd::http_api
