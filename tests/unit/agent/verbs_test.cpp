#include "agent/verbs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace dockherd::agent {
namespace {

using testing::HasSubstr;

Error refused(std::string_view text, VerbOrigin origin = VerbOrigin::client) {
  const auto verb = decode_verb(text, origin);
  EXPECT_FALSE(verb) << text;
  return verb ? Error(errc::internal, "was accepted") : verb.error();
}

TEST(Verbs, fields_that_a_newer_agent_adds_are_ignored) {
  const std::string text = R"({"action":"stop-container","id":"x","timeout":3,"reason":"drain"})";
  EXPECT_EQ(refused(text, VerbOrigin::agent).field, "reason");
  const auto verb = decode_verb(text, VerbOrigin::agent, UnknownKeys::ignored);
  ASSERT_TRUE(verb);
  EXPECT_EQ(std::get<ContainerVerb>(*verb).timeout, 3u);
}

TEST(Verbs, a_bulk_create_is_read_whole) {
  const auto verb = decode_verb(
      R"({"action":"create-container","template":"web","instances":4,"name":"web-{n}","start":true,
          "headers":{"X-Registry-Auth":"abc"},"env":["A=b"]})",
      VerbOrigin::client);
  ASSERT_TRUE(verb);
  const auto& create = std::get<CreateVerb>(*verb);
  EXPECT_EQ(create.template_name, "web");
  EXPECT_EQ(create.instances, 4u);
  EXPECT_EQ(create.overrides.name, "web-{n}");
  EXPECT_TRUE(create.start);
  EXPECT_EQ(create.headers.at(0).second, "abc");
}

TEST(Verbs, each_container_action_is_read_and_written_back) {
  for (const std::string_view action :
       {"start-container", "stop-container", "restart-container", "kill-container",
        "pause-container", "unpause-container", "inspect-container", "delete-container",
        "shutdown-container"}) {
    const std::string text = R"({"action":")" + std::string(action) + R"(","id":"abc"})";
    const auto verb = decode_verb(text, VerbOrigin::client);
    ASSERT_TRUE(verb) << action;
    EXPECT_EQ(encode_verb(std::get<ContainerVerb>(*verb)), text);
  }
}

TEST(Verbs, a_field_given_twice_is_named) {
  const Error twice = refused(R"({"action":"inspect-container","id":"a","id":"b"})");
  EXPECT_EQ(twice.code, errc::bad_request);
  EXPECT_EQ(twice.field, "id");
  EXPECT_EQ(
      refused(R"({"action":"create-container","image":"a","labels":{"x":"1","x":"2"}})").field,
      "labels.x");
}

TEST(Verbs, dockers_own_body_may_give_a_field_twice) {
  const auto verb = decode_verb(
      R"({"action":"create-raw-container","body":{"Image":"a","Image":"b"}})", VerbOrigin::client);
  ASSERT_TRUE(verb) << verb.error().message;
  EXPECT_EQ(std::get<CreateVerb>(*verb).body->at("Image"), "b");
}

TEST(Verbs, options_survive_the_way_to_the_owner) {
  const std::string text =
      R"({"action":"delete-container","force":true,"id":"abc","volumes":true})";
  const auto verb = decode_verb(text, VerbOrigin::client);
  ASSERT_TRUE(verb);
  EXPECT_EQ(encode_verb(std::get<ContainerVerb>(*verb)), text);
}

TEST(Verbs, each_container_action_takes_its_own_options_and_refuses_the_others) {
  const std::map<std::string, std::string> values{
      {"timeout", "3"}, {"signal", "\"INT\""}, {"force", "true"}, {"volumes", "true"}};
  const std::map<std::string, std::set<std::string>> taken{
      {"start-container", {}},
      {"stop-container", {"timeout", "signal"}},
      {"restart-container", {"timeout", "signal"}},
      {"kill-container", {"signal"}},
      {"pause-container", {}},
      {"unpause-container", {}},
      {"inspect-container", {}},
      {"delete-container", {"force", "volumes"}},
      {"shutdown-container", {"timeout", "signal", "volumes"}}};
  for (const auto& [action, options] : taken) {
    for (const auto& [option, value] : values) {
      const std::string text =
          R"({"action":")" + action + R"(","id":"a",")" + option + "\":" + value + "}";
      const auto verb = decode_verb(text, VerbOrigin::client);
      EXPECT_EQ(verb.has_value(), options.contains(option)) << text;
      EXPECT_EQ(verb ? option : verb.error().field, option);
    }
  }
}

struct Refusal {
  std::string_view request;
  std::string_view field;
  std::string_view part_of_message;
};

