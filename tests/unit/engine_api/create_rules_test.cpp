#include "engine_api/create_rules.hpp"

#include <gmock/gmock.h>

#include "base/limits.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json document(std::string_view text) {
  return parse_json(text).value();
}

/// Reads the rules; `body` becomes what the daemon gets.
CreateRules read(json& body) {
  auto rules = read_create_rules(body);
  EXPECT_TRUE(rules.has_value()) << rules.error().message;
  return std::move(rules).value();
}

CreateRules read(std::string_view text) {
  json body = document(text);
  return read(body);
}

Error refusal(std::string_view text) {
  json body = document(text);
  auto rules = read_create_rules(body);
  EXPECT_TRUE(rules.has_error()) << text;
  return rules.has_error() ? rules.error() : Error();
}

std::vector<std::string> texts(const std::vector<RuleExpression>& rules) {
  std::vector<std::string> texts;
  for (const RuleExpression& rule : rules) texts.push_back(rule.text());
  return texts;
}

TEST(CreateRules, are_taken_from_the_environment_and_remembered_in_labels) {
  json body = document(R"({"Image":"redis","Env":["A=1","constraint:node==h2","affinity:image==~x",
      "affinity:container!=web*","whitelist:node==a|b","reschedule:on-node-failure","B"]})");
  const CreateRules rules = read(body);
  EXPECT_THAT(texts(rules.constraints), ElementsAre("node==h2"));
  EXPECT_THAT(texts(rules.affinities), ElementsAre("image==~x", "container!=web*"));
  ASSERT_THAT(texts(rules.whitelists), ElementsAre("node==a|b"));
  EXPECT_TRUE(rules.whitelists[0].matches("b"));
  EXPECT_EQ(rules.reschedule_policy, "on-node-failure");
  EXPECT_EQ(rules.image, "redis");
  EXPECT_EQ(body, document(R"({"Image":"redis","Env":["A=1","B"],"Labels":{
      "com.docker.swarm.constraints":"[\"node==h2\"]",
      "com.docker.swarm.affinities":"[\"image==~x\",\"container!=web*\"]",
      "com.docker.swarm.whitelists":"[\"node==a|b\"]",
      "com.docker.swarm.reschedule-policies":"[\"on-node-failure\"]"}})"));
}

TEST(CreateRules, are_taken_from_labels_as_the_docker_command_parts_them) {
  json body = document(R"({"Labels":{"a":"1","constraint:node":"=h2","constraint:storage!":"ssd",
      "constraint:zone==b":"","affinity:com.example.type":"=~front","affinity:image":"=/a=b/",
      "whitelist:node":"=h1|h2","reschedule:off":""}})");
  const CreateRules rules = read(body);
  EXPECT_THAT(texts(rules.constraints), ElementsAre("node==h2", "storage!=ssd", "zone==b"));
  EXPECT_THAT(texts(rules.affinities), ElementsAre("com.example.type==~front", "image==/a=b/"));
  EXPECT_THAT(texts(rules.whitelists), ElementsAre("node==h1|h2"));
  EXPECT_EQ(rules.reschedule_policy, "off");
  EXPECT_EQ(body, document(R"({"Labels":{"a":"1",
      "com.docker.swarm.constraints":"[\"node==h2\",\"storage!=ssd\",\"zone==b\"]",
      "com.docker.swarm.affinities":"[\"com.example.type==~front\",\"image==/a=b/\"]",
      "com.docker.swarm.whitelists":"[\"node==h1|h2\"]",
      "com.docker.swarm.reschedule-policies":"[\"off\"]"}})"));
}

TEST(CreateRules, that_a_container_remembers_are_read_again_and_joined_by_new_ones) {
  json body = document(R"({"Env":["constraint:node==h2","constraint:zone==a"],
      "Labels":{"com.docker.swarm.constraints":"[\"node==h2\", \"storage==ssd\"]",
                "constraint:zone":"=a"}})");
  const CreateRules rules = read(body);
  EXPECT_THAT(texts(rules.constraints), ElementsAre("node==h2", "storage==ssd", "zone==a"));
  const json stored = body;
  EXPECT_EQ(stored, document(R"({"Env":[],"Labels":{"com.docker.swarm.constraints":
      "[\"node==h2\",\"storage==ssd\",\"zone==a\"]"}})"));
  EXPECT_EQ(texts(read(body).constraints), texts(rules.constraints));
  EXPECT_EQ(body, stored);
}

