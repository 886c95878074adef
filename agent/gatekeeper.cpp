#include "agent/gatekeeper.hpp"

#include "trust/token.hpp"

namespace dockherd::agent {

using http_api::Caller;
using http_api::Credentials;
using trust::Principal;

namespace {

Error nobody(std::string why) {
  return {errc::bad_request, std::move(why)};
}

}  // namespace

Result<Caller> Gatekeeper::authenticate(const Credentials& credentials) {
  const std::string address(credentials.address);
  if (credentials.to_agents_port) {
    const auto principal = agents_word(credentials);
    if (!principal) return principal.error();
    return Caller(*principal, address, true);
  }
  if (!users_.in_use() && !asks_certificates_) return Caller({}, address, true);
  const auto principal = user(credentials);
  if (!principal) return principal.error();
  return Caller(*principal, address, false);
}

/// An agent asks for itself, or for a user whom it has let in. What he may is by our own file.
Result<Principal> Gatekeeper::agents_word(const Credentials& credentials) const {
  if (credentials.user.empty() && credentials.role.empty()) return Principal();
  const auto role = trust::role_from_string(credentials.role);
  if (!role || !trust::is_user_name(credentials.user)) return nobody("no user of that name");
  return users_.vouched_for(Principal{std::string(credentials.user), *role});
}

/// A token that is wrong is not made good by a certificate.
Result<Principal> Gatekeeper::user(const Credentials& credentials) const {
  if (!credentials.authorization.empty()) {
    const auto token = trust::bearer_token(credentials.authorization);
    const auto found = trust::user_of_token(users_.users(), token.value_or(""));
    if (!found) return nobody("the token is nobody's");
    return *found;
  }
  if (!asks_certificates_) return nobody("no token");
  const std::string name(credentials.certificate_name);
  // Who has no certificate has not come this far. One whose name cannot be a user's has none here.
  if (!users_.in_use()) {
    return Principal{trust::is_user_name(name) ? name : std::string(), trust::Role::admin};
  }
  const trust::User* known = users_.find(name);
  if (known == nullptr) return nobody("the certificate's name is no user");
  return Principal{name, known->role};
}

}  // namespace dockherd::agent
