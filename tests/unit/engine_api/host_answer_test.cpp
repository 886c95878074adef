#include "engine_api/host_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<HostAnswer> answers(std::vector<HostAnswer> list) {
  return list;
}

TEST(HostAnswer, names_those_that_failed_and_those_that_were_not_understood) {
  const auto list =
      answers({{"h1", 200, "a"}, {"h2", 500, "b"}, {"h3", 201, "c"}, {"h4", 404, ""}});
  std::string taken;
  const auto take = [&taken](const HostAnswer& answer) {
    taken += answer.body;
    return answer.body != "c";
  };
  EXPECT_THAT(take_good_answers(list, NotFound::is_a_failure, take), ElementsAre("h2", "h3", "h4"));
  EXPECT_EQ(taken, "ac");
  EXPECT_THAT(take_good_answers(list, NotFound::may_lack_it, take), ElementsAre("h2", "h3"));
}

TEST(HostAnswer, nothing_merged_is_the_failure_that_says_most) {
  const auto merged = nothing_merged(answers({{"h1", 404, "no"}, {"h2", 500, "boom"}}));
  EXPECT_EQ(merged.status, 500);
  EXPECT_EQ(merged.body, "boom");
  EXPECT_THAT(merged.left_out, ElementsAre("h2"));
}

TEST(HostAnswer, nothing_merged_of_hosts_that_all_lack_it_is_their_404) {
  const auto merged = nothing_merged(answers({{"h1", 404, "no a"}, {"h2", 404, "no b"}}));
  EXPECT_EQ(merged.status, 404);
  EXPECT_EQ(merged.body, "no a");
  EXPECT_THAT(merged.left_out, IsEmpty());
}

TEST(HostAnswer, nothing_merged_of_garbage_names_the_hosts) {
  const auto merged = nothing_merged(answers({{"h1", 200, "?"}, {"h2", 200, "?"}}));
  EXPECT_EQ(merged.status, 502);
  EXPECT_EQ(merged.body, "{\"message\":\"not understood: what the daemon answered on h1, h2\"}\n");
  EXPECT_THAT(merged.left_out, ElementsAre("h1", "h2"));
}

TEST(HostAnswer, nothing_merged_of_no_answer_is_a_503) {
  EXPECT_EQ(nothing_merged({}).status, 503);
}

}  // namespace
}  // namespace dockherd::engine_api
