#include "engine_api/network_id.hpp"

#include <gtest/gtest.h>

#include <set>

namespace dockherd::engine_api {
namespace {

TEST(HerdNetworkId, looks_like_an_id_and_is_the_names_own) {
  std::set<std::string> ids;
  for (int number = 0; number < 1000; ++number) {
    const std::string id = herd_network_id("app_" + std::to_string(number));
    EXPECT_EQ(id.size(), 64u);
    EXPECT_TRUE(looks_like_network_id(id)) << id;
    ids.insert(id.substr(0, 8));
  }
  EXPECT_EQ(ids.size(), 1000u) << "users type the first digits only";
  EXPECT_EQ(herd_network_id("app_1"), herd_network_id("app_1"));
}

TEST(HerdNetworkId, takes_the_place_of_the_daemons) {
  EXPECT_EQ(with_herd_network_id(R"({"Name":"app","Id":"1","X":2})"),
            R"({"Name":"app","Id":")" + herd_network_id("app") + R"(","X":2})");
  for (const char* text :
       {"", "null", "[]", R"({"Id":"1"})", R"({"Name":"app"})", R"({"Name":1})"}) {
    EXPECT_EQ(with_herd_network_id(text), text);
  }
}

TEST(HerdNetworkId, is_not_taken_for_a_name) {
  for (const char* reference : {"a", "0123456789ab", "ffff"}) {
    EXPECT_TRUE(looks_like_network_id(reference)) << reference;
  }
  for (const char* reference : {"", "app", "ABC", "a-b", "12 "}) {
    EXPECT_FALSE(looks_like_network_id(reference)) << reference;
  }
  EXPECT_FALSE(looks_like_network_id(std::string(65, 'a')));
}

}  // namespace
}  // namespace dockherd::engine_api
