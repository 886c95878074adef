// Images that a host lacks, through whole nodes: pulled first, however long that takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const json one_alpine{{"action", "create-container"}, {"image", "alpine"}};

json alpines(int instances) {
  json verb = one_alpine;
  verb["instances"] = instances;
  return verb;
}

json with_auth(const char* token) {
  json verb = one_alpine;
  verb["headers"] = json{{"X-Registry-Auth", token}};
  return verb;
}

/// A create has half a second, a pull far longer.
void hurried(NodeSettings& settings) {
  settings.new_container_timeout = 500ms;
}

void let_pulls_take(SmallHerd& herd, int number, std::chrono::microseconds time) {
  herd.docker(number).settings().pull = {time, time};
}

std::size_t pulls(SmallHerd& herd, int number) {
  return herd.calls(number, "POST", "/images/create").size();
}

TEST(ImagePull, a_missing_image_is_pulled_first) {
  SmallHerd herd(1);
  herd.host(1).daemon().add_to_registry("alpine");
  const VerbAnswer answer = herd.ask(1, one_alpine);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(herd.total(), 1u);
}

TEST(ImagePull, a_body_may_spell_its_image_as_docker_lets_it) {
  SmallHerd herd(1);
  herd.host(1).daemon().add_to_registry("alpine");
  const json verb{{"action", "create-raw-container"}, {"body", {{"image", "alpine"}}}};
  const VerbAnswer answer = herd.ask(1, verb);
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST(ImagePull, a_pull_that_takes_longer_than_a_create_is_waited_for) {
  SmallHerd herd(2, hurried);
  for (const int number : {1, 2}) {
    herd.host(number).daemon().add_to_registry("alpine");
    let_pulls_take(herd, number, 20s);
  }
  const VerbAnswer answer = herd.ask(1, alpines(20));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body["summary"]["created"], 20);
  EXPECT_THAT(herd.counts(), ElementsAre(10, 10));
  EXPECT_EQ(pulls(herd, 1), 1u);
  EXPECT_EQ(pulls(herd, 2), 1u);
}

TEST(ImagePull, later_creates_join_the_pull_that_runs) {
  SmallHerd herd(1, hurried);
  herd.host(1).daemon().add_to_registry("alpine");
  let_pulls_take(herd, 1, 20s);
  const auto first = herd.send(1, one_alpine);
  herd.time().run_for(7s);
  const auto other_tag =
      herd.send(1, json{{"action", "create-container"}, {"image", "alpine:latest"}});
  const VerbAnswer last = herd.ask(1, with_auth("x"));
  herd.time().run_for(1s);
  EXPECT_EQ(first->status, 200) << first->body;
  EXPECT_EQ(other_tag->status, 200) << other_tag->body;
  EXPECT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(pulls(herd, 1), 1u);
}

TEST(ImagePull, a_pull_goes_on_when_nobody_waits_for_it_any_more) {
  SmallHerd herd(2, hurried);
  herd.host(1).daemon().add_to_registry("alpine");
  let_pulls_take(herd, 1, 20s);
  herd.ask(1, json{{"action", "unregister"}, {"hostname", "host2"}});
  const auto unanswered = herd.send(2, one_alpine);
  herd.time().run_for(2s);
  herd.host(2).end_agent(sim::Ending::killed);
  herd.time().run_for(30s);
  EXPECT_EQ(unanswered->status, 0);
  EXPECT_EQ(herd.ask(1, one_alpine).status, 200);
  EXPECT_EQ(pulls(herd, 1), 1u);
}

TEST(ImagePull, a_pull_that_does_not_end_in_time_is_a_failure_that_says_so) {
  SmallHerd herd(2, [](NodeSettings& settings) {
    settings.new_container_timeout = 500ms;
    settings.pull_timeout = 10s;
  });
  for (const int number : {1, 2}) {
    herd.host(number).daemon().add_to_registry("alpine");
    let_pulls_take(herd, number, 10min);
  }
  const TimePoint asked = herd.time().now();
  const VerbAnswer answer = herd.ask(1, alpines(4));
  EXPECT_LT(herd.time().now() - asked, 60s);
  EXPECT_EQ(answer.body["summary"]["failed"], 4) << answer.body;
  for (const json& envelope : answer.body["containers"]) {
    EXPECT_THAT(envelope["error"].get<std::string>(), HasSubstr("did not end in time")) << envelope;
    EXPECT_TRUE(envelope.contains("dockerInstance")) << envelope;
  }
  EXPECT_EQ(herd.total(), 0u);
}

