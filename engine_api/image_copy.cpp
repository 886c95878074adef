#include "engine_api/image_copy.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "base/limits.hpp"
#include "base/parallel.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/build_progress.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/host_streams.hpp"
#include "engine_api/progress_lines.hpp"
#include "http_api/responses.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::size_t longest_answer = 1u << 20;
constexpr std::chrono::seconds tag_timeout{30};
/// A daemon unpacks the layers after it has got the last byte.
constexpr std::chrono::minutes longest_unpacking{30};

/// How the body that passes is framed; nothing when only the connection's end would end it.
http_api::HeaderList framing_of(const boost::beast::http::fields& headers) {
  http_api::HeaderList framing{{"Content-Type", "application/x-tar"}};
  for (const auto& field : headers) {
    const std::string name(field.name_string().data(), field.name_string().size());
    const bool frames = boost::beast::iequals(name, "Content-Length") ||
                        boost::beast::iequals(name, "Transfer-Encoding");
    if (frames) framing.emplace_back(name, std::string(field.value().data(), field.value().size()));
  }
  return framing;
}

}  // namespace

ImageCopy::Target::Target(ApiContext& context, HerdNode host)
    : node(std::move(host)), load(context.upstreams, upstream_of(context, node)) {}

ImageCopy::ImageCopy(ApiContext& context, HerdNode source, std::vector<HerdNode> targets,
                     std::string id, std::vector<std::string> names)
    : context_(context),
      source_(std::move(source)),
      nodes_(std::move(targets)),
      id_(std::move(id)),
      names_(std::move(names)) {}

asio::awaitable<void> ImageCopy::run(std::shared_ptr<ImageCopy> copy) {
  if (!copy->id_.empty()) co_await copy->tag_where_it_is();
  if (copy->nodes_.empty()) co_return;
  auto headers = co_await copy->open_source();
  if (!headers) {
    for (const HerdNode& node : copy->nodes_) copy->fail(node, headers.error());
    co_return;
  }
  co_await open_targets(copy, std::move(*headers));
  co_await copy->pump();
  co_await read_ends(copy);
}

void ImageCopy::close() {
  if (save_ && save_->connected()) save_->connection()->close();
  for (const auto& target : targets_) {
    if (target->load.connected()) target->load.connection()->close();
  }
}

void ImageCopy::fail(const HerdNode& node, const Error& error) {
  failures_.emplace_back(node.view.name, http_api::http_status(error), error.message);
}

/// What needs no copy leaves nodes_.
asio::awaitable<void> ImageCopy::tag_where_it_is() {
  NodeCall inspect("GET", "/images/" + docker_client::url_encode(id_) + "/json");
  const auto found =
      co_await call_nodes(context_, nodes_, std::move(inspect), context_.task_deadline());
  std::vector<HerdNode> have, lack;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    (found[i].status == 200 ? have : lack).push_back(nodes_[i]);
  }
  nodes_ = std::move(lack);
  for (const std::string& name : names_) {
    const TaggedName parts = split_tag(name);
    const Query query{{"repo", parts.repository}, {"tag", parts.tag}};
    NodeCall tag("POST",
                 "/images/" + docker_client::url_encode(id_) + "/tag?" + format_query(query));
    const auto tagged =
        co_await call_nodes(context_, have, std::move(tag), context_.clock.now() + tag_timeout);
    for (const HostAnswer& answer : tagged) {
      if (answer.status >= 300) failures_.push_back(failure_of(answer));
    }
  }
}

