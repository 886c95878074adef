// Creates through whole nodes: what becomes of each item when a daemon fails it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const json one{{"action", "create-container"}, {"image", "busybox"}};

TEST(BulkCreate, a_create_whose_event_came_before_its_answer_counts_once) {
  // Counted twice, host 1 would decline the second one and leave it to chance.
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SmallHerd herd(2, {}, seed);
    herd.create_behind(2, 2);
    herd.docker(1).settings().create = {1s, 1s};
    const auto first = herd.send(1, one);
    herd.time().run_for(900ms);
    ASSERT_EQ(herd.counts(), (std::vector<std::size_t>{1, 2}));
    ASSERT_EQ(first->status, 0);
    EXPECT_EQ(herd.ask(2, one).status, 200);
    EXPECT_THAT(herd.counts(), ElementsAre(2, 2)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dockherd::agent
