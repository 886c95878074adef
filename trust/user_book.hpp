// The users as they are now: read at the start, and again whenever the file has changed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "trust/users.hpp"

namespace dockherd::trust {

/// Purpose: who may call, for all that ask. Owner: the agent; outlives what it serves. One thread
/// only. A broken new file leaves things as they were.
class UserBook {
 public:
  /// Of a herd that asks nobody who he is.
  UserBook() = default;

  /// Reads the file for the first time.
  static Result<UserBook> open(std::filesystem::path file);
  /// Users that are given, not read; for tests.
  static UserBook of(Users users);

  /// Reads the file again. Fails with bad_config, and the users of before stay.
  Result<void> reload();

  /// There is a users file: whoever calls must say who he is.
  bool in_use() const { return in_use_; }
  const Users& users() const { return users_; }
  /// Null when there is no such user. Valid until the next reload().
  const User* find(const std::string& name) const;

  /// The rights that this node gives to a caller whom another agent has vouched for: at most those
  /// that both give. Fails (403) for somebody whom this node does not know. An admin needs no
  /// entry where no users file is in use: then a certificate has made him one.
  Result<Principal> vouched_for(const Principal& caller) const;

 private:
  std::filesystem::path file_;
  Users users_;
  bool in_use_ = false;
};

/// The error of all that a user may not do: 403, and nothing was changed.
Error forbidden(std::string message);

}  // namespace dockherd::trust
