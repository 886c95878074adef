#include "engine_api/whose.hpp"

#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

TEST(Whose, the_owner_is_in_the_labels_of_a_list_and_of_an_inspection) {
  EXPECT_EQ(owner_of(R"({"Id":"x","Labels":{"a":"b","dockherd.owner":"ann"}})"), "ann");
  EXPECT_EQ(owner_of(R"({"Id":"x","Config":{"Labels":{"dockherd.owner":"bob"}}})"), "bob");
  EXPECT_EQ(owner_of(R"({"Id":"x","Labels":null})"), "");
  EXPECT_EQ(owner_of(R"({"Config":{},"Labels":{"dockherd.owner":"ann"}})"), "");
  EXPECT_EQ(owner_of("[]"), "");
}

TEST(Whose, of_a_list_only_what_is_owned_stays) {
  EXPECT_EQ(only_owned(R"([{"Name":"a","Labels":{"dockherd.owner":"ann"}},
                           {"Name":"b","Labels":{"dockherd.owner":"bob"}},{"Name":"c"}])",
                       "ann"),
            R"([{"Name":"a","Labels":{"dockherd.owner":"ann"}}])");
  EXPECT_EQ(only_owned("nonsense", "ann"), "[]");
}

TEST(Whose, a_list_for_old_clients_does_not_show_whose_containers_are_on_everybodys_networks) {
  const std::string shown = only_owned(
      R"([{"Name":"bridge","Id":"1","Scope":"local","Containers":{"abc":{"Name":"web"}}}])", "ann");
  EXPECT_EQ(shown, R"([{"Name":"bridge","Id":"1","Scope":"local","Containers":{}}])");
}

TEST(Whose, everybodys_networks_stay_and_volumes_of_their_names_do_not) {
  EXPECT_EQ(only_owned(R"([{"Name":"bridge","Id":"1","Scope":"local","Labels":{}}])", "ann"),
            R"([{"Name":"bridge","Id":"1","Scope":"local","Labels":{}}])");
  EXPECT_EQ(only_owned(R"([{"Name":"bridge","Scope":"local","Labels":{}}])", "ann"), "[]");
}

TEST(Whose, a_network_shows_the_containers_that_may_be_known) {
  EXPECT_EQ(with_containers(R"({"Name":"n","Containers":{"1":{"Name":"a"},"2":{"Name":"b"}}})",
                            {"2", "3"}),
            "{\"Name\":\"n\",\"Containers\":{\"2\":{\"Name\":\"b\"}}}\n");
}

TEST(Whose, filters_are_narrowed_and_nothing_in_them_widens) {
  const auto narrow = [](const char* filters) {
    return query_value(*narrowed({{"all", "1"}, {"filters", filters}}, "ann"), "filters").value();
  };
  EXPECT_EQ(narrow(""), R"({"label":{"dockherd.owner=ann":true}})");
  EXPECT_EQ(narrow(R"({"label":["a=b"]})"), R"({"label":{"a=b":true,"dockherd.owner=ann":true}})");
  EXPECT_EQ(narrow(R"({"label":{"dockherd.owner=ann":false}})"),
            R"({"label":{"dockherd.owner=ann":true}})");
  EXPECT_FALSE(narrowed({{"filters", "[1]"}}, "ann"));
  const auto twice = narrowed({{"filters", ""}, {"filters", "{}"}}, "ann");
  EXPECT_EQ(twice->size(), 1u);
}

TEST(Whose, a_container_that_is_not_there_is_named_without_its_host) {
  EXPECT_EQ(no_such_container("h1/web"), "No such container: web");
  EXPECT_EQ(no_such_container("web"), "No such container: web");
}

}  // namespace
}  // namespace dockherd::engine_api
