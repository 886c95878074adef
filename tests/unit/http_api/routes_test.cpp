#include "http_api/routes.hpp"

#include <gtest/gtest.h>

namespace dockherd::http_api {

TEST(Routes, post_to_the_root_runs_a_verb) {
  EXPECT_EQ(Route::run_verb, find_route(http::verb::post, "/"));
  EXPECT_EQ(Route::run_verb, find_route(http::verb::post, "/?pretty=1"));
}

TEST(Routes, get_and_head_of_the_root_greet) {
  EXPECT_EQ(Route::greeting, find_route(http::verb::get, "/"));
  EXPECT_EQ(Route::greeting, find_route(http::verb::head, "/"));
}

TEST(Routes, another_method_on_the_root_is_a_wrong_method) {
  EXPECT_EQ(Route::wrong_method, find_route(http::verb::put, "/"));
  EXPECT_EQ(Route::wrong_method, find_route(http::verb::unknown, "/"));
  EXPECT_EQ("GET, HEAD, POST", allowed_methods("/"));
}

TEST(Routes, every_other_path_is_of_the_docker_api) {
  for (const char* target : {"/containers/json", "//", "/_ping", "*", "/ ", "x"}) {
    EXPECT_EQ(Route::docker, find_route(http::verb::get, target)) << target;
  }
  EXPECT_EQ("", allowed_methods("/_ping"));
}

TEST(Routes, an_absolute_target_is_its_path) {
  EXPECT_EQ("/", path_of("http://host:8080"));
  EXPECT_EQ("/", path_of("http://host:8080/"));
  EXPECT_EQ("/", path_of("http://host?x=/y"));
  EXPECT_EQ("/v1.41/info", path_of("http://host/v1.41/info?a=b"));
  EXPECT_EQ("/a", path_of("/a?u=http://b/c"));
  EXPECT_EQ("/", path_of(""));
}

TEST(Routes, a_scheme_in_the_query_or_an_odd_one_leads_to_no_other_path) {
  EXPECT_FALSE(is_plain_target("http:/containers/create?x=://h/images/create"));
  for (const char* target : {"http:/a/b", "ftp://h/a", "a/b", "*", "", "HTTP://h/a"}) {
    EXPECT_FALSE(is_plain_target(target)) << target;
  }
  for (const char* target : {"/", "/a?x=http://h/b", "http://h/a", "https://h"}) {
    EXPECT_TRUE(is_plain_target(target)) << target;
  }
  EXPECT_EQ(path_of("/a?x=http://h/b"), "/a");
  EXPECT_EQ(path_of("http://h/a?x=://h/b"), "/a");
}

}  // namespace dockherd::http_api
