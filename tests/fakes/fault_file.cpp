#include "tests/fakes/fault_file.hpp"

#include <fstream>

namespace dockherd::fakes {

namespace {

constexpr std::string_view slow = "slow:";

}  // namespace

void FaultFile::apply_to(FakeDockerdServer& server) const {
  server.behaviour.raw_answer = [this](const std::string& method, const std::string& target) {
    return answer(method, target);
  };
  server.behaviour.more_delay = [this](const std::string& method, const std::string& target) {
    return delay(method, target);
  };
  server.behaviour.acts_before_raw_answer = [this](const std::string& method,
                                                   const std::string& target) {
    return fault_of(method, target) == "lost";
  };
}

std::optional<std::string> FaultFile::fault_of(const std::string& method,
                                               const std::string& target) const {
  std::ifstream file(path_);
  const std::string call = method + " " + target;
  for (std::string line; std::getline(file, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    if (call.find(line.substr(space + 1)) != std::string::npos) return line.substr(0, space);
  }
  return std::nullopt;
}

std::optional<std::string> FaultFile::answer(const std::string& method,
                                             const std::string& target) const {
  const auto fault = fault_of(method, target);
  if (fault == "error") {
    const std::string body = R"({"message":"planted failure"})";
    return "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  if (fault == "lost") return "";
  if (fault == "half") {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n"
           R"([{"Id":"0123)";
  }
  if (fault == "nonsense") {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
           "[{\"Id\": tru\n";
  }
  if (fault == "garbage") return std::string("\x16\x03\x01\0\xff\xfe nothing of HTTP\r\n\r\n", 26);
  return std::nullopt;
}

std::chrono::milliseconds FaultFile::delay(const std::string& method,
                                           const std::string& target) const {
  const auto fault = fault_of(method, target);
  if (!fault || !fault->starts_with(slow)) return {};
  return std::chrono::milliseconds(std::stoi(fault->substr(slow.size())));
}

}  // namespace dockherd::fakes