TEST(CreateRules, a_body_without_rules_stays_as_it_is) {
  for (const char* text : {
           R"({})",
           R"([])",
           R"("text")",
           R"({"Image":"redis","Env":null,"Labels":null,"HostConfig":null,"Unknown":{"a":[1]}})",
           R"({"Env":["A=1","constraints:node==h2","X=constraint:node==h2"]})",
           R"({"Labels":{"constraints:node":"=h2","constraint":"node==h2"}})",
           R"({"Labels":{"com.docker.swarm.constraints":"[]","com.docker.swarm.id":"x"}})",
           R"({"HostConfig":{"Binds":["data:/data:ro"],"NetworkMode":"container:web"}})",
       }) {
    json body = document(text);
    const CreateRules rules = read(body);
    EXPECT_THAT(rules.constraints, IsEmpty()) << text;
    EXPECT_EQ(body, document(text));
  }
}

TEST(CreateRules, what_is_of_a_wrong_type_is_left_for_the_daemon_to_refuse) {
  for (const char* text : {
           R"({"Env":"constraint:node==h2"})",
           R"({"Env":[1,null]})",
           R"({"Labels":["constraint:node==h2"]})",
           R"({"Labels":{"constraint:node":1,"com.docker.swarm.constraints":["node==h2"]}})",
           R"({"HostConfig":[1],"NetworkingConfig":"x","Image":7})",
           R"({"HostConfig":{"NetworkMode":1,"IpcMode":null,"VolumesFrom":"web","Links":{"a":1},
               "Binds":[1,"x"],"Mounts":[1,{"Type":"volume"},{"Type":1,"Source":2}],
               "PortBindings":[1],"Memory":"1g"},"NetworkingConfig":{"EndpointsConfig":[1]}})",
           R"({"NetworkingConfig":{"EndpointsConfig":{"front":null,"back":{"Links":"web"}}}})",
       }) {
    json body = document(text);
    const CreateRules rules = read(body);
    EXPECT_THAT(rules.constraints, IsEmpty()) << text;
    EXPECT_THAT(rules.dependencies, IsEmpty()) << text;
    EXPECT_THAT(rules.volumes, IsEmpty()) << text;
    EXPECT_EQ(body, document(text));
  }
}

TEST(CreateRules, items_of_a_wrong_type_stay_beside_rules) {
  json body = document(R"({"Env":[1,"constraint:node==h2"],"Labels":["x"]})");
  EXPECT_THAT(texts(read(body).constraints), ElementsAre("node==h2"));
  EXPECT_EQ(body, document(R"({"Env":[1],"Labels":["x"]})"));
}

TEST(CreateRules, keys_are_found_in_any_case_and_not_doubled) {
  json body = document(R"({"env":["constraint:node==h2"],"LABELS":{"a":"1"},"image":"redis",
                           "hostconfig":{"memory":7,"volumesfrom":["web"]}})");
  const CreateRules rules = read(body);
  EXPECT_THAT(texts(rules.constraints), ElementsAre("node==h2"));
  EXPECT_EQ(rules.image, "redis");
  EXPECT_EQ(rules.reservation.memory_bytes, 7);
  EXPECT_THAT(rules.dependencies, ElementsAre("web"));
  EXPECT_EQ(body, document(R"({"env":[],"LABELS":{"a":"1",
      "com.docker.swarm.constraints":"[\"node==h2\"]"},"image":"redis",
      "hostconfig":{"memory":7,"volumesfrom":["web"]}})"));
}

