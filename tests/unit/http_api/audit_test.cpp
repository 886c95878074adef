#include "http_api/audit.hpp"

#include <gtest/gtest.h>

namespace dockherd::http_api {
namespace {

const Caller ann({"ann", trust::Role::operator_}, "10.0.0.7", false);

TEST(Audit, a_line_says_who_did_what_from_where_and_how_it_ended) {
  AuditEntry entry;
  entry.action = "POST /containers/web/start";
  entry.container = "web";
  entry.node = "h2";
  entry.status = 204;
  EXPECT_EQ(audit_line(ann, entry),
            "call user=ann role=operator from=10.0.0.7 action=\"POST /containers/web/start\" "
            "container=web node=h2 status=204");
}

TEST(Audit, nothing_of_a_request_breaks_the_line) {
  AuditEntry entry;
  entry.action = "POST /x\nuser=root";
  const std::string line = audit_line(Caller(), entry);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("user=anonymous role=admin from=local"), std::string::npos);
}

TEST(Audit, what_reads_is_no_change) {
  EXPECT_FALSE(is_change("GET", "/containers/json"));
  EXPECT_FALSE(is_change("HEAD", "/_ping"));
  EXPECT_TRUE(is_change("POST", "/containers/create"));
  EXPECT_TRUE(is_change("DELETE", "/containers/x"));
  EXPECT_TRUE(is_change("PUT", "/containers/x/archive"));
  EXPECT_TRUE(is_change("GET", "/containers/x/attach/ws"));
}

TEST(Audit, a_verb_is_recorded_without_what_it_carries) {
  const auto made = verb_audit(
      R"({"action":"create-container","template":"web","name":"w","env":{"SECRET":"x"}})", 200,
      R"({"statusCode":200,"dockerInstance":"h1","Response":{}})");
  EXPECT_TRUE(made.changes);
  EXPECT_EQ(made.entry.action, "create-container");
  EXPECT_EQ(made.entry.container, "w");
  EXPECT_EQ(made.entry.node, "h1");
  EXPECT_EQ(audit_line(ann, made.entry).find("SECRET"), std::string::npos);
  const auto nameless = verb_audit(
      R"({"action":"create-container","template":"web"})", 200,
      R"({"statusCode":201,"dockerInstance":"h1","Response":{"Body":{"Id":"3f4e"},"x":[]}})");
  EXPECT_EQ(nameless.entry.container, "3f4e");
  EXPECT_EQ(nameless.entry.node, "h1");
  EXPECT_FALSE(verb_audit(R"({"action":"list-nodes"})", 200, "{}").changes);
  EXPECT_FALSE(verb_audit(R"({"action":"inspect-container","id":"x"})", 200, "{}").changes);
  EXPECT_EQ(verb_audit(R"({"action":"stop-container","ids":["a","b"]})", 207, "{}").entry.container,
            "a,b");
  EXPECT_FALSE(verb_audit("{", 400, "{}").changes);
}

TEST(Audit, of_a_bulk_its_label_and_its_hosts_are_recorded) {
  const std::string request = R"({"action":"create-container","image":"i","name":"w-{n}"})";
  const std::string answer =
      R"({"bulk":"3bca","containers":[{"dockerInstance":"h2"},{"dockerInstance":"h1"},)"
      R"({"dockerInstance":"h2"},{"error":"no host"}],"summary":{}})";
  const auto made = verb_audit(request, 207, answer);
  EXPECT_EQ(made.entry.container, "bulk:3bca");
  EXPECT_EQ(made.entry.node, "h1,h2");
  for (const char* odd : {"", "{}", "[]", R"({"bulk":7,"containers":{}})",
                          R"({"bulk":"","containers":[7,null,{"dockerInstance":7}]})"}) {
    const auto unknown = verb_audit(request, 207, odd);
    EXPECT_EQ(unknown.entry.container, "w-{n}") << odd;
    EXPECT_EQ(unknown.entry.node, "") << odd;
  }
}

}  // namespace
}  // namespace dockherd::http_api
