#include "engine_api/rule_expression.hpp"

#include <gmock/gmock.h>

#include "base/limits.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::HasSubstr;

RuleExpression rule(std::string_view text) {
  auto parsed = RuleExpression::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message;
  return std::move(parsed).value();
}

bool met(std::string_view text, std::vector<std::string_view> subjects) {
  return rule(text).met_by(subjects);
}

TEST(RuleExpression, is_read_into_its_parts) {
  const struct {
    const char* text;
    const char* key;
    const char* value;
    bool negative;
    bool soft;
    bool literal;
    bool regex;
  } cases[] = {
      {"node==h2", "node", "h2", false, false, true, false},
      {"node!=h2", "node", "h2", true, false, true, false},
      {"image==~redis", "image", "redis", false, true, true, false},
      {"image!=~redis*", "image", "redis*", true, true, false, false},
      {"region==~~us", "region", "us", false, true, true, false},
      {"com.example.type==front-end", "com.example.type", "front-end", false, false, true, false},
      {"example.com/zone==a", "example.com/zone", "a", false, false, true, false},
      {"_x==/node[12]/", "_x", "/node[12]/", false, false, false, true},
      {"node==~/node[12]/i", "node", "/node[12]/i", false, true, false, true},
      {"a==b==c", "a", "b==c", false, false, true, false},
      {"a==b!=c", "a", "b!=c", false, false, true, false},
      {"a!=b==c", "a", "b==c", true, false, true, false},
      {"path==/", "path", "/", false, false, true, false},
      {"k===v", "k", "=v", false, false, true, false},
      {"image==repo:5000/a/b:1.2", "image", "repo:5000/a/b:1.2", false, false, true, false},
  };
  for (const auto& one : cases) {
    const RuleExpression parsed = rule(one.text);
    EXPECT_EQ(parsed.text(), one.text);
    EXPECT_EQ(parsed.key(), one.key) << one.text;
    EXPECT_EQ(parsed.value(), one.value) << one.text;
    EXPECT_EQ(parsed.is_negative(), one.negative) << one.text;
    EXPECT_EQ(parsed.is_soft(), one.soft) << one.text;
    EXPECT_EQ(parsed.is_literal(), one.literal) << one.text;
    EXPECT_EQ(parsed.is_regex(), one.regex) << one.text;
  }
}

TEST(RuleExpression, a_broken_one_is_named_with_what_was_expected) {
  const std::string too_long = "node==" + std::string(limits::rule_bytes, 'a');
  const struct {
    std::string text;
    const char* says;
  } cases[] = {
      {"", "KEY==VALUE or KEY!=VALUE"},
      {"node", "KEY==VALUE or KEY!=VALUE"},
      {"node=h2", "KEY==VALUE or KEY!=VALUE"},
      {"node~h2", "KEY==VALUE or KEY!=VALUE"},
      {"==h2", "expected a key"},
      {"!=h2", "expected a key"},
      {"#node==h2", "expected a key"},
      {"1node==h2", "expected a key"},
      {" node==h2", "expected a key"},
      {"node ==h2", "expected a key"},
      {"node==", "expected a value after =="},
      {"node!=", "expected a value after !="},
      {"node==~", "expected a value after =="},
      {"node==/(a/", "regular expression"},
      {"node==/a{2,1}/", "regular expression"},
      {"node==/*/", "regular expression"},
      {"node==/(?R)/", "regular expression"},
      {too_long, "longer than 512 bytes"},
  };
  for (const auto& one : cases) {
    const auto parsed = RuleExpression::parse(one.text);
    ASSERT_TRUE(parsed.has_error()) << one.text;
    EXPECT_EQ(parsed.error().code, errc::bad_request);
    EXPECT_THAT(parsed.error().message, HasSubstr(one.says)) << one.text;
    EXPECT_THAT(parsed.error().message, HasSubstr("\"" + one.text.substr(0, 100)));
    EXPECT_LT(parsed.error().message.size(), 1000u);
  }
}

TEST(RuleExpression, a_value_fits_the_whole_subject_and_a_star_stands_for_anything) {
  const struct {
    const char* text;
    const char* subject;
    bool fits;
  } cases[] = {
      {"k==h2", "h2", true},
      {"k==h2", "h22", false},
      {"k==h2", "xh2", false},
      {"k==h2", "H2", false},
      {"k==h2", "", false},
      {"k==*", "", true},
      {"k==*", "anything", true},
      {"k==us*", "us", true},
      {"k==us*", "us-east", true},
      {"k==us*", "eu", false},
      {"k==*east", "us-east", true},
      {"k==*east", "us-east-1", false},
      {"k==u*-*st", "us-east", true},
      {"k==u*-*st", "useast", false},
      {"k==*a*b*", "xxaxxbxx", true},
      {"k==*a*b*", "xxbxxaxx", false},
      {"k==a**b", "ab", true},
      {"k==*aab", "aaaab", true},
      {"k==node.1", "node.1", true},
      {"k==node.1", "nodex1", false},
      {"k==node?", "node?", true},
      {"k==node?", "node1", false},
      {"k==node?", "nod", false},
      {"k==a+b", "a+b", true},
      {"k==[ab]", "a", false},
      {"k==a|b", "a|b", true},
      {"k==a|b", "a", false},
      {"k==/data", "/data", true},
      {"k==/", "/", true},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(rule(one.text).matches(one.subject), one.fits) << one.text << " " << one.subject;
  }
}