TEST(CreateRules, a_rule_that_is_not_understood_is_named) {
  const struct {
    const char* body;
    const char* kind;
    const char* says;
  } cases[] = {
      {R"({"Env":["constraint:node=h2"]})", "constraint: \"node=h2\"", "KEY==VALUE or KEY!=VALUE"},
      {R"({"Env":["constraint:"]})", "constraint: \"\"", "KEY==VALUE"},
      {R"({"Env":["affinity:image==/(/"]})", "affinity: \"image==/(/\"", "regular expression"},
      {R"({"Env":["whitelist:node==|"]})", "whitelist: \"node==|\"", "between the bars"},
      {R"({"Labels":{"constraint:node":"h2"}})", "constraint: \"node=h2\"", "KEY==VALUE"},
      {R"({"Labels":{"constraint:a b":"=c"}})", "constraint: \"a b==c\"", "expected a key"},
      {R"({"Env":["reschedule:always"]})", "reschedule: \"always\"", "\"on-node-failure\""},
      {R"({"Env":["reschedule:off","reschedule:on-node-failure"]})", "reschedule:", "one policy"},
      {R"({"Labels":{"com.docker.swarm.constraints":"node==h2"}})",
       "label com.docker.swarm.constraints", "JSON list"},
      {R"({"Labels":{"com.docker.swarm.whitelists":"[1]"}})", "label com.docker.swarm.whitelists",
       "JSON list"},
      {R"({"Labels":{"com.docker.swarm.affinities":"{}"}})", "label com.docker.swarm.affinities",
       "JSON list"},
      {R"({"Labels":{"com.docker.swarm.constraints":"[\"node=h2\"]"}})", "constraint: \"node=h2\"",
       "KEY==VALUE"},
  };
  for (const auto& one : cases) {
    const Error wrong = refusal(one.body);
    EXPECT_EQ(wrong.code, errc::bad_request) << one.body;
    EXPECT_THAT(wrong.message, HasSubstr(one.kind));
    EXPECT_THAT(wrong.message, HasSubstr(one.says));
  }
}

TEST(CreateRules, are_not_without_number) {
  json body = json::object();
  for (std::size_t i = 0; i < limits::rules; ++i) {
    body["Env"].push_back("constraint:node!=h" + std::to_string(i));
  }
  json one_more = body;
  EXPECT_EQ(read(body).constraints.size(), limits::rules);
  one_more["Env"].push_back("affinity:image==redis");
  const auto rules = read_create_rules(one_more);
  ASSERT_TRUE(rules.has_error());
  EXPECT_THAT(rules.error().message, HasSubstr("more than 256"));
}

TEST(CreateRules, a_stored_list_is_not_without_number_either) {
  json list = json::array();
  for (std::size_t i = 0; i <= limits::rules; ++i) list.push_back("node!=h" + std::to_string(i));
  json body{{"Labels", {{"com.docker.swarm.constraints", list.dump()}}}};
  const auto rules = read_create_rules(body);
  ASSERT_TRUE(rules.has_error());
  EXPECT_THAT(rules.error().message, HasSubstr("more than 256"));
}

json thousand(const char* prefix) {
  json list = json::array();
  for (int i = 0; i < 1000; ++i) list.push_back(prefix + std::to_string(i) + ":/x");
  return list;
}

TEST(CreateRules, a_list_that_is_too_long_is_refused_by_its_name) {
  for (const char* name : {"Binds", "Mounts", "VolumesFrom", "Links"}) {
    json body{{"HostConfig", {{name, thousand("v")}}}};
    EXPECT_TRUE(read_create_rules(body).has_value()) << name;
    body["HostConfig"][name].push_back("more:/x");
    const auto rules = read_create_rules(body);
    ASSERT_TRUE(rules.has_error()) << name;
    EXPECT_EQ(rules.error().code, errc::bad_request);
    EXPECT_EQ(rules.error().field, std::string("HostConfig.") + name);
    EXPECT_THAT(rules.error().message, HasSubstr("at most 1000 members, got 1001"));
  }
}

