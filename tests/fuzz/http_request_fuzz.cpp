// Any bytes as an HTTP request, in the pieces in which they may arrive: its head, where its body
// ends, what goes on of it to a daemon, and which call it is and of whose reach. The first byte
// says what the pieces are.
#include <ostream>  // Beast 1.81 forgets it.

#include <boost/beast/core/string.hpp>
#include <boost/none.hpp>
#include <string>

#include "base/json_reader.hpp"
#include "engine_api/access_table.hpp"
#include "engine_api/event_query.hpp"
#include "engine_api/list_query.hpp"
#include "engine_api/owned_view.hpp"
#include "http_api/browser_guard.hpp"
#include "http_api/head_reader.hpp"
#include "http_api/message_head.hpp"
#include "http_api/pass_through.hpp"
#include "http_api/passing_body.hpp"
#include "http_api/routes.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "trust/users.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::engine_api;
using namespace dockherd::http_api;

using Pieces = std::vector<std::string_view>;
using Head = http::request_header<http::fields>;

constexpr std::size_t head_limit = 1024;

void append(boost::beast::flat_buffer& buffer, std::string_view bytes) {
  const auto room = buffer.prepare(bytes.size());
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(room.data()));
  buffer.commit(bytes.size());
}

std::string text_in(const boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

struct Request {
  bool has_head = false;  ///< Complete, and none that is broken.
  Head head;
  std::string passed;   ///< Of the body, as it goes on.
  std::string decoded;  ///< The same without its framing.
  bool body_ended = false;
  std::string rest;  ///< What follows the request.
};

/// As a session reads it.
Request read(const Pieces& pieces, std::size_t limit) {
  Request request;
  HeadReader head(limit);
  boost::beast::flat_buffer buffer;
  boost::system::error_code fault;
  auto piece = pieces.begin();
  bool complete = false;
  while (!complete && piece != pieces.end()) {
    append(buffer, *piece++);
    fault = {};
    complete = head.read(buffer, fault);
  }
  request.has_head = complete && !fault;
  if (!request.has_head) return request;
  http::request_parser<PassingBody> parser(head.take());
  request.head = parser.get().base();
  parser.body_limit(boost::none);
  parser.eager(true);
  parser.get().body().decoded = &request.decoded;
  parser.get().body().limit = 1u << 20;
  PassThrough pass;
  for (;;) {
    request.passed += pass.offer(buffer, parser);
    pass.drop(buffer);
    if (parser.is_done() || pass.fault() || piece == pieces.end()) break;
    append(buffer, *piece++);
  }
  request.body_ended = parser.is_done();
  request.rest = text_in(buffer);
  for (; piece != pieces.end(); ++piece) request.rest += *piece;
  return request;
}

HeaderList headers_of(const Head& head) {
  HeaderList list;
  for (const auto& field : head) {
    list.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return list;
}

/// That a request is broken may be found later when it comes in pieces.
void check_same(const Request& whole, const Request& parts) {
  fuzz::require(whole.has_head == parts.has_head);
  if (!whole.has_head) return;
  fuzz::require(headers_of(whole.head) == headers_of(parts.head));
  fuzz::require(whole.head.method_string() == parts.head.method_string());
  fuzz::require(whole.head.target() == parts.head.target());
  fuzz::require(whole.body_ended == parts.body_ended);
  if (!whole.body_ended) return;
  fuzz::require(whole.passed == parts.passed && whole.decoded == parts.decoded);
  fuzz::require(whole.rest == parts.rest);
}

/// What a daemon gets is one request: the same call, with a body that ends at the same place, and
/// nothing that says who calls.
void check_passed_on(const Request& request) {
  RequestHead on(std::string(request.head.method_string()), std::string(request.head.target()));
  on.headers = passed_on(request.head, false);
  on.version = request.head.version();
  for (const auto& [name, value] : on.headers) {
    fuzz::require(!is_for_one_connection(name));
    for (const char* secret : {"authorization", "x-dockherd-user", "x-dockherd-role"}) {
      fuzz::require(!boost::beast::iequals(name, secret));
    }
  }
  std::string text;
  render(text, on);
  text += request.passed;
  const std::string_view next = request.body_ended ? "GET /next" : "";
  text += next;
  const Request got = read({text}, 2 * head_limit);
  fuzz::require(got.has_head);
  fuzz::require(got.head.target() == request.head.target());
  fuzz::require(got.body_ended == request.body_ended);
  if (!request.body_ended) return;
  fuzz::require(got.decoded == request.decoded && got.rest == next);
}

/// What a daemon makes of a path: it decodes it before it looks for the call.
DockerRoute as_daemons_read(std::string_view method, const DockerRoute& route) {
  std::string path = percent_decode(route.path);
  for (char& c : path) {
    if (c == '?' || c == '%') c = 'x';
  }
  return find_docker_route(method, path);
}

bool goes_to_daemons(Call call) {
  return call != Call::unknown && call != Call::wrong_method && call != Call::not_offered &&
         call != Call::no_plugin;
}

/// Whom a request is not refused to, a daemon must not do another call for.
void check_reach(std::string_view method, const DockerRoute& route) {
  fuzz::require(reach_of(trust::Role::admin, route) == Reach::all);
  const Reach viewer = reach_of(trust::Role::viewer, route);
  const Reach user = reach_of(trust::Role::operator_, route);
  const bool reads = method == "GET" || method == "HEAD";
  const bool asks_registry = route.call == Call::any_daemon;
  fuzz::require(viewer == Reach::none || reads || !goes_to_daemons(route.call) || asks_registry);
  if (user == Reach::none || !goes_to_daemons(route.call)) return;
  if (why_not_plain(route, "application/json")) return;
  const DockerRoute there = as_daemons_read(method, route);
  fuzz::require(there.call == route.call && there.rest == route.rest);
}

NodeView node(const std::string& name) {
  NodeView view;
  view.id = name + "-id";
  view.name = name;
  return view;
}

bool is_node(const std::string& name) {
  return name == "h1" || name == "h2";
}

bool filters_are_read(const Query& query) {
  return read_filters(query_value(query, "filters").value_or("")).has_value();
}

void check_narrowed(const Query& query) {
  const auto own = narrowed(query, "ann");
  fuzz::require(own.has_value() == filters_are_read(query));
  if (!own) return;
  std::size_t filters = 0;
  for (const auto& [key, value] : *own) {
    if (key != "filters") continue;
    ++filters;
    const auto read = read_filters(value);
    fuzz::require(read && (*read)["label"].contains(std::string(trust::owner_label) + "=ann"));
  }
  fuzz::require(filters == 1);
}

void check_query(const std::string& text) {
  const Query query = parse_query(text);
  fuzz::require(parse_query(format_query(query)) == query);
  check_narrowed(query);
  if (const auto list = read_list_query(query, is_node)) {
    for (const char* name : {"h1", "h3"}) {
      const Query own = list->for_node(node(name));
      const auto again = read_list_query(own, is_node);
      fuzz::require(again && again->all == (list->all || list->limit) && again->size == list->size);
      fuzz::require(again->limit == list->limit);
    }
    if (list->is_plain()) fuzz::require(!query_value(list->for_node(node("h1")), "filters"));
  }
  const EventQuery events(query);
  for (const char* name : {"h1", "h3"}) {
    const Query own = events.for_daemon(node(name), 5);
    fuzz::require(query_value(own, "since") == "0.000000005");
    fuzz::require(filters_are_read(own) == filters_are_read(query));
    (void)events.wants_node_event("join", node(name));
  }
}

void check_target(const Head& head) {
  const auto target = as_view(head.target());
  const auto path = path_of(target);
  fuzz::require(!path.empty() && path.find('?') == path.npos);
  fuzz::require(path.starts_with('/') || !is_plain_target(target));
  const Route own = find_route(head.method(), target);
  fuzz::require((own == Route::docker) == allowed_methods(path).empty());
  const DockerRoute route = find_docker_route(as_view(head.method_string()), target);
  fuzz::require(path.ends_with(route.path));
  check_reach(as_view(head.method_string()), route);
  check_query(route.query);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const std::uint8_t seed = fuzz::take_byte(text);
  const Request request = read({text}, head_limit);
  check_same(request, read(fuzz::pieces_of(text, seed), head_limit));
  if (!request.has_head) return 0;
  const auto origin = as_view(request.head[http::field::origin]);
  const auto host = as_view(request.head[http::field::host]);
  if (is_trusted_origin(origin, host)) fuzz::require(origin.empty() || origin.ends_with(host));
  if (why_refused(request.head)) return 0;
  check_passed_on(request);
  check_target(request.head);
  return 0;
}
