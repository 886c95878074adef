#include "tests/sim/verb_driver.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "base/json_reader.hpp"
#include "base/limits.hpp"

namespace dockherd::sim {

using namespace std::chrono_literals;

namespace {

constexpr Duration task_allowed = 2'500ms;     // NodeSettings::task_timeout.
constexpr Duration create_allowed = 15'000ms;  // NodeSettings::new_container_timeout.

/// A bulk of two rounds, after judges and daemons were asked what there is under its key.
constexpr Duration key_allowed = 2 * create_allowed + 10s;

/// Docker's own grace time, for the actions that have one.
Duration grace_of(const std::string& action) {
  const bool waits =
      action == "stop-container" || action == "restart-container" || action == "shutdown-container";
  return waits ? 10s : 0s;
}

}  // namespace

int VerbDriver::send(SimHost& host, const std::string& action, std::string request,
                     Duration allowed, int asked) {
  const int number = next_number_++;
  auto record = std::make_unique<VerbRecord>();
  record->number = number;
  record->action = action;
  record->request = request;
  record->host = host.number();
  record->incarnation = host.incarnation();
  record->asked = asked;
  record->issued = time_.now();
  record->due = time_.now() + allowed + slack;
  if (host.frozen()) record->due += 10s;
  network_.add_to_trace("verb " + std::to_string(number) + " " + request);
  if (network_.tracer) {
    network_.tracer(std::to_string(time_.elapsed().count()) + " verb " + std::to_string(number) +
                    " at " + host.hostname() + " " + request);
  }
  VerbRecord* kept = record.get();
  records_[number] = std::move(record);
  asio::co_spawn(host.process().executor(),
                 execute(host.process().node(), std::move(request), *kept),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  time_.touch(host.process().context());
  return number;
}

asio::awaitable<void> VerbDriver::execute(agent::Node& node, std::string request,
                                          VerbRecord& record) {
  try {
    const http_api::VerbReply reply = co_await node.execute_verb(std::move(request));
    record.status = reply.status;
    record.body = reply.body;
  } catch (const std::exception& error) {
    record.exception = error.what();
  }
  finish(record);
}

void VerbDriver::finish(VerbRecord& record) {
  ++record.answers;
  record.answered = time_.now();
  const std::string text = std::to_string(time_.elapsed().count()) + " answer " +
                           std::to_string(record.number) + " " + std::to_string(record.status) +
                           " " + record.body + record.exception;
  network_.add_to_trace(text);
  if (network_.tracer) network_.tracer(text);
}

int VerbDriver::send_create(SimHost& host, int instances, bool start, bool raw) {
  json request;
  const json labels{{"sim.verb", std::to_string(next_number_)}};
  if (raw) {
    request = {{"action", "create-raw-container"},
               {"body", {{"Image", "busybox:latest"}, {"Labels", labels}}}};
  } else {
    request = {{"action", "create-container"}, {"image", "busybox:latest"}, {"labels", labels}};
  }
  if (start) request["start"] = true;
  if (instances > 0) request["instances"] = instances;
  const int asked = std::max(instances, 1);
  // The deadline of a bulk grows with its rounds over one host at worst.
  const auto rounds = 1 + asked / static_cast<int>(limits::creates_per_node);
  return send(host, request["action"], dump_json(request), create_allowed * rounds, asked);
}

void VerbDriver::send_under_key(RandomSource& random) {
  std::vector<const VerbRecord*> firsts;
  for (const auto& [number, record] : records_) {
    if (record->repeats == number) firsts.push_back(record.get());
  }
  SimHost* host = random_alive(random);
  const bool again = random.chance(0.7);
  const int instances = random.between(1, 8);
  const bool start = random.chance(0.5);
  if (host == nullptr) return;
  if (again && !firsts.empty()) {
    repeat(*host, *random.pick(firsts));
    return;
  }
  const int number = next_number_;
  const json request{{"action", "create-container"},
                     {"image", "busybox:latest"},
                     {"labels", {{"sim.verb", std::to_string(number)}}},
                     {"instances", instances},
                     {"start", start},
                     {"key", "key-" + std::to_string(number)}};
  send(*host, "create-container", dump_json(request), key_allowed, instances);
  records_[number]->repeats = number;
}

int VerbDriver::repeat(SimHost& host, const VerbRecord& first) {
  const int number = send(host, first.action, first.request, key_allowed, first.asked);
  records_[number]->repeats = first.number;
  return number;
}

std::vector<int> VerbDriver::repeat_all(SimHost& host) {
  std::vector<int> firsts;
  for (const auto& [number, record] : records_) {
    if (record->repeats == number) firsts.push_back(number);
  }
  std::vector<int> sent;
  for (const int number : firsts) sent.push_back(repeat(host, *records_[number]));
  return sent;
}

SimHost* VerbDriver::random_alive(RandomSource& random) {
  std::vector<SimHost*> alive;
  for (const auto& host : hosts_) {
    if (host->alive() && !host->stopping()) alive.push_back(host.get());
  }
  return alive.empty() ? nullptr : random.pick(alive);
}

std::string VerbDriver::random_container(RandomSource& random) const {
  std::vector<std::string> known{"0123456789ab"};
  for (const auto& host : hosts_) {
    for (const auto& [id, container] : host->daemon().containers()) {
      known.push_back(id);
      known.push_back(container.name);
      known.push_back(id.substr(0, 10));
    }
  }
  return random.pick(known);
}

void VerbDriver::send_random(RandomSource& random) {
  SimHost* host = random_alive(random);
  if (host == nullptr) return;
  static const std::vector<std::string> about_containers{
      "start-container",   "stop-container",   "restart-container",
      "kill-container",    "pause-container",  "unpause-container",
      "inspect-container", "delete-container", "shutdown-container"};
  const int kind = random.between(1, 10);
  if (kind <= 3) {
    const int instances = random.chance(0.4) ? 0 : random.between(1, 10);
    const bool start = random.chance(0.5);
    send_create(*host, instances, start, random.chance(0.3));
  } else if (kind <= 7) {
    json request{{"action", random.pick(about_containers)}, {"id", random_container(random)}};
    if (request["action"] == "delete-container") request["force"] = true;
    const std::string action = request["action"];
    send(*host, action, dump_json(request), task_allowed + grace_of(action));
  } else if (kind == 8) {
    json request{{"action", random.chance(0.8) ? "list-containers" : "list-images"}};
    if (random.chance(0.7)) request["all"] = true;
    send(*host, request["action"], dump_json(request), task_allowed);
  } else if (kind == 9) {
    send(*host, "list-nodes", R"({"action":"list-nodes"})", task_allowed);
  } else {
    json request{{"action", random.chance(0.6) ? "register" : "unregister"},
                 {"hostname", random.pick(host_names())}};
    send(*host, request["action"], dump_json(request), task_allowed);
  }
}

std::vector<std::string> VerbDriver::host_names() const {
  std::vector<std::string> names;
  for (const auto& host : hosts_) names.push_back(host->hostname());
  return names;
}

bool VerbDriver::all_answered() const {
  return std::all_of(records_.begin(), records_.end(), [](const auto& entry) {
    return entry.second->answers > 0 || entry.second->node_ended;
  });
}

void VerbDriver::note_end(const SimHost& host) {
  for (const auto& [number, record] : records_) {
    if (record->host == host.number() && record->incarnation == host.incarnation() &&
        record->answers == 0) {
      record->node_ended = true;
    }
  }
}

void VerbDriver::note_freeze(const SimHost& host, Duration duration) {
  for (const auto& [number, record] : records_) {
    if (record->host == host.number() && record->answers == 0) record->due += duration;
  }
}

}  // namespace dockherd::sim
