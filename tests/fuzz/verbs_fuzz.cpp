// Any text as a verb, of a client and of an agent: an error that says something, or a verb that
// reads the same when it is written again for another agent.
#include "agent/verbs.hpp"

#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::agent;

/// Only what agents send each other can be written.
std::optional<std::string> written(const Verb& verb) {
  if (const auto* act = std::get_if<ContainerVerb>(&verb)) return encode_verb(*act);
  if (const auto* list = std::get_if<ListVerb>(&verb)) return encode_verb(*list);
  if (const auto* pool = std::get_if<PoolVerb>(&verb)) return encode_verb(*pool);
  if (const auto* create = std::get_if<CreateOneVerb>(&verb)) return encode_verb(*create);
  if (const auto* image = std::get_if<HasImageVerb>(&verb)) return encode_verb(*image);
  if (const auto* status = std::get_if<StatusVerb>(&verb)) return encode_verb(*status);
  if (const auto* name = std::get_if<ClaimNameVerb>(&verb)) return encode_verb(*name);
  if (const auto* usage = std::get_if<UsageVerb>(&verb)) return encode_verb(*usage);
  if (const auto* quota = std::get_if<ClaimQuotaVerb>(&verb)) return encode_verb(*quota);
  if (const auto* key = std::get_if<ClaimKeyVerb>(&verb)) return encode_verb(*key);
  if (const auto* found = std::get_if<FindKeyVerb>(&verb)) return encode_verb(*found);
  return std::nullopt;
}

bool is_between_agents(const Verb& verb) {
  return std::holds_alternative<CreateOneVerb>(verb) ||
         std::holds_alternative<NodeInfoVerb>(verb) || std::holds_alternative<HasImageVerb>(verb) ||
         std::holds_alternative<StatusVerb>(verb) || std::holds_alternative<ClaimNameVerb>(verb) ||
         std::holds_alternative<UsageVerb>(verb) || std::holds_alternative<ClaimQuotaVerb>(verb) ||
         std::holds_alternative<ClaimKeyVerb>(verb) || std::holds_alternative<FindKeyVerb>(verb);
}

void check(std::string_view text, VerbOrigin origin) {
  const auto verb = decode_verb(text, origin);
  if (!verb) return fuzz::require(!verb.error().message.empty());
  fuzz::require(origin == VerbOrigin::agent || !is_between_agents(*verb));
  if (const auto* act = std::get_if<ContainerVerb>(&*verb)) (void)extra_time(*act);
  const auto sent = written(*verb);
  if (!sent) return;
  const auto received = decode_verb(*sent, VerbOrigin::agent);
  fuzz::require(received && received->index() == verb->index());
  fuzz::require(written(*received) == sent);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  check(text, VerbOrigin::client);
  check(text, VerbOrigin::agent);
  return 0;
}
