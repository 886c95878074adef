#include "tests/wire/samples/tests/old_agent.hpp"

#include <boost/asio/co_spawn.hpp>

#include "bus/zre_codec.hpp"

namespace dockherd::wire {

using namespace std::chrono_literals;

namespace {

constexpr NodeId::Bytes id_bytes{0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

asio::awaitable<void> request(bus::EventBus& bus, NodeId to, std::string body, TimePoint deadline,
                              std::shared_ptr<std::optional<Result<bus::Reply>>> answer) {
  *answer = co_await bus.request(to, std::move(body), deadline);
}

}  // namespace

OldAgent::OldAgent(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
                   std::string protocol, Change change)
    : samples_(read_samples(oldest_release)),
      change_(std::move(change)),
      time_(time),
      clock_(time, context_),
      transport_(network, context_, number, NodeId(id_bytes)),
      discovery_(network, context_, number) {
  time_.add(context_);
  bus::BusSettings settings;
  settings.id = NodeId(id_bytes);
  settings.name = "host9";
  settings.herd = "herd";
  settings.headers = bus::decode_zre(samples_.at("zre-hello.1.hex")).value().headers;
  settings.headers[std::string(bus::header_protocol)] = std::move(protocol);
  settings.headers[std::string(bus::header_hostname)] = settings.name;
  bus_ = std::make_unique<bus::EventBus>(context_.get_executor(), clock_, transport_,
                                         std::vector<bus::Discovery*>{&discovery_},
                                         std::move(settings), 1, null_logger());
  bus_->serve([this](bus::IncomingRequest incoming) { return answer(std::move(incoming)); });
  bus_->start();
}

OldAgent::~OldAgent() {
  time_.remove(context_);
  discovery_.vanish();
  transport_.stop();
  clock_.forget_sleepers();
  context_.shutdown();
}

/// The reply of its release to the action, or none: then it has never heard of it.
asio::awaitable<bus::Reply> OldAgent::answer(bus::IncomingRequest incoming) {
  const auto verb = parse_json(incoming.body);
  const std::string action = verb && verb->is_object() ? verb->value("action", "") : "";
  ++asked_[action];
  const auto known = samples_.find("reply-" + action + ".1.json");
  bus::Reply reply(400, R"({"error":"unknown action","code":"bad_request"})");
  if (known != samples_.end()) {
    json envelope = parse_json(known->second).value();
    if (change_) change_(envelope["body"]);
    reply.status = envelope["status"];
    reply.body = dump_json(envelope["body"]);
  }
  co_return reply;
}

json OldAgent::content(const std::string& sample, const Change& fit) const {
  json body = parse_json(samples_.at(sample)).value()["body"];
  if (fit) fit(body);
  if (change_) change_(body);
  return body;
}

void OldAgent::tell(const NodeId& to, const std::string& sample, const Change& fit) {
  const json body = content(sample, fit);
  bus_->notify(to, kind_of(sample).substr(std::string("notice-").size()), dump_json(body));
  time_.touch(context_);
  time_.run_for(200ms);
}

Result<bus::Reply> OldAgent::ask(const NodeId& to, const std::string& sample, const Change& fit) {
  const auto reply = std::make_shared<std::optional<Result<bus::Reply>>>();
  asio::co_spawn(context_,
                 request(*bus_, to, dump_json(content(sample, fit)), time_.now() + 10s, reply),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  time_.touch(context_);
  time_.run_until([&] { return reply->has_value(); }, time_.now() + 15s);
  return reply->value_or(Error(errc::timeout, "no reply"));
}

int OldAgent::asked(const std::string& action) const {
  const auto found = asked_.find(action);
  return found == asked_.end() ? 0 : found->second;
}

}  // namespace dockherd::wire
