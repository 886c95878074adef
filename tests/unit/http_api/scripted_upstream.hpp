// An upstream that does byte by byte what a test says. Blocking; every wait ends after 60 s.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace dockherd::http_api {

class ScriptedUpstream {
 public:
  /// One connection that was accepted.
  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// Reads until all that has come contains `mark`; returns everything up to and with it.
    std::string receive_until(std::string_view mark);
    /// Exactly so many bytes, or fewer when the other side ends.
    std::string receive(std::size_t count);
    /// Something that has come, waiting for it. Empty when the other side sends no more.
    std::string some();
    /// Until the other side sends no more.
    std::string receive_rest();
    void send(std::string_view bytes);
    /// All that was sent has arrived at the other side's socket.
    bool all_arrived() const;
    void end_sending();
    void close();

   private:
    bool read_more();

    int socket_;
    std::string buffered_;
  };

  ScriptedUpstream();
  /// On a unix socket, which holds little: 200 KB or so.
  explicit ScriptedUpstream(const std::string& path);
  ~ScriptedUpstream();
  ScriptedUpstream(const ScriptedUpstream&) = delete;
  ScriptedUpstream& operator=(const ScriptedUpstream&) = delete;

  /// "127.0.0.1:PORT" or "unix:///PATH".
  const std::string& address() const { return address_; }
  std::unique_ptr<Peer> accept();

 private:
  int socket_;
  std::string address_;
};

}  // namespace dockherd::http_api
