// How the load client reaches a server, and what it sends: blocking sockets, and nothing between
// them and the measured answer. Must not know what is measured.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dockherd::bench {

/// With the text of errno.
std::runtime_error failed(const std::string& what);

/// `target` is unix:PATH or tcp:ADDRESS:PORT. The caller closes the socket.
int connect_to(const std::string& target);

/// Lower case, so that header names can be compared.
std::string lower(std::string_view text);

std::string request_text(const std::string& method, const std::string& path,
                         const std::string& body, std::string_view more_headers = "");

void send_all(int socket, std::string_view bytes);

/// The number of a status line, with what follows it or not.
int status_in(std::string_view head);

/// A status from 300, or 207: a bulk that succeeded in part. 304 says that it is so already.
bool is_refusal(int status);

/// One connection: send(), then receive() until the answer is complete.
class Connection {
 public:
  explicit Connection(const std::string& target) : socket_(connect_to(target)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view request) { send_all(socket_, request); }

  /// The body; the status is in status().
  const std::string& receive();

  int status() const { return status_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void read_more();
  void read_chunks(std::size_t at);

  int socket_;
  int status_ = 0;
  std::size_t bytes_ = 0;
  std::string raw_;
  std::string body_;
  std::vector<char> space_ = std::vector<char>(256 * 1024);
};

/// One connection whose answer is read in pieces and kept nowhere: for bodies of gigabytes, and for
/// streams that do not end. read_head(), then next_piece() until that is empty.
class StreamConnection {
 public:
  explicit StreamConnection(const std::string& target) : socket_(connect_to(target)) {}
  ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  void send(std::string_view bytes) { send_all(socket_, bytes); }
  void read_head();
  int status() const { return status_; }

  /// Bytes of the body as they arrive, valid until the next call; empty at its end.
  std::string_view next_piece();

 private:
  bool read_more();
  std::string_view next_chunk_piece();
  std::string_view line();
  std::string_view take();

  int socket_;
  int status_ = 0;
  bool chunked_ = false;
  bool between_chunks_ = false;
  std::size_t left_ = 0;  ///< Of the body, or of the chunk.
  std::vector<char> space_ = std::vector<char>(256 * 1024);
  std::string_view unread_;  ///< In space_.
};

}  // namespace dockherd::bench
