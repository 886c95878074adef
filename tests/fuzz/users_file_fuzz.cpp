// Any text as the users file: an error that says something, or users that are the same when they
// are written and read again, and of whom nobody gets in without his token.
#include "trust/users_file.hpp"

#include "tests/fuzz/fuzz_target.hpp"
#include "trust/token.hpp"
#include "trust/user_book.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::trust;

void check_user(const UserBook& book, const std::string& name, const User& user) {
  fuzz::require(is_user_name(name));
  for (const Role claimed : {Role::viewer, Role::operator_, Role::admin}) {
    const auto known = book.vouched_for(Principal(name, claimed));
    fuzz::require(known && known->role <= claimed && known->role <= user.role);
  }
  for (const StoredToken& token : user.tokens) {
    // A hash is no token.
    fuzz::require(!user_of_token(book.users(), token.sha256));
  }
  fuzz::require(user.quota.nano_cpus.value_or(0) >= 0 && user.quota.memory_bytes.value_or(1) > 0);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto token = bearer_token(text)) {
    fuzz::require(text.find(*token) != text.npos && token->size() < text.size());
  }
  const auto users = parse_users(text);
  if (!users) {
    fuzz::require(!users.error().message.empty() && users.error().code == errc::bad_config);
    return 0;
  }
  const auto again = parse_users(render_users(*users));
  fuzz::require(again && *again == *users);
  const UserBook book = UserBook::of(*users);
  for (const auto& [name, user] : *users) check_user(book, name, user);
  fuzz::require(!user_of_token(*users, "") && !user_of_token(*users, text));
  if (!users->contains("nobody")) {
    fuzz::require(!book.vouched_for(Principal("nobody", Role::viewer)));
  }
  return 0;
}
