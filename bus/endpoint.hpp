// Addresses of mailboxes as text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dockherd::bus {

/// True for "tcp://A.B.C.D:PORT" with a unicast address and a port of 1 to 65535: what we may be
/// asked to connect to. Host names are refused, since resolving one would block.
bool is_usable_endpoint(std::string_view endpoint);

/// "tcp://NAME:PORT" with `address` for the name; empty when that is no usable endpoint or there
/// was no name in it. Zyre in gossip mode says its host's name unless told otherwise.
std::string with_address(std::string_view endpoint, std::string_view address);

}  // namespace dockherd::bus
