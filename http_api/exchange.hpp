// One request whose body has not been read yet, and the ways to answer it: whole, piece by piece,
// or by passing it on to an upstream.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task_group.hpp"
#include "http_api/caller.hpp"
#include "http_api/http_date.hpp"
#include "http_api/message_head.hpp"
#include "http_api/request_body.hpp"
#include "http_api/server_settings.hpp"
#include "http_api/upstream_pool.hpp"

namespace dockherd::http_api {

/// What the exchanges of one server share. Outlives them.
struct ExchangeContext {
  Clock& clock;
  const ServerSettings& settings;
  HttpDate& date;
  UpstreamPool& upstreams;
  TaskGroup& side_tasks;  ///< Copying of request bodies, watching of clients.
};

class UpstreamCall;

/// How a request is passed on.
struct RelayOrder {
  RelayOrder(std::string upstream, RequestHead request)
      : address(std::move(upstream)), head(std::move(request)) {}

  std::string address;  ///< As UpstreamPool takes it.
  RequestHead head;     ///< Its headers are sent as they are.
  /// What the upstream does not answer until then is given up; max: for as long as both live.
  TimePoint deadline = TimePoint::max();
  /// After the response's head both sides may send what they like, if the upstream says so by 101
  /// or by a body without an end.
  bool may_be_hijacked = false;
  /// Called with the status when the response's head has arrived, before it goes on.
  std::function<void(unsigned status)> on_status;
  /// When set, the response is read whole, and this says what its body becomes.
  std::function<std::string(unsigned status, std::string body)> reword;
};

/// Purpose: what a handler of a request works with.
/// Owner: the session, for as long as the request is being answered. One thread only.
class Exchange {
 public:
  Exchange(ExchangeContext& context, std::shared_ptr<Connection> client,
           std::shared_ptr<RequestBody> body, Caller caller);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::string_view method() const;
  std::string_view target() const;
  /// The value of a header, or nothing.
  std::string_view header(std::string_view name) const;
  const boost::beast::http::fields& headers() const { return body_->head(); }
  unsigned version() const { return body_->head().version(); }
  /// Who sent it.
  const Caller& caller() const { return caller_; }

  /// What the request is about, for the record of what was done.
  struct Subject {
    std::string container;  ///< An id or a name.
    std::string node;       ///< Its host.
  };
  void set_subject(std::string container, std::string node) {
    subject_.container = std::move(container);
    subject_.node = std::move(node);
  }
  const Subject& subject() const { return subject_; }
  /// Called once with the status, as soon as an answer begins.
  void on_answer(std::function<void(int status)> told) { on_answer_ = std::move(told); }

  /// The whole body. Fails with too_large or bad_request.
  asio::awaitable<Result<std::string>> read_body(std::size_t limit);
  /// A whole answer. `body` lives until this returns. After HEAD only the head is sent.
  asio::awaitable<void> respond(int status, HeaderList headers, std::string_view body);

  /// An answer of unknown length: begin(), write() as often as needed, end(). False: the client is
  /// gone.
  asio::awaitable<bool> begin(int status, HeaderList headers);
  asio::awaitable<bool> write(std::string_view piece);
  asio::awaitable<bool> end();
  /// Instead of end(): lets the client see that the answer is not whole.
  void break_off();

  /// Passes the request on and the response back. Fails only before anything has been sent to the
  /// client; what breaks later breaks the client's connection.
  asio::awaitable<Result<void>> relay(RelayOrder order);

  /// Passes the request's body on to several, as it came (chunk lines included), while it is
  /// answered: the slowest sets the pace, one that is gone drops out, and so does one of several
  /// that takes nothing for the settings' write_timeout. A client that goes away in the middle
  /// closes them all. Followed by end_upload().
  void begin_upload(std::vector<std::shared_ptr<Connection>> upstreams);
  /// The response is over: an upload still under way will not be read by anybody and ends, with
  /// its connections closed.
  asio::awaitable<void> end_upload();
  /// Tells a client that waits for it ("Expect: 100-continue") to send its body.
  asio::awaitable<void> give_go_ahead();