TEST(RuleExpression, a_regex_is_found_anywhere_as_classic_swarms_users_write_them) {
  const struct {
    const char* text;
    const char* subject;
    bool fits;
  } cases[] = {
      {"node==/node[12]/", "node1", true},
      {"node==/node[12]/", "node3", false},
      {"node==/node[12]/", "my-node2-x", true},
      {"node==/^node[12]$/", "my-node2", false},
      {"node==/node\\d/", "node7", true},
      {"node==/node\\d/", "nodex", false},
      {"node==/foo\\[bar\\]/", "foo[bar]", true},
      {"node==/foo\\[bar\\]/", "foob", false},
      {"node==/(?i)node1/", "NoDe1", true},
      {"node==/node1/i", "NODE1", true},
      {"node==/node1/", "NODE1", false},
      {"node==/(?i:node)-A/", "NODE-A", true},
      {"node==/(?i:node)-A/", "NODE-a", false},
      {"node==/a|b/", "b", true},
      {"node==/^[[:alpha:]]+-[0-9]{2}$/", "rack-07", true},
      {"node==/^.$/", "\n", false},
      {"node==/^b/", "a\nb", false},
      {"node==//", "anything", true},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(rule(one.text).matches(one.subject), one.fits) << one.text << " " << one.subject;
  }
}

TEST(RuleExpression, holds_when_one_subject_fits_or_when_none_does) {
  EXPECT_TRUE(met("node==h2", {"id-of-h2", "h2"}));
  EXPECT_FALSE(met("node==h2", {"id-of-h1", "h1"}));
  EXPECT_FALSE(met("node!=h2", {"id-of-h2", "h2"}));
  EXPECT_TRUE(met("node!=h2", {"id-of-h1", "h1"}));
  EXPECT_FALSE(met("node!=/h[23]/", {"h3"}));
  EXPECT_TRUE(met("node!=h*", {"g1", "g2"}));
  EXPECT_FALSE(met("node!=h*", {"g1", "h2"}));
}

TEST(RuleExpression, of_no_subject_only_the_negative_one_holds) {
  EXPECT_FALSE(met("storage==*", {}));
  EXPECT_FALSE(met("storage==/.*/", {}));
  EXPECT_TRUE(met("storage!=ssd", {}));
  EXPECT_TRUE(met("storage!=*", {}));
}

TEST(RuleExpression, bars_part_alternatives_where_that_is_asked_for) {
  const auto list = RuleExpression::parse("node==h1|h2|rack*", RuleExpression::Bars::alternatives);
  ASSERT_TRUE(list.has_value());
  EXPECT_TRUE(list->matches("h1"));
  EXPECT_TRUE(list->matches("h2"));
  EXPECT_TRUE(list->matches("rack-7"));
  EXPECT_FALSE(list->matches("h3"));
  EXPECT_FALSE(list->matches("h1|h2|rack"));
  const auto spare = RuleExpression::parse("node==|h1||", RuleExpression::Bars::alternatives);
  ASSERT_TRUE(spare.has_value());
  EXPECT_TRUE(spare->matches("h1"));
  EXPECT_FALSE(spare->matches(""));
  EXPECT_TRUE(RuleExpression::parse("node==|", RuleExpression::Bars::alternatives).has_error());
  const auto regex = RuleExpression::parse("node==/^(h1|h2)$/", RuleExpression::Bars::alternatives);
  ASSERT_TRUE(regex.has_value());
  EXPECT_TRUE(regex->matches("h2"));
}

TEST(RuleExpression, a_regex_that_takes_too_many_steps_holds_for_nothing) {
  const std::string hard = std::string(1000, 'a') + "c";
  for (const char* regex : {"/^(a+)+$/", "/^(a|aa)+$/", "/(a*)*b/", "/((a{1,100}){1,100}){1,100}b/",
                            "/(?=.*(?=.*(?=.*(?=.*x))))/"}) {
    EXPECT_FALSE(met(std::string("k==") + regex, {hard})) << regex;
    EXPECT_FALSE(met(std::string("k!=") + regex, {hard})) << regex;
  }
}

TEST(RuleExpression, a_regex_does_not_look_at_a_subject_that_is_too_long) {
  const std::string longest(limits::rule_subject_bytes, 'a');
  EXPECT_TRUE(rule("k==/a/").matches(longest));
  EXPECT_FALSE(rule("k==/a/").matches(longest + "a"));
  EXPECT_TRUE(rule("k==a*").matches(longest + "a"));
}

TEST(RuleExpression, a_regex_may_nest_as_deep_as_its_length_allows) {
  const std::string open(200, '(');
  const std::string close(200, ')');
  EXPECT_TRUE(rule("k==/" + open + "a" + close + "/").matches("a"));
}

TEST(RuleExpression, of_any_bytes_is_read_or_refused) {
  for (int byte = 1; byte < 256; ++byte) {
    const std::string letter(1, static_cast<char>(byte));
    for (const std::string& text :
         {"k==" + letter, "k==/" + letter + "/", letter + "==a", "k==/\\" + letter + "/"}) {
      const auto parsed = RuleExpression::parse(text);
      if (parsed.has_value()) parsed->matches("abc" + letter);
    }
  }
}

}  // namespace
}  // namespace dockherd::engine_api
