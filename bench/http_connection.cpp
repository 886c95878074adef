#include "bench/http_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

namespace dockherd::bench {

std::runtime_error failed(const std::string& what) {
  return std::runtime_error(what + ": " + std::strerror(errno));
}

int connect_to(const std::string& target) {
  if (target.starts_with("unix:")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    target.copy(address.sun_path, sizeof address.sun_path - 1, 5);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket, generic, sizeof address) != 0) throw failed(target);
    return socket;
  }
  const auto colon = target.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(target.substr(colon + 1))));
  if (::inet_pton(AF_INET, target.substr(4, colon - 4).c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not unix:PATH or tcp:ADDRESS:PORT: " + target);
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket, generic, sizeof address) != 0) throw failed(target);
  return socket;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string request_text(const std::string& method, const std::string& path,
                         const std::string& body, std::string_view more_headers) {
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n";
  text += more_headers;
  if (!body.empty() || method == "POST") {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw failed("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int status_in(std::string_view head) {
  return std::stoi(std::string(head.substr(head.find(' ') + 1, 3)));
}

bool is_refusal(int status) {
  return (status >= 300 && status != 304) || status == 207;
}

Connection::~Connection() {
  ::close(socket_);
}

const std::string& Connection::receive() {
  raw_.clear();
  body_.clear();
  std::size_t head = std::string::npos;
  while ((head = raw_.find("\r\n\r\n")) == std::string::npos) read_more();
  const std::string header = lower(std::string_view(raw_).substr(0, head + 2));
  status_ = status_in(header);
  std::size_t at = head + 4;
  const auto length = header.find("\r\ncontent-length:");
  if (length != std::string::npos) {
    const std::size_t size = std::stoul(header.substr(length + 17));
    raw_.reserve(at + size);
    while (raw_.size() < at + size) read_more();
    body_.assign(raw_, at, size);
  } else if (header.find("\r\ntransfer-encoding: chunked") != std::string::npos) {
    read_chunks(at);
  }
  bytes_ += raw_.size();
  return body_;
}

void Connection::read_more() {
  const ssize_t count = ::recv(socket_, space_.data(), space_.size(), 0);
  if (count <= 0) throw failed("the server closed the connection");
  raw_.append(space_.data(), static_cast<std::size_t>(count));
}

void Connection::read_chunks(std::size_t at) {
  for (;;) {
    std::size_t line = std::string::npos;
    while ((line = raw_.find("\r\n", at)) == std::string::npos) read_more();
    const std::size_t size = std::stoul(raw_.substr(at, line - at), nullptr, 16);
    at = line + 2;
    while (raw_.size() < at + size + 2) read_more();
    body_.append(raw_, at, size);
    at += size + 2;
    if (size == 0) return;
  }
}

StreamConnection::~StreamConnection() {
  ::close(socket_);
}

void StreamConnection::read_head() {
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string_view::npos) {
    if (!read_more()) throw failed("the server closed the connection");
  }
  const std::string header = lower(unread_.substr(0, end + 2));
  unread_.remove_prefix(end + 4);
  status_ = status_in(header);
  if (status_ == 100) return read_head();
  chunked_ = header.find("\r\ntransfer-encoding: chunked") != std::string::npos;
  // A hijacked connection says neither: what comes until it is closed.
  left_ = chunked_ ? 0 : std::numeric_limits<std::size_t>::max();
  const auto length = header.find("\r\ncontent-length:");
  if (length != std::string::npos) left_ = std::stoul(header.substr(length + 17));
}

std::string_view StreamConnection::next_piece() {
  if (chunked_) return next_chunk_piece();
  if (left_ == 0 || (unread_.empty() && !read_more())) return {};
  return take();
}

std::string_view StreamConnection::next_chunk_piece() {
  if (left_ == 0) {
    if (std::exchange(between_chunks_, true)) line();
    left_ = std::stoul(std::string(line()), nullptr, 16);
  }
  if (left_ == 0) {
    chunked_ = false;  // The end; nothing is read after it.
    return {};
  }
  if (unread_.empty() && !read_more()) throw failed("a chunk without its end");
  return take();
}

/// Without its end; valid until something is read.
std::string_view StreamConnection::line() {
  std::size_t end = 0;
  while ((end = unread_.find("\r\n")) == std::string_view::npos) {
    if (!read_more()) throw failed("a body without its end");
  }
  const std::string_view found = unread_.substr(0, end);
  unread_.remove_prefix(end + 2);
  return found;
}

std::string_view StreamConnection::take() {
  const std::string_view piece = unread_.substr(0, left_);
  unread_.remove_prefix(piece.size());
  left_ -= piece.size();
  return piece;
}

/// False at the end of the connection. What has been handed out is overwritten.
bool StreamConnection::read_more() {
  std::copy(unread_.begin(), unread_.end(), space_.begin());
  const std::size_t kept = unread_.size();
  if (kept == space_.size()) throw std::runtime_error("a header or line that never ends");
  const ssize_t count = ::recv(socket_, space_.data() + kept, space_.size() - kept, 0);
  if (count <= 0) return false;
  unread_ = std::string_view(space_.data(), kept + static_cast<std::size_t>(count));
  return true;
}

}  // namespace dockherd::bench
