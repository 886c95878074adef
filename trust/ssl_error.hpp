// OpenSSL's errors as text for people.
#pragma once

#include <string>

namespace dockherd::trust {

/// What OpenSSL's last failed call on this thread says ("certificate verify failed"), and forgets
/// it; "unknown error" when it says nothing.
std::string take_ssl_error();

}  // namespace dockherd::trust
