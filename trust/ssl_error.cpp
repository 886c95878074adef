#include "trust/ssl_error.hpp"

#include <openssl/err.h>

namespace dockherd::trust {

std::string take_ssl_error() {
  // The first is the cause; the others are what it led to.
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace dockherd::trust
