#include "tests/unit/http_api/scripted_upstream.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace dockherd::http_api {

namespace {

constexpr timeval longest{60, 0};

}  // namespace

ScriptedUpstream::ScriptedUpstream() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  EXPECT_EQ(0, ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size));
  EXPECT_EQ(0, ::listen(socket_, 16));
  ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

ScriptedUpstream::ScriptedUpstream(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), address_("unix://" + path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  EXPECT_EQ(0, ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address));
  EXPECT_EQ(0, ::listen(socket_, 16));
}

ScriptedUpstream::~ScriptedUpstream() {
  ::close(socket_);
}

std::unique_ptr<ScriptedUpstream::Peer> ScriptedUpstream::accept() {
  const int accepted = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(accepted, 0) << "nobody connected";
  ::setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  return std::make_unique<Peer>(accepted);
}

ScriptedUpstream::Peer::~Peer() {
  close();
}

bool ScriptedUpstream::Peer::read_more() {
  char bytes[65536];
  const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    ADD_FAILURE() << "nothing came within 60 s, so far: " << buffered_.substr(0, 500);
  }
  if (count <= 0) return false;
  buffered_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string ScriptedUpstream::Peer::receive_until(std::string_view mark) {
  std::size_t found = std::string::npos;
  while ((found = buffered_.find(mark)) == std::string::npos) {
    if (!read_more()) return std::exchange(buffered_, {});
  }
  std::string text = buffered_.substr(0, found + mark.size());
  buffered_.erase(0, text.size());
  return text;
}

std::string ScriptedUpstream::Peer::receive(std::size_t count) {
  while (buffered_.size() < count && read_more()) {
  }
  std::string text = buffered_.substr(0, count);
  buffered_.erase(0, text.size());
  return text;
}

std::string ScriptedUpstream::Peer::some() {
  if (buffered_.empty()) read_more();
  return std::exchange(buffered_, {});
}

std::string ScriptedUpstream::Peer::receive_rest() {
  while (read_more()) {
  }
  return std::exchange(buffered_, {});
}

void ScriptedUpstream::Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool ScriptedUpstream::Peer::all_arrived() const {
  int on_the_way = -1;
  EXPECT_EQ(0, ::ioctl(socket_, SIOCOUTQ, &on_the_way));
  return on_the_way == 0;
}

void ScriptedUpstream::Peer::end_sending() {
  ::shutdown(socket_, SHUT_WR);
}

void ScriptedUpstream::Peer::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace dockherd::http_api