TEST(CreateRules, networks_and_their_links_are_counted_together) {
  json endpoints = json::object();
  for (int i = 0; i < 1000; ++i) endpoints["n" + std::to_string(i)] = json::object();
  endpoints["n0"]["Links"] = thousand("c");
  json body{{"NetworkingConfig", {{"EndpointsConfig", endpoints}}}};
  const CreateRules rules = read(body);
  EXPECT_EQ(rules.networks.size(), 1000u);
  EXPECT_EQ(rules.soft_dependencies.size(), 1000u);
  json& limited = body["NetworkingConfig"]["EndpointsConfig"];
  limited["n1"]["Links"].push_back("more:x");
  EXPECT_EQ(refusal(body.dump()).field, "NetworkingConfig.EndpointsConfig.Links");
  limited["n1"].erase("Links");
  limited["more"] = nullptr;
  EXPECT_EQ(refusal(body.dump()).field, "NetworkingConfig.EndpointsConfig");
}

TEST(CreateRules, ports_are_as_many_as_there_are) {
  const char* const every_port = R"({"HostConfig":{"PortBindings":{
      "1/tcp":[{"HostPort":"1-65535"}],"2/tcp":[{"HostPort":"80"}]}}})";
  EXPECT_EQ(read(every_port).reservation.ports.size(), 2u);
  const Error wrong = refusal(R"({"HostConfig":{"PortBindings":{
      "1/tcp":[{"HostPort":"1-65535"}],"2/tcp":[{"HostPort":"2-65535"}]}}})");
  EXPECT_EQ(wrong.field, "HostConfig.PortBindings");
  EXPECT_THAT(wrong.message, HasSubstr("at most 65536 ports"));
}

TEST(CreateRules, containers_whose_network_ipc_pids_or_volumes_are_shared_are_dependencies) {
  const struct {
    const char* host_config;
    std::vector<std::string> dependencies;
  } cases[] = {
      {R"({"NetworkMode":"container:web"})", {"web"}},
      {R"({"IpcMode":"container:web"})", {"web"}},
      {R"({"PidMode":"container:web"})", {"web"}},
      {R"({"NetworkMode":"container:"})", {}},
      {R"({"NetworkMode":"containers","IpcMode":"shareable","PidMode":"host"})", {}},
      {R"({"VolumesFrom":["web","db:ro"]})", {"web", "db"}},
      {R"({"VolumesFrom":["","/web"]})", {"web"}},
      {R"({"Links":["web:w","db","/cache:/other/alias"]})", {"web", "db", "cache"}},
      {R"({"NetworkMode":"container:web","IpcMode":"container:web","VolumesFrom":["db","web"]})",
       {"web", "db"}},
      {R"({"VolumesFrom":["1a2b3c4d5e6f"]})", {"1a2b3c4d5e6f"}},
  };
  for (const auto& one : cases) {
    json body{{"HostConfig", document(one.host_config)}};
    EXPECT_EQ(read(body).dependencies, one.dependencies) << one.host_config;
    EXPECT_EQ(body["HostConfig"], document(one.host_config));
  }
}

TEST(CreateRules, a_container_with_its_node_is_named_to_the_daemon_without_it) {
  json body = document(R"({"HostConfig":{"NetworkMode":"container:h1/web",
      "IpcMode":"container:/h1/web","VolumesFrom":["h1/data:ro"],
      "Links":["h1/db:sql","/h1/cache:/x/alias"]},
      "NetworkingConfig":{"EndpointsConfig":{"front":{"Links":["h2/mail:m"]}}}})");
  const CreateRules rules = read(body);
  EXPECT_THAT(rules.dependencies, ElementsAre("h1/web", "h1/data", "h1/db", "h1/cache"));
  EXPECT_THAT(rules.soft_dependencies, ElementsAre("h2/mail"));
  EXPECT_EQ(body, document(R"({"HostConfig":{"NetworkMode":"container:web",
      "IpcMode":"container:/web","VolumesFrom":["data:ro"],
      "Links":["db:sql","/cache:/x/alias"]},
      "NetworkingConfig":{"EndpointsConfig":{"front":{"Links":["mail:m"]}}}})"));
}

TEST(CreateRules, links_on_a_network_of_ones_own_are_wishes) {
  const CreateRules rules = read(R"({"HostConfig":{"NetworkMode":"front"},"NetworkingConfig":
      {"EndpointsConfig":{"front":{"Links":["db:sql","db:db_1"]},"back":{"Links":["mail"]}}}})");
  EXPECT_THAT(rules.dependencies, IsEmpty());
  EXPECT_THAT(rules.soft_dependencies, ElementsAre("mail", "db"));
}