/// Gives the headers that the image is to be sent on with.
asio::awaitable<Result<http_api::HeaderList>> ImageCopy::open_source() {
  Query query;
  for (const std::string& name : names_) query.emplace_back("names", name);
  if (query.empty()) query.emplace_back("names", id_);
  save_ =
      std::make_unique<http_api::UpstreamCall>(context_.upstreams, upstream_of(context_, source_));
  http_api::RequestHead head("GET", "/images/get?" + format_query(query));
  add_node_header(source_, head.headers);
  auto sent = co_await save_->send(std::move(head), "",
                                   context_.clock.now() + limits::host_connect_timeout);
  if (!sent) co_return sent.error();
  auto headed = co_await save_->read_final_head(TimePoint::max());
  if (!headed) co_return headed.error();
  if (save_->head().result_int() != 200) {
    auto refusal = co_await save_->read_whole(longest_answer, context_.task_deadline());
    if (!refusal) co_return refusal.error();
    const HostAnswer answer{source_.view.name, refusal->status, std::move(refusal->body)};
    co_return Error(errc::docker_refused, failure_of(answer).message).at_node(source_.view.name);
  }
  if (save_->ends_with_connection()) {
    co_return Error(errc::daemon_lost, source_.view.name + " does not say where the image ends");
  }
  co_return framing_of(save_->head());
}

asio::awaitable<void> ImageCopy::open_targets(std::shared_ptr<ImageCopy> copy,
                                              http_api::HeaderList headers) {
  for (HerdNode& node : copy->nodes_) {
    copy->targets_.push_back(std::make_unique<Target>(copy->context_, std::move(node)));
  }
  const TimePoint deadline = copy->context_.clock.now() + limits::host_connect_timeout;
  IndexedTask each = [copy, headers, deadline](std::size_t index) -> asio::awaitable<void> {
    Target& target = *copy->targets_[index];
    http_api::RequestHead head("POST", "/images/load?quiet=1");
    head.headers = headers;
    add_node_header(target.node, head.headers);
    const auto sent = co_await target.load.send(std::move(head), "", deadline);
    target.open = sent.has_value();
    if (sent) co_return;
    copy->fail(target.node, sent.error());
    target.load.give_up();
  };
  co_await for_each_index(copy->context_.tasks, "image to hosts", copy->targets_.size(),
                          limits::hosts_at_once, std::move(each));
}

asio::awaitable<void> ImageCopy::pump() {
  const auto is_open = [](const auto& target) { return target->open; };
  for (;;) {
    const std::string_view piece = co_await save_->read_raw();
    if (piece.empty()) break;
    co_await write_to_all(piece);
    if (std::none_of(targets_.begin(), targets_.end(), is_open)) break;
  }
  if (save_->complete()) co_return;
  // Half an image must not be taken for a whole one.
  for (const auto& target : targets_) {
    if (target->open) target->load.connection()->close();
  }
}

/// A host that takes no more has said why, or is gone, or hangs and must not hold up the others:
/// read_end() finds out.
asio::awaitable<void> ImageCopy::write_to_all(std::string_view piece) {
  for (const auto& target : targets_) {
    if (!target->open) continue;
    target->open = co_await target->load.connection()->write(piece, "", limits::http_write_timeout);
  }
}

asio::awaitable<void> ImageCopy::read_ends(std::shared_ptr<ImageCopy> copy) {
  IndexedTask each = [copy](std::size_t index) -> asio::awaitable<void> {
    co_await copy->read_end(*copy->targets_[index]);
  };
  co_await for_each_index(copy->context_.tasks, "image at hosts", copy->targets_.size(),
                          limits::hosts_at_once, std::move(each));
}

asio::awaitable<void> ImageCopy::read_end(Target& target) {
  if (!target.load.connected()) co_return;  // Told already.
  const TimePoint deadline = context_.clock.now() + longest_unpacking;
  const auto headed = co_await target.load.read_final_head(deadline);
  if (!headed) {
    fail(target.node, headed.error());
    co_return;
  }
  auto answer = co_await target.load.read_whole(longest_answer, deadline);
  if (!answer) {
    fail(target.node, answer.error());
  } else if (!answer->ok()) {
    const HostAnswer refusal{target.node.view.name, answer->status, std::move(answer->body)};
    failures_.push_back(failure_of(refusal));
  } else {
    ProgressRelabel lines(target.node.view.name);
    lines.feed(answer->body);
    lines.finish();
    if (const auto& failure = lines.failure()) {
      failures_.emplace_back(target.node.view.name, 500, failure->message);
    } else {
      loaded_.push_back(target.node.view.name);
    }
  }
}

}  // namespace dockherd::engine_api
