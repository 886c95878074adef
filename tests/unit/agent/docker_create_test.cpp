// Docker's creates through whole nodes: what is said when no host takes the container.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {
namespace {

using engine_api::CreateAnswer;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* missing = "No such image: busybox";

std::string message_of(const CreateAnswer& answer) {
  return parse_json(answer.body).value()["message"].get<std::string>();
}

class DockerCreate : public testing::Test {
 protected:
  void refuse(int number, int status, const std::string& message) {
    herd.plan(number, answer_always("POST", "/containers/create", refusal(status, message)));
  }
  std::size_t asked(int number) { return herd.calls(number, "POST", "/containers/create").size(); }

  SmallHerd herd{4};
};

TEST_F(DockerCreate, is_a_404_in_dockers_words_when_all_hosts_lack_the_image) {
  for (const int number : {1, 2}) refuse(number, 404, missing);
  const CreateAnswer answer = herd.create(3, {1, 2}, {"host3: constraint node==x not met"});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(message_of(answer), missing);
  EXPECT_EQ(asked(3), 0u);
}

TEST_F(DockerCreate, is_no_404_while_a_host_refuses_for_another_reason) {
  // Clients would pull the image, though a host has it.
  for (const int first : {1, 2}) {
    refuse(first, 404, missing);
    refuse(3 - first, 503, "memory: all is promised");
    const CreateAnswer answer = herd.create(3, {1, 2}, {"host3: out of the pool"});
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(message_of(answer),
                AllOf(HasSubstr("host" + std::to_string(first) + ": " + missing),
                      HasSubstr("host" + std::to_string(3 - first) + ": memory: all is promised"),
                      HasSubstr("host3: out of the pool")));
  }
}

TEST_F(DockerCreate, goes_to_the_host_that_has_the_image) {
  for (const int number : {1, 2, 3}) refuse(number, 404, missing);
  EXPECT_EQ(herd.create(1, {1, 2, 3, 4}).status, 201);
  EXPECT_THAT(herd.counts(), testing::ElementsAre(0, 0, 0, 1));
}

TEST_F(DockerCreate, is_a_404_although_a_host_that_lacks_the_image_has_no_room_either) {
  // Clients pull only then, and the host with room would get it, too.
  const std::string publishing =
      R"(,"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"80"}]}}})";
  for (const int number : {1, 2, 3}) {
    const CreateAnswer first = herd.create(4, {number}, {}, R"({"Image":"busybox")" + publishing);
    EXPECT_EQ(first.status, 201);
    const bool has_it = number == 3;
    herd.plan(number, answer_always(
                          "GET", "/images/new/json",
                          has_it ? DockerResponse(200, "{}") : refusal(404, "No such image: new")));
  }
  const std::string body = R"({"Image":"new")" + publishing;
  const CreateAnswer answer = herd.create(4, {1, 2}, {}, body);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(message_of(answer), "No such image: new");
  EXPECT_EQ(asked(1) + asked(2), 2u) << "once each before";
  const CreateAnswer there = herd.create(4, {1, 3}, {}, body);
  EXPECT_EQ(there.status, 503);
  EXPECT_THAT(message_of(there), HasSubstr("host3: port 80/tcp is taken"));
}

// --- what a daemon finds wrong with the body -----------------------------------------------------

TEST_F(DockerCreate, goes_to_a_host_that_has_what_others_lack) {
  for (const int number : {1, 2}) refuse(number, 400, "bind source path does not exist: /data");
  EXPECT_EQ(herd.create(1, {1, 2, 3}).status, 201);
  EXPECT_THAT(herd.counts(), testing::ElementsAre(0, 0, 1, 0));
}

TEST_F(DockerCreate, that_is_wrong_everywhere_is_refused_by_three_in_dockers_words) {
  for (const int number : {1, 2, 3, 4}) refuse(number, 400, "invalid CPU period");
  const CreateAnswer answer = herd.create(1, {1, 2, 3, 4});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(message_of(answer), "invalid CPU period");
  EXPECT_EQ(asked(1) + asked(2) + asked(3) + asked(4), 3u);
}

TEST_F(DockerCreate, names_the_hosts_when_they_find_different_things_wrong) {
  refuse(1, 400, "unknown runtime: kata");
  refuse(2, 400, "unknown runtime: runsc");
  const CreateAnswer answer = herd.create(3, {1, 2});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(message_of(answer),
            "no host took the container: host1: unknown runtime: kata; host2: unknown runtime: "
            "runsc");
}

TEST_F(DockerCreate, names_the_host_that_finds_something_wrong_when_others_could_not_be_asked) {
  refuse(1, 400, "unknown runtime: kata");
  const CreateAnswer answer = herd.create(3, {1}, {"host2: out of the pool"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(message_of(answer),
            "no host took the container: host1: unknown runtime: kata; host2: out of the pool");
}

TEST_F(DockerCreate, by_a_verb_ends_where_the_body_is_refused) {
  for (const int number : {1, 2, 3, 4}) refuse(number, 400, "invalid CPU period");
  const VerbAnswer answer = herd.ask(1, json{{"action", "create-container"}, {"image", "busybox"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(asked(1) + asked(2) + asked(3) + asked(4), 1u);
}

}  // namespace
}  // namespace dockherd::agent
