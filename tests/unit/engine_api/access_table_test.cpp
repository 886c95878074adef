#include "engine_api/access_table.hpp"

#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

using trust::Role;

struct Case {
  const char* method;
  const char* target;
  Reach viewer;
  Reach operator_;
};

using enum Reach;

constexpr Case cases[] = {
    {"GET", "/_ping", all, all},
    {"GET", "/v1.41/version", all, all},
    {"GET", "/info", all, all},
    {"GET", "/events", all, own},
    {"GET", "/system/df", all, own},
    {"POST", "/auth", none, all},
    {"GET", "/containers/json", all, own},
    {"GET", "/containers/x/json", all, own},
    {"GET", "/containers/x/logs", all, own},
    {"GET", "/containers/x/top", all, own},
    {"GET", "/containers/x/stats", all, own},
    {"GET", "/containers/x/changes", all, own},
    {"GET", "/containers/x/export", none, own},
    {"GET", "/containers/x/archive", none, own},
    {"HEAD", "/containers/x/archive", none, own},
    {"PUT", "/containers/x/archive", none, own},
    {"GET", "/containers/x/attach/ws", none, own},
    {"POST", "/containers/x/attach", none, own},
    {"POST", "/containers/x/exec", none, own},
    {"POST", "/containers/x/start", none, own},
    {"POST", "/containers/x/update", none, own},
    {"POST", "/containers/x/rename", none, own},
    {"POST", "/containers/x/wait", none, own},
    {"DELETE", "/containers/x", none, own},
    {"POST", "/containers/create", none, own},
    {"POST", "/containers/prune", none, none},
    {"GET", "/exec/x/json", none, own},
    {"POST", "/exec/x/start", none, own},
    {"POST", "/exec/x/resize", none, own},
    {"POST", "/commit", none, none},
    {"GET", "/images/json", all, all},
    {"GET", "/images/x/json", all, all},
    {"GET", "/images/x/history", all, all},
    {"GET", "/images/x/get", none, none},
    {"GET", "/images/get", none, none},
    {"GET", "/images/search", none, all},
    {"GET", "/distribution/x/json", none, all},
    {"POST", "/images/create", none, own},
    {"POST", "/images/load", none, none},
    {"POST", "/images/x/push", none, none},
    {"POST", "/images/x/tag", none, none},
    {"DELETE", "/images/x", none, none},
    {"POST", "/images/prune", none, none},
    {"POST", "/build", none, none},
    {"POST", "/build/prune", none, none},
    {"POST", "/build/cancel", none, none},
    {"GET", "/networks", all, own},
    {"GET", "/networks/x", all, own},
    {"POST", "/networks/create", none, own},
    {"POST", "/networks/x/connect", none, own},
    {"POST", "/networks/x/disconnect", none, own},
    {"DELETE", "/networks/x", none, own},
    {"POST", "/networks/prune", none, none},
    {"GET", "/volumes", all, own},
    {"GET", "/volumes/x", all, own},
    {"POST", "/volumes/create", none, own},
    {"DELETE", "/volumes/x", none, own},
    {"POST", "/volumes/prune", none, none},
};

TEST(AccessTable, each_role_reaches_what_the_policy_gives_it) {
  for (const Case& each : cases) {
    const DockerRoute route = find_docker_route(each.method, each.target);
    EXPECT_EQ(reach_of(Role::viewer, route), each.viewer) << each.method << " " << each.target;
    EXPECT_EQ(reach_of(Role::operator_, route), each.operator_)
        << each.method << " " << each.target;
    EXPECT_EQ(reach_of(Role::admin, route), all) << each.method << " " << each.target;
  }
}

TEST(AccessTable, what_a_name_ends_with_changes_nothing) {
  const DockerRoute route = find_docker_route("POST", "/containers/logs/start");
  EXPECT_EQ(reach_of(Role::viewer, route), none);
  EXPECT_EQ(reach_of(Role::viewer, find_docker_route("DELETE", "/containers/json")), none);
}

TEST(AccessTable, odd_requests_are_not_looked_at) {
  const auto odd = [](const char* target, const char* type = "") {
    return why_not_plain(find_docker_route("POST", target), type).has_value();
  };
  EXPECT_FALSE(odd("/v1.41/containers/h1/web/start"));
  EXPECT_FALSE(odd("/images/library/alpine/json", "application/json"));
  EXPECT_FALSE(odd("/networks"));
  EXPECT_TRUE(odd("/v1.23.0/containers/x/start"));
  EXPECT_TRUE(odd("/images/../containers/x/json"));
  EXPECT_TRUE(odd("/images/%2e%2e/containers/x/json"));
  EXPECT_TRUE(odd("/images/x%2F..%2Fy/json"));
  EXPECT_TRUE(odd("/images/x//json"));
  EXPECT_TRUE(odd("/images/create?fromImage=a;fromSrc=-"));
  EXPECT_TRUE(odd("/images/create", "application/x-www-form-urlencoded"));
  EXPECT_TRUE(odd("/images/create", "Application/X-WWW-Form-URLencoded; charset=x"));
}

}  // namespace
}  // namespace dockherd::engine_api
