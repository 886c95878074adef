#include "agent/gatekeeper.hpp"

#include <gtest/gtest.h>

#include "agent/user_rules.hpp"
#include "agent/verbs.hpp"
#include "trust/token.hpp"

namespace dockherd::agent {
namespace {

using http_api::Credentials;
using trust::Role;

const std::string token = trust::new_token();

trust::UserBook users() {
  trust::Users known;
  known["ann"].role = Role::operator_;
  known["ann"].tokens = {{"t1", trust::hash_of(token), ""}};
  known["vera"].role = Role::viewer;
  return trust::UserBook::of(known);
}

Credentials with_token(const std::string& authorization) {
  Credentials credentials;
  credentials.authorization = authorization;
  credentials.address = "10.0.0.9";
  return credentials;
}

TEST(Gatekeeper, a_token_says_who_it_is) {
  const trust::UserBook book = users();
  Gatekeeper gatekeeper(book, false);
  const std::string good = "Bearer " + token;
  const auto caller = gatekeeper.authenticate(with_token(good));
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->principal, (trust::Principal{"ann", Role::operator_}));
  EXPECT_FALSE(caller->by_agent);
  for (const std::string bad : {"", "Bearer", "Bearer x", "Basic x", "Bearer dht_"}) {
    EXPECT_FALSE(gatekeeper.authenticate(with_token(bad))) << bad;
  }
}

TEST(Gatekeeper, what_a_client_says_of_itself_is_not_believed) {
  const trust::UserBook book = users();
  Gatekeeper gatekeeper(book, false);
  Credentials forged = with_token("");
  forged.user = "ann";
  forged.role = "admin";
  EXPECT_FALSE(gatekeeper.authenticate(forged));
  const std::string good = "Bearer " + token;
  forged.authorization = good;
  EXPECT_EQ(gatekeeper.authenticate(forged)->principal.role, Role::operator_);
}

TEST(Gatekeeper, an_agents_word_is_believed_on_their_port_within_the_own_file) {
  const trust::UserBook book = users();
  Gatekeeper gatekeeper(book, false);
  Credentials agent;
  agent.to_agents_port = true;
  EXPECT_TRUE(gatekeeper.authenticate(agent)->principal.is_admin());
  EXPECT_TRUE(gatekeeper.authenticate(agent)->by_agent);
  agent.user = "vera";
  agent.role = "admin";
  EXPECT_EQ(gatekeeper.authenticate(agent)->principal.role, Role::viewer);
  agent.user = "stranger";
  EXPECT_FALSE(gatekeeper.authenticate(agent));
  agent.user = "";
  EXPECT_FALSE(gatekeeper.authenticate(agent));
  agent.user = "ann";
  agent.role = "king";
  EXPECT_FALSE(gatekeeper.authenticate(agent));
}

TEST(Gatekeeper, certificates_are_users_or_admins_where_there_is_no_file) {
  const trust::UserBook book = users();
  Gatekeeper with_users(book, true);
  Credentials client;
  client.certificate_name = "vera";
  EXPECT_EQ(with_users.authenticate(client)->principal.role, Role::viewer);
  client.certificate_name = "mallory";
  EXPECT_FALSE(with_users.authenticate(client));
  const trust::UserBook none;
  Gatekeeper without_users(none, true);
  EXPECT_TRUE(without_users.authenticate(client)->principal.is_admin());
  client.certificate_name = "a name with blanks";
  EXPECT_EQ(without_users.authenticate(client)->principal, trust::Principal());
  EXPECT_FALSE(with_users.authenticate(client));
  // A wrong token is not made good.
  client.certificate_name = "vera";
  client.authorization = "Bearer x";
  EXPECT_FALSE(with_users.authenticate(client));
}

TEST(Gatekeeper, a_herd_that_asks_nobody_takes_everybody_for_an_admin) {
  const trust::UserBook none;
  Gatekeeper gatekeeper(none, false);
  EXPECT_TRUE(gatekeeper.authenticate(with_token("Bearer whatever"))->principal.is_admin());
}

// --- users and verbs -----------------------------------------------------------------------------

TEST(VerbUsers, a_client_cannot_name_a_user) {
  for (const char* text : {R"({"action":"stop-container","id":"x","user":"root","role":"admin"})",
                           R"({"action":"list-containers","user":"root","role":"admin"})"}) {
    EXPECT_FALSE(decode_verb(text, VerbOrigin::client)) << text;
    EXPECT_TRUE(decode_verb(text, VerbOrigin::agent)) << text;
  }
}

TEST(VerbUsers, for_whom_an_agent_asks_goes_with_the_verb) {
  ContainerVerb stop;
  stop.action = ContainerAction::stop;
  stop.ids = {"x"};
  stop.user = trust::Principal{"ann", Role::operator_};
  const auto again = decode_verb(encode_verb(stop), VerbOrigin::agent);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(std::get<ContainerVerb>(*again).user, stop.user);
  CreateOneVerb create;
  create.body = "{}";
  create.user = stop.user;
  EXPECT_EQ(std::get<CreateOneVerb>(*decode_verb(encode_verb(create), VerbOrigin::agent)).user,
            stop.user);
  EXPECT_FALSE(
      decode_verb(R"({"action":"stop-container","id":"x","user":"ann"})", VerbOrigin::agent));
  EXPECT_FALSE(
      decode_verb(R"({"action":"node-info","user":"ann","role":"admin"})", VerbOrigin::agent));
}

TEST(VerbUsers, each_role_has_its_verbs) {
  const trust::Principal viewer{"vera", Role::viewer};
  const trust::Principal operator_{"ann", Role::operator_};
  const struct {
    const char* text;
    bool for_viewers;
    bool for_operators;
  } cases[] = {
      {R"({"action":"list-nodes"})", true, true},
      {R"({"action":"list-containers"})", true, true},
      {R"({"action":"list-images"})", true, true},
      {R"({"action":"inspect-container","id":"x"})", true, true},
      {R"({"action":"stop-container","id":"x"})", false, true},
      {R"({"action":"delete-container","id":"x"})", false, true},
      {R"({"action":"create-container","image":"x"})", false, true},
      {R"({"action":"create-raw-container","body":{}})", false, true},
      {R"({"action":"register"})", false, false},
      {R"({"action":"unregister","hostname":"h1"})", false, false},
  };
  for (const auto& [text, for_viewers, for_operators] : cases) {
    const auto verb = decode_verb(text, VerbOrigin::client);
    ASSERT_TRUE(verb) << text;
    EXPECT_EQ(may_ask(viewer, *verb).has_value(), for_viewers) << text;
    EXPECT_EQ(may_ask(operator_, *verb).has_value(), for_operators) << text;
    EXPECT_TRUE(may_ask({}, *verb)) << text;
  }
}

TEST(Quota, what_it_counts_must_have_a_bound) {
  trust::Quota quota;
  EXPECT_TRUE(states_what_is_counted(json::object(), quota));
  quota.memory_bytes = 1 << 20;
  EXPECT_FALSE(states_what_is_counted(json::object(), quota));
  EXPECT_TRUE(states_what_is_counted(json::parse(R"({"HostConfig":{"Memory":5}})"), quota));
  quota.nano_cpus = 1;
  EXPECT_FALSE(
      states_what_is_counted(json::parse(R"({"HostConfig":{"Memory":5,"CpuShares":2}})"), quota));
  // A daemon takes less than a hundredth of a CPU for no bound.
  for (const char* cpus : {"0", "-1", "7", "9999999", "1e9", "null"}) {
    const std::string body = std::string(R"({"HostConfig":{"Memory":5,"NanoCpus":)") + cpus + "}}";
    EXPECT_FALSE(states_what_is_counted(json::parse(body), quota)) << cpus;
  }
  EXPECT_TRUE(states_what_is_counted(
      json::parse(R"({"HostConfig":{"Memory":5,"NanoCpus":10000000}})"), quota));
}

TEST(Quota, what_is_swapped_is_within_the_memory_that_it_counts) {
  trust::Quota quota;
  quota.memory_bytes = 1 << 20;
  const auto states = [&quota](const std::string& swap) {
    const std::string body = R"({"HostConfig":{"Memory":100,"memoryswap":)" + swap + "}}";
    return states_what_is_counted(json::parse(body), quota);
  };
  for (const char* swap : {"null", "0", "100", "150", "200"}) EXPECT_TRUE(states(swap)) << swap;
  for (const char* swap : {"-1", "99", "201", "1.5", "\"0\"", "18446744073709551615"}) {
    const auto stated = states(swap);
    ASSERT_FALSE(stated) << swap;
    EXPECT_EQ(stated.error().field, "HostConfig.MemorySwap") << swap;
  }
  quota = {};
  EXPECT_TRUE(states("-1"));
}

}  // namespace
}  // namespace dockherd::agent
