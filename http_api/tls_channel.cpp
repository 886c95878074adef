#include "http_api/tls_channel.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <new>

#include "trust/ssl_error.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t record_bytes = 16u << 10;  // RFC 8446, 5.1.

/// RFC 9525: a name is looked for among the certificate's names, an address among its addresses.
void expect_host(SSL* ssl, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return;
  SSL_set1_host(ssl, host.c_str());
  SSL_set_tlsext_host_name(ssl, host.c_str());
}

/// Empty when there is none, or several, or one with what no name has.
std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  const bool strange = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return strange ? std::string() : name;
}

}  // namespace

void TlsChannel::Free::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

TlsChannel::TlsChannel(trust::SslContext context, Side side, const std::string& host)
    : context_(std::move(context)), ssl_(SSL_new(context_.get())) {
  if (!ssl_) throw std::bad_alloc();
  BIO* bio = new_bio(buffers_);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (side == Side::server) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  if (!host.empty()) expect_host(ssl_.get(), host);
}

TlsChannel::~TlsChannel() = default;

void TlsChannel::feed(std::string_view ciphertext) {
  if (first_byte_ == 0 && !ciphertext.empty()) first_byte_ = ciphertext.front();
  buffers_.in.append(ciphertext);
}

TlsChannel::Progress TlsChannel::handshake() {
  if (failed()) return Progress::failed;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    learn_peer();
    return Progress::done;
  }
  judge(result);
  return failed() ? Progress::failed : Progress::needs_input;
}

std::size_t TlsChannel::read(char* into, std::size_t room) {
  if (failed() || heard_end_) return 0;
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), into, room, &count);
  if (result == 1) return count;
  judge(result);
  return 0;
}

bool TlsChannel::write(std::string_view first, std::string_view second) {
  if (!first.empty() && !second.empty() && first.size() + second.size() <= record_bytes) {
    pieces_.assign(first).append(second);
    first = pieces_;
    second = {};
  }
  for (const std::string_view piece : {first, second}) {
    if (failed() || ended_) return false;
    if (piece.empty()) continue;
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &count);
    if (result == 1) continue;
    judge(result);
    return false;
  }
  return !failed() && !ended_;
}

void TlsChannel::end() {
  if (failed() || ended_ || SSL_is_init_finished(ssl_.get()) != 1) return;
  ended_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

bool TlsChannel::holds_input() const {
  return buffers_.in.size() > 0 || SSL_has_pending(ssl_.get()) == 1;
}

void TlsChannel::judge(int result) {
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ) return;
  if (why == SSL_ERROR_ZERO_RETURN) {
    heard_end_ = true;
    return;
  }
  const long verdict = SSL_get_verify_result(ssl_.get());
  const bool disbelieved = verdict != X509_V_OK && SSL_is_init_finished(ssl_.get()) != 1;
  failure_ = trust::take_ssl_error();
  if (disbelieved) {
    failure_ = std::string("certificate verify failed: ") + X509_verify_cert_error_string(verdict);
  }
}

void TlsChannel::learn_peer() {
  if (SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_NONE) return;
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return;
  peer_name_ = common_name(certificate);
}

}  // namespace dockherd::http_api