class RefusedVerb : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedVerb, names_the_field_and_what_was_expected) {
  const Error error = refused(GetParam().request);
  EXPECT_EQ(error.code, errc::bad_request);
  EXPECT_EQ(error.field, GetParam().field);
  EXPECT_THAT(error.message, HasSubstr(std::string(GetParam().part_of_message)));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedVerb,
    testing::Values(
        Refusal{R"({})", "action", "action is missing"},
        Refusal{R"({"action":7})", "action", "must be a string, got the number 7"},
        Refusal{R"({"action":"stop-contaner"})", "action", "did you mean \"stop-container\""},
        Refusal{R"({"action":"create-one","body":{}})", "action", "unknown action"},
        Refusal{R"({"action":"stop-container"})", "id", "id is missing"},
        Refusal{R"({"action":"stop-container","id":""})", "id", "empty string"},
        Refusal{R"({"action":"stop-container","id":["a"]})", "id", "must be a string"},
        Refusal{R"({"action":"stop-container","ids":"a"})", "ids", "list of strings"},
        Refusal{R"({"action":"stop-container","ids":["a",1]})", "ids", "item 2"},
        Refusal{R"({"action":"stop-container","id":"a","ids":["b"]})", "ids", "exclude"},
        Refusal{R"({"action":"stop-container","id":"a","timeout":-1})", "timeout", "from 0 to"},
        Refusal{R"({"action":"stop-container","id":"a","timeout":4.7})", "timeout", "whole number"},
        Refusal{R"({"action":"stop-container","id":"a","tiemout":1})", "tiemout",
                "did you mean \"timeout\""},
        Refusal{R"({"action":"create-container"})", "template", "a template, an image or a body"},
        Refusal{R"({"action":"create-container","template":"web","instances":0})", "instances",
                "from 1 to 10000"},
        Refusal{R"({"action":"create-container","template":"web","instances":"4"})", "instances",
                "whole number"},
        Refusal{R"({"action":"create-container","template":"web","body":{}})", "body", "exclude"},
        Refusal{R"({"action":"create-raw-container"})", "body", "body is missing"},
        Refusal{R"({"action":"create-raw-container","body":"{}"})", "body", "must be an object"},
        Refusal{R"({"action":"create-container","image":"a","headers":{"A":"b\r\nC: d"}})",
                "headers", "one line"},
        Refusal{R"({"action":"list-containers","all":"yes"})", "all", "true or false"},
        Refusal{R"({"action":"list-containers","all":true,"hostname":"h"})", "hostname", "exclude"},
        Refusal{R"({"action":"list-containers","shape":"round"})", "shape", "\"flat\""},
        Refusal{R"({"action":"list-containers","filters":"{"})", "filters", "filters"},
        Refusal{R"({"action":"register","hostname":1})", "hostname", "must be a string"}));

TEST(Verbs, actions_between_agents_are_known_to_agents_only) {
  EXPECT_TRUE(decode_verb(R"({"action":"node-info"})", VerbOrigin::agent));
  EXPECT_EQ(refused(R"({"action":"node-info"})").field, "action");
}

TEST(Verbs, create_one_carries_its_body_as_it_is) {
  CreateOneVerb one;
  one.body = R"({"Image":"busybox"})";
  one.name = "web-1";
  one.start = true;
  one.max_load = 3;
  one.api_version = "1.40";
  const auto verb = decode_verb(encode_verb(one), VerbOrigin::agent);
  ASSERT_TRUE(verb);
  const auto& back = std::get<CreateOneVerb>(*verb);
  EXPECT_EQ(back.body, one.body);
  EXPECT_EQ(back.name, "web-1");
  EXPECT_TRUE(back.start);
  EXPECT_EQ(back.max_load, 3u);
  EXPECT_EQ(back.api_version, "1.40");
  const auto garbled =
      decode_verb(R"({"action":"create-one","body":{},"api_version":"x/y"})", VerbOrigin::agent);
  ASSERT_FALSE(garbled);
  EXPECT_EQ(garbled.error().field, "api_version");
}

TEST(Verbs, a_stop_is_given_its_grace_time) {
  ContainerVerb stop;
  stop.action = ContainerAction::stop;
  EXPECT_EQ(extra_time(stop), std::chrono::seconds(10));
  stop.timeout = 60;
  EXPECT_EQ(extra_time(stop), std::chrono::seconds(60));
  stop.action = ContainerAction::inspect;
  EXPECT_EQ(extra_time(stop), std::chrono::seconds(0));
}

TEST(Verbs, without_a_timeout_the_grace_time_is_the_containers_own) {
  ContainerVerb stop;
  stop.action = ContainerAction::shutdown;
  const auto grace = [&](const std::string& config) {
    return extra_time(stop, stop_timeout_of(R"({"Response":{"Body":{"Config":)" + config + "}}}"));
  };
  EXPECT_EQ(grace(R"({"StopTimeout":60})"), std::chrono::seconds(60));
  EXPECT_EQ(grace(R"({"StopTimeout":0})"), std::chrono::seconds(0));
  for (const std::string none :
       {"{}", "null", R"({"StopTimeout":null})", R"({"StopTimeout":"x"})"}) {
    EXPECT_EQ(grace(none), default_grace) << none;
  }
  for (const std::string endless :
       {R"({"StopTimeout":-1})", R"({"StopTimeout":18446744073709551615})"}) {
    EXPECT_EQ(grace(endless), longest_grace) << endless;
  }
  stop.timeout = 3;
  EXPECT_EQ(grace(R"({"StopTimeout":60})"), std::chrono::seconds(3));
}

TEST(Verbs, filters_are_taken_as_object_or_as_docker_writes_them) {
  for (const std::string_view text :
       {R"({"action":"list-containers","filters":{"label":["a=b"]}})",
        R"({"action":"list-containers","filters":"{\"label\":[\"a=b\"]}"})"}) {
    const auto verb = decode_verb(text, VerbOrigin::client);
    ASSERT_TRUE(verb);
    EXPECT_EQ(std::get<ListVerb>(*verb).filters, R"({"label":["a=b"]})");
  }
}

}  // namespace
}  // namespace dockherd::agent
