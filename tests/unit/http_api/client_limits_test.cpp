#include "http_api/client_limits.hpp"

#include <gtest/gtest.h>

namespace dockherd::http_api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint start{};

LimitSettings small() {
  LimitSettings settings;
  settings.connections_per_client = 2;
  settings.requests = 3;
  settings.requests_per_caller = 2;
  settings.requests_per_second = 10;
  settings.burst = 5;
  return settings;
}

TEST(ClientLimits, an_address_has_so_many_connections_and_others_have_theirs) {
  ClientLimits limits(small());
  limits.connected("10.0.0.1");
  EXPECT_TRUE(limits.may_connect("10.0.0.1"));
  limits.connected("10.0.0.1");
  EXPECT_FALSE(limits.may_connect("10.0.0.1"));
  EXPECT_TRUE(limits.may_connect("10.0.0.2"));
  limits.disconnected("10.0.0.1");
  EXPECT_TRUE(limits.may_connect("10.0.0.1"));
}

TEST(ClientLimits, programs_of_this_host_have_no_bound_of_their_own) {
  ClientLimits limits(small());
  for (int i = 0; i < 10; ++i) limits.connected("127.0.0.1");
  EXPECT_TRUE(limits.may_connect("127.0.0.1"));
  EXPECT_TRUE(limits.may_connect("::1"));
  EXPECT_TRUE(limits.may_connect(""));
}

TEST(ClientLimits, a_caller_has_so_many_requests_and_all_together_so_many) {
  ClientLimits limits(small());
  EXPECT_FALSE(limits.begin("ann", true, start));
  EXPECT_FALSE(limits.begin("ann", true, start));
  EXPECT_EQ(limits.begin("ann", true, start)->status, 429);
  EXPECT_FALSE(limits.begin("bob", true, start));
  EXPECT_EQ(limits.begin("carl", true, start)->status, 503);
  limits.end("ann");
  EXPECT_FALSE(limits.begin("carl", true, start));
}

TEST(ClientLimits, a_rate_is_held_in_the_long_run) {
  ClientLimits limits(small());
  int taken = 0;
  for (int i = 0; i < 20; ++i) taken += limits.take("ann", start) ? 1 : 0;
  EXPECT_EQ(taken, 5);
  EXPECT_FALSE(limits.take("ann", start + milliseconds(50)));
  EXPECT_TRUE(limits.take("ann", start + milliseconds(150)));
  EXPECT_TRUE(limits.take("bob", start));
  taken = 0;
  for (int i = 0; i < 20; ++i) taken += limits.take("ann", start + seconds(60)) ? 1 : 0;
  EXPECT_EQ(taken, 5);
}

TEST(ClientLimits, who_is_not_paced_is_counted_only) {
  ClientLimits limits(small());
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(limits.begin("from 127.0.0.1", false, start));
    limits.end("from 127.0.0.1");
  }
  EXPECT_EQ(limits.callers_remembered(), 0u);
}

TEST(ClientLimits, memory_stays_bounded_whoever_asks) {
  ClientLimits limits(small());
  for (int i = 0; i < 20'000; ++i) limits.take("caller " + std::to_string(i), start);
  EXPECT_LE(limits.callers_remembered(), 4096u);
}

TEST(ClientLimits, zero_is_no_bound) {
  LimitSettings none;
  none.connections_per_client = none.requests = none.requests_per_caller = 0;
  none.requests_per_second = 0;
  ClientLimits limits(none);
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(limits.begin("ann", true, start));
}

TEST(ClientLimits, an_address_is_told_from_its_port) {
  EXPECT_EQ(without_port("10.0.0.1:40000"), "10.0.0.1");
  EXPECT_EQ(without_port("[::1]:8080"), "::1");
  EXPECT_EQ(without_port(""), "");
}

}  // namespace
}  // namespace dockherd::http_api