TEST(ImagePull, who_asked_waits_no_longer_than_its_own_time_for_a_pull_and_nothing_was_made) {
  SmallHerd herd(2, [](NodeSettings& settings) {
    settings.new_container_timeout = 500ms;
    if (settings.hostname == "host2") settings.pull_timeout = 5s;
  });
  herd.host(1).daemon().add_to_registry("alpine");
  let_pulls_take(herd, 1, 5min);
  herd.ask(1, json{{"action", "unregister"}, {"hostname", "host2"}});
  const VerbAnswer answer = herd.ask(2, one_alpine);
  EXPECT_EQ(answer.status, 504) << answer.body;
  EXPECT_EQ(answer.body["code"], "image_pulling");
  EXPECT_EQ(answer.body["dockerInstance"], "host1");
  EXPECT_THAT(answer.body["error"].get<std::string>(), HasSubstr("did not end in time"));
  EXPECT_EQ(herd.total(), 0u);
}

TEST(ImagePull, what_one_host_cannot_pull_goes_to_hosts_that_have_the_image) {
  SmallHerd herd(3);
  herd.host(2).daemon().add_image("alpine");
  herd.host(3).daemon().add_image("alpine");
  const VerbAnswer answer = herd.ask(1, alpines(6));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(herd.counts(), ElementsAre(0, 3, 3));
}

TEST(ImagePull, where_the_image_is_missing_the_error_names_the_hosts_that_have_it) {
  SmallHerd herd(3);
  herd.host(2).daemon().add_image("alpine");
  for (const char* hostname : {"host2", "host3"}) {
    herd.ask(1, json{{"action", "unregister"}, {"hostname", hostname}});
  }
  const VerbAnswer answer = herd.ask(3, one_alpine);
  EXPECT_EQ(answer.status, 404) << answer.body;
  EXPECT_EQ(answer.body["dockerInstance"], "host1");
  EXPECT_THAT(answer.body["error"].get<std::string>(), HasSubstr("pull access denied"));
  EXPECT_THAT(answer.body["error"].get<std::string>(), HasSubstr("hosts that have it: host2"));
}

TEST(ImagePull, what_failed_with_other_credentials_is_tried_again) {
  SmallHerd herd(1);
  herd.host(1).daemon().add_to_registry("alpine");
  herd.plan(1, [](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    const bool pull = request.target.find("/images/create") != std::string::npos;
    const docker_client::Headers good{{"X-Registry-Auth", "good"}};
    if (!pull || request.headers == good) return std::nullopt;
    return Result<DockerResponse>(refusal(401, "unauthorized"));
  });
  EXPECT_EQ(herd.ask(1, with_auth("bad")).status, 404);
  EXPECT_EQ(herd.ask(1, with_auth("bad")).status, 404);
  EXPECT_EQ(pulls(herd, 1), 1u) << "the same is not tried again at once";
  EXPECT_EQ(herd.ask(1, with_auth("good")).status, 200);
}

TEST(ImagePull, headers_reach_docker_with_create_and_pull) {
  SmallHerd herd(2);
  herd.host(1).daemon().add_to_registry("alpine");
  herd.ask(1, json{{"action", "unregister"}, {"hostname", "host2"}});
  EXPECT_EQ(herd.ask(2, with_auth("token")).status, 200);
  const docker_client::Headers sent{{"X-Registry-Auth", "token"}};
  const auto creates = herd.calls(1, "POST", "/containers/create");
  ASSERT_FALSE(creates.empty());
  EXPECT_THAT(creates, Each(testing::Field(&DockerRequest::headers, sent)));
  const auto pulled = herd.calls(1, "POST", "/images/create");
  ASSERT_EQ(pulled.size(), 1u);
  EXPECT_EQ(pulled.front().headers, sent);
}

TEST(ImagePull, a_create_that_docker_refused_is_certain_whatever_comes_of_the_look_for_its_image) {
  for (const errc code : {errc::timeout, errc::daemon_lost}) {
    SmallHerd herd(1);
    herd.plan(1, answer_always("GET", "/images/", Error(code, "planted")));
    const VerbAnswer answer = herd.ask(1, alpines(1));
    EXPECT_EQ(answer.body["summary"]["failed"], 1) << answer.body;
    EXPECT_EQ(answer.body["containers"][0]["statusCode"], 404) << answer.body;
  }
}

}  // namespace
}  // namespace dockherd::agent
