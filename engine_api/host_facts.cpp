#include "engine_api/host_facts.hpp"

namespace dockherd::engine_api {

HostFacts facts_of(const HerdNode& node) {
  HostFacts facts;
  facts.id = node.view.id;
  facts.name = node.view.name;
  facts.labels = node.view.labels;
  facts.operating_system = node.facts.operating_system;
  facts.os_type = node.facts.os_type;
  facts.architecture = node.facts.architecture;
  facts.kernel_version = node.facts.kernel_version;
  facts.storage_driver = node.facts.storage_driver;
  facts.in_pool = node.in_pool;
  facts.daemon_up = node.daemon_up;
  return facts;
}

}  // namespace dockherd::engine_api
