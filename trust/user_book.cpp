#include "trust/user_book.hpp"

#include <algorithm>

#include "trust/users_file.hpp"

namespace dockherd::trust {

Result<UserBook> UserBook::open(std::filesystem::path file) {
  UserBook book;
  book.file_ = std::move(file);
  if (auto read = book.reload(); !read) return read.error();
  return book;
}

UserBook UserBook::of(Users users) {
  UserBook book;
  book.users_ = std::move(users);
  book.in_use_ = true;
  return book;
}

Result<void> UserBook::reload() {
  if (file_.empty()) return {};
  auto users = read_users_file(file_);
  if (!users) return users.error();
  users_ = std::move(*users);
  in_use_ = true;
  return {};
}

const User* UserBook::find(const std::string& name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

Result<Principal> UserBook::vouched_for(const Principal& caller) const {
  if (caller.name.empty()) return caller;
  const User* user = find(caller.name);
  if (user != nullptr) return Principal{caller.name, std::min(caller.role, user->role)};
  if (!in_use_ && caller.is_admin()) return caller;
  return forbidden("the user " + caller.name + " is not in the users file of this host");
}

Error forbidden(std::string message) {
  Error error(errc::docker_refused, std::move(message));
  error.docker_status = 403;
  return error;
}

}  // namespace dockherd::trust