  /// Called from the event loop when the client is found to be gone while it is answered, and by
  /// each sweep from then on: what is connected only afterwards must not be missed.
  void on_client_gone(std::function<void()> gone) { watch_->on_gone = std::move(gone); }
  bool client_is_gone() const { return watch_->gone; }

  /// Nothing has been sent to the client yet.
  bool unanswered() const { return !answered_; }
  /// After the answer: the connection may carry another request. Not when the client has said that
  /// it sends no more: that is told once only, to whoever reads then.
  bool may_continue() const { return may_continue_ && !stopping_ && !watch_->gone; }
  /// After the answer: what the client still sends is to be read and dropped before it is closed.
  bool must_linger() const { return must_linger_ && !watch_->gone; }

  /// From the server's sweep: looks whether the client is still there. Costs system calls, so short
  /// calls end without it. What a client wanted that is gone ends:
  /// - One that sends no more may still read, or not: that cannot be known. What its upstreams say
  ///   goes to it, and they are given up when nothing has moved for the settings' gone_grace,
  ///   unless it is the client that is slow to read.
  /// - A connection that has been taken over may be half closed for as long as it likes: that is
  ///   the end of the program's input.
  /// - One that is broken ends its upstream at once where it was taken over or an upload goes on.
  void look_after_client(TimePoint now);
  /// To be awaited before the connection is read by others.
  asio::awaitable<void> stop_watching();
  void begin_stop() { stopping_ = true; }

 private:
  struct Watch {
    std::function<void()> on_gone;
    bool active = false;
    bool ending = false;
    bool gone = false;
  };
  struct Upload {
    bool active = false;
    std::vector<std::shared_ptr<Connection>> upstreams;  ///< That still take it.
    std::optional<Duration> patience;                    ///< With one that takes nothing.
  };

  void watch_client();
  void client_went();
  std::uint64_t bytes_moved() const;
  static asio::awaitable<void> keep_watch(std::shared_ptr<Connection> client,
                                          std::shared_ptr<Watch> watch);
  static asio::awaitable<void> pass_body(std::shared_ptr<RequestBody> body,
                                         std::shared_ptr<Upload> upload);
  static asio::awaitable<void> pass_piece(std::string_view piece, std::shared_ptr<Upload> upload);
  static asio::awaitable<void> pass_raw(std::shared_ptr<Connection> client,
                                        std::shared_ptr<Connection> upstream,
                                        std::shared_ptr<Upload> upload);
  asio::awaitable<Result<void>> begin_relay(UpstreamCall& call, RelayOrder& order);
  asio::awaitable<Result<void>> await_head(UpstreamCall& call, const RelayOrder& order);
  asio::awaitable<Result<void>> relay_reworded(UpstreamCall& call, const RelayOrder& order);
  asio::awaitable<void> relay_body(UpstreamCall& call);
  asio::awaitable<void> relay_hijacked(UpstreamCall& call);
  void begin_answer(int status);
  ConnectionHeader persistence(bool has_end);
  std::string own_head(int status, const HeaderList& headers, std::string_view framing);
  bool finish_request();

  ExchangeContext& context_;
  std::shared_ptr<Connection> client_;
  std::shared_ptr<RequestBody> body_;
  Caller caller_;
  Subject subject_;
  std::function<void(int status)> on_answer_;
  std::shared_ptr<Watch> watch_ = std::make_shared<Watch>();
  std::shared_ptr<Upload> upload_ = std::make_shared<Upload>();
  std::shared_ptr<UpstreamCall> relayed_;  // While relay() runs.
  std::optional<TimePoint> still_since_;   // Nothing moves, and the client sends no more.
  std::uint64_t moved_ = 0;                // Until then.
  bool hijacked_ = false;
  bool answered_ = false;
  bool may_continue_ = false;
  bool must_linger_ = false;
  bool stopping_ = false;
  bool chunked_ = false;
};

}  // namespace dockherd::http_api
