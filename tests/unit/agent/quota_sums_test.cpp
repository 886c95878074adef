// Quotas when what is asked for is more than a sum can hold.
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <limits>
#include <vector>

#include "agent/quota_judge.hpp"
#include "tests/unit/agent/watching_agent.hpp"

namespace dockherd::agent {
namespace {

class QuotaSumsTest : public WatchingTest {
 protected:
  QuotaSumsTest() {
    trust::User ann;
    ann.role = trust::Role::operator_;
    ann.quota.memory_bytes = 1 << 30;
    book = trust::UserBook::of({{"ann", ann}});
    agent.herd.users = &book;
    agent.start();
    time.run_for(std::chrono::seconds(2));
  }

  /// The statuses of claims that are judged at once.
  std::vector<int> judge(std::size_t claims, std::int64_t memory_bytes) {
    std::vector<int> statuses;
    for (std::size_t i = 0; i < claims; ++i) {
      ClaimQuotaVerb verb;
      verb.user = "ann";
      verb.token = std::to_string(i);
      verb.containers = 1;
      verb.memory_bytes = memory_bytes;
      asio::co_spawn(agent.context, status_of(std::move(verb)),
                     [&statuses](const std::exception_ptr& failure, int status) {
                       EXPECT_FALSE(failure);
                       statuses.push_back(status);
                     });
    }
    time.touch(agent.context);
    EXPECT_TRUE(time.run_until([&] { return statuses.size() == claims; },
                               time.now() + std::chrono::minutes(1)));
    return statuses;
  }

  asio::awaitable<int> status_of(ClaimQuotaVerb verb) {
    const auto reply =
        co_await agent.quotas.judge(std::move(verb), time.now() + std::chrono::seconds(2));
    co_return reply.status;
  }

  trust::UserBook book;
  WatchingAgent& agent = add_agent();
};

TEST_F(QuotaSumsTest, what_fits_is_granted) {
  EXPECT_EQ(judge(1, 1 << 20), std::vector<int>{200});
}

TEST_F(QuotaSumsTest, many_claims_at_once_do_not_go_round_to_within_the_quota) {
  // Ten thousand instances of 64 TiB each, as one request may ask for.
  EXPECT_EQ(judge(20, std::int64_t{10'000} << 46), std::vector<int>(20, 403));
}

TEST_F(QuotaSumsTest, as_much_as_a_number_holds_is_refused_also_to_who_has_something) {
  EXPECT_EQ(judge(1, 1 << 20), std::vector<int>{200});
  EXPECT_EQ(judge(1, std::numeric_limits<std::int64_t>::max()), std::vector<int>{403});
}

}  // namespace
}  // namespace dockherd::agent
