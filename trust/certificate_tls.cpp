#include "trust/certificate_tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "trust/ssl_error.hpp"

namespace dockherd::trust {

namespace {

/// Names of files as conf.json has them, for messages.
struct KeyNames {
  std::string_view certificate;
  std::string_view key;
  std::string_view authority;
};
constexpr KeyNames listener_names{"tls.cert", "tls.key", "tls.client_ca"};
constexpr KeyNames daemon_names{"dockerTls.cert", "dockerTls.key", "dockerTls.ca"};

/// Forward secret and authenticated; of TLS 1.2, which older clients speak. (TLS 1.3 has no
/// others.)
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// RFC 7301: what is spoken inside, by which a client that could speak HTTP/2 knows not to.
constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Error unusable(std::string_view key, const std::filesystem::path& file, const std::string& why) {
  return Error(errc::bad_config, std::string(key) + ": " + file.string() + " " + why)
      .at_field(std::string(key));
}

Result<void> check_readable(std::string_view key, const std::filesystem::path& file) {
  if (file.empty()) {
    return Error(errc::bad_config, std::string(key) + " is missing: the path of a PEM file")
        .at_field(std::string(key));
  }
  if (::access(file.c_str(), R_OK) == 0) return {};
  return unusable(key, file, "cannot be read: " + std::generic_category().message(errno));
}

Result<void> use_certificate(SSL_CTX* context, const CertificateFiles& files,
                             const KeyNames& names) {
  if (auto read = check_readable(names.certificate, files.certificate); !read) return read;
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) == 1) return {};
  return unusable(names.certificate, files.certificate,
                  "is not a certificate in PEM form (" + take_ssl_error() + ")");
}

Result<void> use_key(SSL_CTX* context, const CertificateFiles& files, const KeyNames& names) {
  if (auto read = check_readable(names.key, files.key); !read) return read;
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1) return {};
  const unsigned long fault = ERR_peek_last_error();
  const bool of_another =
      ERR_GET_LIB(fault) == ERR_LIB_X509 && ERR_GET_REASON(fault) == X509_R_KEY_VALUES_MISMATCH;
  const std::string why = take_ssl_error();
  if (of_another) {
    return unusable(names.key, files.key,
                    "does not belong to the certificate " + files.certificate.string());
  }
  return unusable(names.key, files.key,
                  "is not a private key in PEM form without a password (" + why + ")");
}

Result<void> trust_authority(SSL_CTX* context, const CertificateFiles& files,
                             const KeyNames& names) {
  if (auto read = check_readable(names.authority, files.authority); !read) return read;
  if (SSL_CTX_load_verify_file(context, files.authority.c_str()) == 1) return {};
  return unusable(names.authority, files.authority,
                  "holds no certificates in PEM form (" + take_ssl_error() + ")");
}

void note_weaknesses(SSL_CTX* context, const CertificateFiles& files, const KeyNames& names,
                     std::vector<std::string>& notes) {
  struct stat found {};
  if (::stat(files.key.c_str(), &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    notes.push_back(std::string(names.key) + ": " + files.key.string() +
                    " may be read by others than its owner: chmod 600 is advised");
  }
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    notes.push_back(std::string(names.certificate) + ": " + files.certificate.string() +
                    " has expired; clients will refuse it");
  }
}

int choose_http_1_1(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, http_1_1, sizeof http_1_1, offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/// OpenSSL would ask at the terminal.
int no_password(char*, int, int, void*) {
  return 0;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), ciphers);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context.get(), no_password);
  return context;
}

}  // namespace

Result<SslContext> listener_context(const CertificateFiles& files,
                                    std::vector<std::string>& notes) {
  SslContext context = new_context(TLS_server_method());
  // No session is resumed: one that was begun under another client_ca must not outlive it.
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http_1_1, nullptr);
  if (auto used = use_certificate(context.get(), files, listener_names); !used) {
    return used.error();
  }
  if (auto used = use_key(context.get(), files, listener_names); !used) return used.error();
  if (!files.authority.empty()) {
    if (auto used = trust_authority(context.get(), files, listener_names); !used) {
      return used.error();
    }
    // Tells a client that has several certificates which one to show.
    SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(files.authority.c_str()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  note_weaknesses(context.get(), files, listener_names, notes);
  return context;
}

Result<SslContext> daemon_context(const CertificateFiles& files) {
  SslContext context = new_context(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (files.authority.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (auto used = trust_authority(context.get(), files, daemon_names); !used) {
    return used.error();
  }
  if (files.certificate.empty() && files.key.empty()) return context;
  if (auto used = use_certificate(context.get(), files, daemon_names); !used) return used.error();
  if (auto used = use_key(context.get(), files, daemon_names); !used) return used.error();
  return context;
}

}  // namespace dockherd::trust
