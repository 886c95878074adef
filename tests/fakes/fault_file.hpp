// Faults of a fake daemon that a test switches while it runs, by writing a file.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "tests/fakes/fake_dockerd_server.hpp"

namespace dockherd::fakes {

/// Purpose: what a daemon does wrong, for whom and when. Each line of the file is "FAULT WHERE",
/// with a part of "METHOD target" as WHERE; the first line that fits holds:
///   slow:MILLISECONDS  answers so much later
///   error              500, after nothing was done
///   lost               does what was asked, and closes without a byte
///   half               a head that promises more than comes
///   nonsense           200, and no JSON
///   garbage            bytes that are not HTTP
/// Owner: the program. The file is read at each request; without it nothing is wrong.
class FaultFile {
 public:
  explicit FaultFile(std::string path) : path_(std::move(path)) {}

  /// Outlives the server.
  void apply_to(FakeDockerdServer& server) const;

 private:
  /// What comes before WHERE in the line that fits.
  std::optional<std::string> fault_of(const std::string& method, const std::string& target) const;
  std::optional<std::string> answer(const std::string& method, const std::string& target) const;
  std::chrono::milliseconds delay(const std::string& method, const std::string& target) const;

  std::string path_;
};

}  // namespace dockherd::fakes
