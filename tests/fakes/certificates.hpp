// Certificates for tests, made in a moment: an authority and what it signs, as PEM files in a
// directory of its own that goes with it.
#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "trust/certificate_tls.hpp"

namespace dockherd::fakes {

class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  /// The authority's own certificate.
  std::filesystem::path file() const { return directory_ / "authority.pem"; }
  const std::filesystem::path& directory() const { return directory_; }

  enum class Validity { good, expired };
  /// A certificate and key for 127.0.0.1 and localhost, of that common name. The authority is left
  /// out of what is returned.
  trust::CertificateFiles issue(const std::string& name, Validity validity = Validity::good) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const;
    void operator()(X509* certificate) const;
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Key new_key();
  static Certificate new_certificate(const std::string& name, EVP_PKEY* key, Validity validity);
  static void add(X509* certificate, int kind, const char* value);

  std::filesystem::path directory_;
  Key key_;
  Certificate certificate_;
};

}  // namespace dockherd::fakes
