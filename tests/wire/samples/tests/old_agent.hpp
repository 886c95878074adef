// An agent of an earlier release, played from its samples: it says what that release said, and
// answers requests with that release's replies.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json_reader.hpp"
#include "bus/event_bus.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"
#include "tests/wire/samples/sample_files.hpp"

namespace dockherd::wire {

/// Purpose: a peer at host `number` of the network. Owned by the test; one thread.
class OldAgent {
 public:
  /// Changes each content before it leaves: nothing, or into what a later release may say.
  using Change = std::function<void(json& body)>;

  OldAgent(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
           std::string protocol, Change change);
  ~OldAgent();
  OldAgent(const OldAgent&) = delete;
  OldAgent& operator=(const OldAgent&) = delete;

  bus::EventBus& event_bus() { return *bus_; }
  const NodeId& id() const { return bus_->self(); }

  /// The notice of that sample, with what `fit` makes of its body.
  void tell(const NodeId& to, const std::string& sample, const Change& fit = {});
  /// The request of that sample; its reply.
  Result<bus::Reply> ask(const NodeId& to, const std::string& sample, const Change& fit = {});
  /// How many requests with that action have come.
  int asked(const std::string& action) const;

 private:
  asio::awaitable<bus::Reply> answer(bus::IncomingRequest request);
  json content(const std::string& sample, const Change& fit) const;

  Samples samples_;
  Change change_;
  std::map<std::string, int> asked_;
  fakes::VirtualTime& time_;
  fakes::VirtualContext context_;
  fakes::VirtualClock clock_;
  fakes::MemoryTransport transport_;
  fakes::MemoryDiscovery discovery_;
  std::unique_ptr<bus::EventBus> bus_;
};

}  // namespace dockherd::wire
