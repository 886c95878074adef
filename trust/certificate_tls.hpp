// TLS by certificates: the clients' listener, and the way to a Docker daemon on TCP. Reads files;
// opens no socket.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "trust/ssl_context.hpp"

namespace dockherd::trust {

/// PEM files, as conf.json names them; an empty path is none.
struct CertificateFiles {
  std::filesystem::path certificate;  ///< With the chain below it, ours first.
  std::filesystem::path key;
  std::filesystem::path authority;  ///< By which the other side's certificate is judged.

  bool operator==(const CertificateFiles&) const = default;
};

/// For the clients' listener ("tls" in conf.json): TLS 1.3 or 1.2. With an authority ("client_ca")
/// a client without a certificate by it is refused. Fails with bad_config and names file and fault;
/// what works but should be looked at is appended to `notes`.
Result<SslContext> listener_context(const CertificateFiles& files, std::vector<std::string>& notes);

/// For the daemon on TCP ("dockerTls"): its certificate must be by the authority, or by one that
/// the system trusts when none is given. With a certificate and key of our own, if the daemon asks.
Result<SslContext> daemon_context(const CertificateFiles& files);

}  // namespace dockherd::trust
