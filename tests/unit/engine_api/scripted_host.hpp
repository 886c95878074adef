// A host's daemon, or its agent as others see it, behind a socket: it has networks and volumes,
// tells events, and answers all else as told.
#pragma once

#include <boost/asio/experimental/channel.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_api/server.hpp"
#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::engine_api {

/// One request as it came.
struct SeenRequest {
  std::string line;  ///< "GET /networks?filters=".
  std::string node;  ///< X-Dockherd-Node.
  std::string body;
};

/// Purpose: real HTTP with an answer that the test knows.
/// Lifecycle: listens from construction; stop() before its loop ends. On the test's loop only.
class ScriptedHost final : public http_api::DockerApi {
 public:
  ScriptedHost(asio::any_io_executor executor, Clock& clock, http_api::UpstreamPool& pool,
               std::string name);

  asio::awaitable<void> serve(http_api::Exchange& exchange) override;
  asio::awaitable<void> stop();

  const std::string& address() const { return server_.local_address(); }

  /// The answer to requests whose line begins so; before what the host has by itself.
  void answer(const std::string& line_begin, int status, const std::string& body);

  /// Before each answer, but for events.
  Duration slowness{};

  // What it has: name -> id, name -> driver.
  std::map<std::string, std::string> networks;
  std::map<std::string, std::string> volumes;
  /// Containers of each network, as an inspection shows them.
  std::map<std::string, std::string> network_containers;

  // Events.
  std::vector<std::string> history;  ///< Lines told at the begin of each stream.
  bool history_only = false;         ///< Streams end after it, as with `until` in the past.
  void tell(const std::string& line);
  void break_streams();
  std::size_t streams() const { return streams_.size(); }
  /// Lines that sockets have taken, of all streams.
  std::size_t told() const { return told_; }

  bool has_seen(const std::string& line_begin) const { return count_of(line_begin) > 0; }
  std::size_t count_of(const std::string& line_begin) const;
  std::vector<SeenRequest> seen;

 private:
  struct Told {
    explicit Told(const asio::any_io_executor& executor) : more(executor, 1) {}
    std::vector<std::string> lines;
    bool over = false;
    asio::experimental::channel<void(boost::system::error_code)> more;
  };

  asio::awaitable<void> respond(http_api::Exchange& exchange, int status, std::string body);
  asio::awaitable<void> tell_events(http_api::Exchange& exchange);
  std::pair<int, std::string> own_answer(std::string_view method, std::string_view path,
                                         const std::string& body);
  std::pair<int, std::string> network_answer(std::string_view method, std::string_view path,
                                             const std::string& body);
  std::pair<int, std::string> volume_answer(std::string_view method, std::string_view path,
                                            const std::string& body);
  std::string inspection(const std::string& network) const;

  asio::any_io_executor executor_;
  Clock& clock_;
  std::string name_;
  std::vector<std::pair<std::string, std::pair<int, std::string>>> answers_;
  std::list<std::shared_ptr<Told>> streams_;
  std::size_t told_ = 0;
  http_api::FakeCluster cluster_;
  http_api::Server server_;
};

}  // namespace dockherd::engine_api
