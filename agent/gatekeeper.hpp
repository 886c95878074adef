// Who a caller is (port http_api/authenticator): by his token, by his certificate, or by the word
// of another agent.
#pragma once

#include "http_api/authenticator.hpp"
#include "trust/user_book.hpp"

namespace dockherd::agent {

/// Owned by the agent; the users outlive it. One thread only.
class Gatekeeper final : public http_api::Authenticator {
 public:
  /// `asks_certificates`: clients show certificates that have been verified. Where there is no
  /// users file, each of them is an admin's, as with dockerd --tlsverify.
  Gatekeeper(const trust::UserBook& users, bool asks_certificates)
      : users_(users), asks_certificates_(asks_certificates) {}

  Result<http_api::Caller> authenticate(const http_api::Credentials& credentials) override;

 private:
  Result<trust::Principal> agents_word(const http_api::Credentials& credentials) const;
  Result<trust::Principal> user(const http_api::Credentials& credentials) const;

  const trust::UserBook& users_;
  const bool asks_certificates_;
};

}  // namespace dockherd::agent