TEST(CreateRules, named_volumes_of_the_local_driver_are_noted) {
  const struct {
    const char* host_config;
    std::vector<std::string> volumes;
  } cases[] = {
      {R"({"Binds":["data:/data","logs:/logs:ro","/srv:/srv","/srv","x"]})", {"data", "logs"}},
      {R"({"Binds":["data:/a","data:/b"]})", {"data"}},
      {R"({"Binds":["./x:/a","~/x:/b",":/c","a/b:/d","é:/e"]})", {}},
      {R"({"Binds":["data:/data"],"VolumeDriver":"local"})", {"data"}},
      {R"({"Binds":["data:/data"],"VolumeDriver":""})", {"data"}},
      {R"({"Binds":["data:/data"],"VolumeDriver":"nfs"})", {}},
      {R"({"Mounts":[{"Type":"volume","Source":"data","Target":"/data"}]})", {"data"}},
      {R"({"Mounts":[{"type":"volume","source":"data"},{"Type":"volume","Target":"/x"},
                     {"Type":"bind","Source":"/srv"},{"Type":"tmpfs"}]})",
       {"data"}},
      {R"({"Mounts":[{"Type":"volume","Source":"a","VolumeOptions":{"DriverConfig":{"Name":"nfs"}}},
           {"Type":"volume","Source":"b","VolumeOptions":{"DriverConfig":{"Name":"local"}}},
           {"Type":"volume","Source":"c","VolumeOptions":{"NoCopy":true}}]})",
       {"b", "c"}},
  };
  for (const auto& one : cases) {
    json body{{"HostConfig", document(one.host_config)}};
    EXPECT_EQ(read(body).volumes, one.volumes) << one.host_config;
  }
}

TEST(CreateRules, networks_that_not_every_daemon_has_are_noted) {
  const CreateRules rules = read(R"({"HostConfig":{"NetworkMode":"front"},"NetworkingConfig":
      {"EndpointsConfig":{"front":{},"back":null,"bridge":{},"host":{}}}})");
  EXPECT_THAT(rules.networks, ElementsAre("front", "back"));
  for (const char* mode : {"", "default", "bridge", "host", "none", "container:web"}) {
    const json body{{"HostConfig", {{"NetworkMode", mode}}}};
    EXPECT_THAT(read(dump_json(body)).networks, IsEmpty()) << mode;
  }
}

TEST(CreateRules, hold_what_the_container_is_promised) {
  const CreateRules rules = read(R"({"HostConfig":{"Memory":1000,"NanoCpus":2000,
      "PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}})");
  EXPECT_EQ(rules.reservation.memory_bytes, 1000);
  EXPECT_EQ(rules.reservation.nano_cpus, 2000);
  ASSERT_EQ(rules.reservation.ports.size(), 1u);
  EXPECT_EQ(rules.reservation.ports[0].first, 8080);
}

TEST(CreateRules, bytes_that_are_no_utf8_do_not_break_what_is_stored) {
  json body{{"Env", {"constraint:node==h\xff"}}};
  EXPECT_EQ(read(body).constraints[0].value(), "h\xff");
  EXPECT_EQ(body["Labels"]["com.docker.swarm.constraints"], "[\"node==h\xef\xbf\xbd\"]");
}

TEST(ReplacedContainer, is_named_by_compose_in_a_label_and_in_the_name) {
  const json labelled{{"Labels", {{"com.docker.compose.replace", "web"}}}};
  EXPECT_EQ(replaced_container(labelled, "0123456789ab_web"), "0123456789ab");
  for (const char* name : {"", "web", "0123456789ab", "0123456789ab-web", "0123456789xy_web"}) {
    EXPECT_EQ(replaced_container(labelled, name), "") << name;
  }
  for (const json& body :
       {json::object(), json{{"Labels", {{"a", "b"}}}}, json{{"Labels", nullptr}},
        json{{"Labels", {"com.docker.compose.replace"}}}}) {
    EXPECT_EQ(replaced_container(body, "0123456789ab_web"), "") << body;
  }
}

}  // namespace
}  // namespace dockherd::engine_api
