#include "trust/herd_tls.hpp"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <cstring>
#include <memory>
#include <string>

namespace dockherd::trust {

namespace {

/// TLS_AES_128_GCM_SHA256. Both sides must know the hash that goes with a pre-shared key before
/// they speak, so there is one suite only.
constexpr unsigned char suite[] = {0x13, 0x01};
constexpr const char* suite_name = "TLS_AES_128_GCM_SHA256";

/// One key as TLS has it.
struct SharedSecret {
  explicit SharedSecret(const HerdKey& key) : identity(key.id()), secret(key.derive("http")) {}
  ~SharedSecret() { OPENSSL_cleanse(secret.data(), secret.size()); }
  SharedSecret(const SharedSecret&) = default;
  SharedSecret& operator=(const SharedSecret&) = delete;

  std::string identity;
  Secret secret;
};
using SharedSecrets = std::vector<SharedSecret>;

void forget_secrets(void*, void* secrets, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<SharedSecrets*>(secrets);
}

/// Where a context keeps its secrets; they go with it.
int place() {
  static const int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr,
                                                   nullptr, forget_secrets);
  return index;
}

const SharedSecrets& secrets_of(SSL* ssl) {
  return *static_cast<SharedSecrets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place()));
}

/// The session that TLS takes a pre-shared key for; null when out of memory.
SSL_SESSION* session_of(SSL* ssl, const SharedSecret& shared) {
  SSL_SESSION* session = SSL_SESSION_new();
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, suite);
  const bool made =
      session != nullptr && cipher != nullptr &&
      SSL_SESSION_set1_master_key(session, shared.secret.data(), shared.secret.size()) == 1 &&
      SSL_SESSION_set_cipher(session, cipher) == 1 &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
  if (made) return session;
  SSL_SESSION_free(session);
  return nullptr;
}

int find_secret(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
  *session = nullptr;
  const std::string_view wanted(reinterpret_cast<const char*>(identity), size);
  for (const SharedSecret& shared : secrets_of(ssl)) {
    if (shared.identity != wanted) continue;
    *session = session_of(ssl, shared);
    return *session == nullptr ? 0 : 1;
  }
  return 1;  // Goes on without, and fails, for there is no certificate.
}

int show_secret(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* size,
                SSL_SESSION** session) {
  const SharedSecret& own = secrets_of(ssl).front();
  *identity = reinterpret_cast<const unsigned char*>(own.identity.data());
  *size = own.identity.size();
  *session = session_of(ssl, own);
  return *session == nullptr ? 0 : 1;
}

SslContext new_context(const SSL_METHOD* method, const HerdKeys& keys) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context.get(), suite_name);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  auto secrets = std::make_unique<SharedSecrets>();
  for (const HerdKey& key : keys) secrets->emplace_back(key);
  if (SSL_CTX_set_ex_data(context.get(), place(), secrets.get()) == 1) {
    static_cast<void>(secrets.release());  // They are the context's now.
  }
  return context;
}

}  // namespace

SslContext agents_listener_context(const HerdKeys& keys) {
  SslContext context = new_context(TLS_server_method(), keys);
  SSL_CTX_set_psk_find_session_callback(context.get(), find_secret);
  return context;
}

SslContext agent_client_context(const HerdKey& key) {
  SslContext context = new_context(TLS_client_method(), {key});
  SSL_CTX_set_psk_use_session_callback(context.get(), show_secret);
  // By nobody: so no certificate is good enough.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace dockherd::trust
