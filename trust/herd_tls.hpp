// TLS between agents: no certificates, but a secret that both derive from the herd's key (RFC 8446,
// 2.2: an external pre-shared key, with (EC)DHE, so that a key that gets known later does not open
// what was recorded). Reads no file and opens no socket.
#pragma once

#include "trust/herd_key.hpp"
#include "trust/ssl_context.hpp"

namespace dockherd::trust {

/// Takes whoever has one of `keys`, which are at least one.
SslContext agents_listener_context(const HerdKeys& keys);

/// Proves to have `key`, and that the listener has it too: one that shows a certificate instead is
/// refused. Name and address of the listener are not looked at, for all of a herd have the key.
SslContext agent_client_context(const HerdKey& key);

}  // namespace dockherd::trust
