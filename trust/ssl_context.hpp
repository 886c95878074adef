// What connections by TLS are made from. Must not know who listens or dials.
#pragma once

#include <openssl/types.h>

#include <memory>

namespace dockherd::trust {

/// Settings, certificates and keys of many connections; immutable once made, so that a connection
/// keeps the one that it began with.
using SslContext = std::shared_ptr<SSL_CTX>;

}  // namespace dockherd::trust
