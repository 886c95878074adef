// The verbs between agents as text; what decode_verb() reads.
#include "agent/verb_user.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

std::string encode_verb(const ContainerVerb& verb) {
  json text{{"action", action_name(verb.action)}};
  if (verb.several) {
    text["ids"] = verb.ids;
  } else {
    text["id"] = verb.ids.front();
  }
  if (verb.timeout) text["timeout"] = *verb.timeout;
  if (verb.signal) text["signal"] = *verb.signal;
  if (verb.force) text["force"] = true;
  if (verb.volumes) text["volumes"] = true;
  put_user(text, verb.user);
  return dump_json(text);
}

std::string encode_verb(const ListVerb& verb) {
  json text{{"action", verb.images ? "list-images" : "list-containers"}};
  if (!verb.filters.empty()) text["filters"] = verb.filters;
  put_user(text, verb.user);
  return dump_json(text);
}

std::string encode_verb(const PoolVerb& verb) {
  return dump_json(json{{"action", verb.in_pool ? "register" : "unregister"}});
}

std::string encode_verb(const CreateOneVerb& verb) {
  // The body is text already: put in as it is.
  json text{{"action", "create-one"}, {"start", verb.start}};
  if (!verb.name.empty()) text["name"] = verb.name;
  if (verb.max_load) text["max_load"] = *verb.max_load;
  if (!verb.platform.empty()) text["platform"] = verb.platform;
  if (!verb.api_version.empty()) text["api_version"] = verb.api_version;
  if (!verb.pull) text["pull"] = false;
  if (verb.once) text["once"] = true;
  if (verb.again) text["again"] = true;
  put_user(text, verb.user);
  for (const auto& [name, value] : verb.headers) text["headers"][name] = value;
  std::string encoded = dump_json(text);
  encoded.pop_back();
  return encoded + ",\"body\":" + verb.body + "}";
}

std::string encode_verb(const NodeInfoVerb&) {
  return R"({"action":"node-info"})";
}

std::string encode_verb(const HasImageVerb& verb) {
  return dump_json(json{{"action", "has-image"}, {"image", verb.image}});
}

std::string encode_verb(const ClaimNameVerb& verb) {
  return dump_json(json{{"action", "claim-name"}, {"name", verb.name}, {"token", verb.token}});
}

std::string encode_verb(const UsageVerb& verb) {
  return dump_json(json{{"action", "usage"}, {"of", verb.user}});
}

std::string encode_verb(const ClaimKeyVerb& verb) {
  return dump_json(json{{"action", "claim-key"}, {"key", verb.key}, {"token", verb.token}});
}

std::string encode_verb(const FindKeyVerb& verb) {
  return dump_json(json{{"action", "find-key"}, {"key", verb.key}, {"of", verb.user}});
}

std::string encode_verb(const ClaimQuotaVerb& verb) {
  return dump_json(json{{"action", "claim-quota"},
                        {"of", verb.user},
                        {"token", verb.token},
                        {"containers", verb.containers},
                        {"nano_cpus", verb.nano_cpus},
                        {"memory_bytes", verb.memory_bytes}});
}

std::string encode_verb(const StatusVerb& verb) {
  return R"({"action":"status","status":)" + verb.status + "}";
}

}  // namespace dockherd::agent
