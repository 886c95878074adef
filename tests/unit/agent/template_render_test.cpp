#include "agent/template_render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dockherd;
using namespace dockherd::agent;
using testing::HasSubstr;

namespace {

TemplateVariables third_on_alpha() {
  TemplateVariables variables;
  variables.n = 3;
  variables.hostname = "alpha";
  variables.template_name = "web";
  variables.bulk = "b01";
  return variables;
}

TemplateOverrides overrides_from(const std::string& text) {
  const json request = json::parse(text);
  const auto reader = JsonReader::of(request);
  return read_overrides(*reader).value();
}

json rendered(const std::string& body, const std::string& request) {
  return render_template(json::parse(body), overrides_from(request), third_on_alpha()).value();
}

TEST(TemplateRender, placeholders_are_replaced_and_everything_else_stays) {
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"web-{n}", "web-3"},
      {"{n}{n}", "33"},
      {"{hostname}/{template}/{n}", "alpha/web/3"},
      {"{{.Name}}/{{.ID}}", "{{.Name}}/{{.ID}}"},
      {"{{n}}", "{{n}}"},
      {"{{{n}}}", "{{{n}}}"},
      {"{{.Name}}-{n}", "{{.Name}}-3"},
      {"{{range .}}{n}{{end}}", "{{range .}}3{{end}}"},
      {R"({"a":{n}})", R"({"a":3})"},
      {"${n}", "$3"},
      {"{N} {m} {} { n } {n", "{N} {m} {} { n } {n"},
      {"{ {n}", "{ 3"},
      {"}{n}{", "}3{"},
      {"{hostname", "{hostname"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(expand(text, third_on_alpha()), expected) << text;
  }
}

TEST(TemplateRender, a_replaced_value_is_not_expanded_again) {
  TemplateVariables variables = third_on_alpha();
  variables.template_name = "{n}";
  EXPECT_EQ(expand("{template}", variables), "{n}");
}

TEST(TemplateRender, a_pattern_with_a_number_is_recognised) {
  EXPECT_TRUE(uses_number("web-{n}"));
  EXPECT_FALSE(uses_number("web-{hostname}"));
  EXPECT_FALSE(uses_number("web-{{n}}"));
  EXPECT_FALSE(uses_number("n"));
}

TEST(TemplateRender, values_are_expanded_at_every_depth_but_keys_never) {
  const json body =
      rendered(R"({"Image":"x","HostConfig":{"Binds":["/data/{n}:/data"],"LogConfig":{"Config":)"
               R"({"tag":"{{.Name}}"}}},"{n}":1,"Memory":5})",
               "{}");
  EXPECT_EQ(body["HostConfig"]["Binds"][0], "/data/3:/data");
  EXPECT_EQ(body["HostConfig"]["LogConfig"]["Config"]["tag"], "{{.Name}}");
  EXPECT_EQ(body["{n}"], 1);
  EXPECT_EQ(body["Memory"], 5);
}

TEST(TemplateRender, env_is_merged_by_key_in_place) {
  const json body = rendered(R"({"Env":["A=1","B=2","EMPTY"]})",
                             R"({"env":["B=x=y","C={hostname}","EMPTY=now"]})");
  EXPECT_EQ(body["Env"], json::parse(R"(["A=1","B=x=y","EMPTY=now","C=alpha"])"));
}

TEST(TemplateRender, env_goes_into_a_body_without_any) {
  EXPECT_EQ(rendered(R"({})", R"({"env":["A=1"]})")["Env"], json::parse(R"(["A=1"])"));
  EXPECT_EQ(rendered(R"({"Env":null})", R"({"env":["A=1"]})")["Env"], json::parse(R"(["A=1"])"));
}

TEST(TemplateRender, image_and_cmd_replace_the_templates_own) {
  const json body = rendered(R"({"Image":"a","Cmd":["x"]})", R"({"image":"b","cmd":["y","{n}"]})");
  EXPECT_EQ(body["Image"], "b");
  EXPECT_EQ(body["Cmd"], json::parse(R"(["y","3"])"));
}

TEST(TemplateRender, a_field_in_another_case_is_overridden_not_doubled) {
  const json body = rendered(R"({"image":"a","ENV":["A=1"]})", R"({"image":"b","env":["A=2"]})");
  EXPECT_EQ(body["image"], "b");
  EXPECT_FALSE(body.contains("Image"));
  EXPECT_EQ(body["ENV"], json::parse(R"(["A=2"])"));
  EXPECT_FALSE(body.contains("Env"));
}

TEST(TemplateRender, labels_are_merged_and_ours_cannot_be_overridden) {
  const json body = rendered(R"({"Labels":{"a":"1","b":"{n}"}})",
                             R"({"labels":{"a":"2","c":"{template}","dockherd.bulk":"mine"}})");
  EXPECT_EQ(body["Labels"], json::parse(R"({"a":"2","b":"3","c":"web","dockherd.bulk":"b01",)"
                                        R"("dockherd.template":"web"})"));
}

TEST(TemplateRender, without_template_and_bulk_no_label_is_added) {
  const json body = render_template(json::object(), {}, {}).value();
  EXPECT_EQ(body, json::object());
}

TEST(TemplateRender, a_part_that_cannot_be_merged_into_is_named) {
  const struct {
    std::string body;
    std::string request;
    std::string field;
  } cases[] = {
      {R"([1])", R"({})", "body"},
      {R"({"Env":"A=1"})", R"({"env":["B=1"]})", "Env"},
      {R"({"Env":[1]})", R"({"env":["B=1"]})", "Env"},
      {R"({"Labels":["a"]})", R"({})", "Labels"},
  };
  for (const auto& [body, request, field] : cases) {
    const auto result =
        render_template(json::parse(body), overrides_from(request), third_on_alpha());
    ASSERT_TRUE(result.has_error()) << body;
    EXPECT_EQ(result.error().code, errc::bad_request);
    EXPECT_EQ(result.error().field, field);
    EXPECT_THAT(result.error().message, HasSubstr(field));
  }
}

TEST(ReadOverrides, a_string_command_is_run_by_a_shell) {
  EXPECT_EQ(*overrides_from(R"({"cmd":"sleep 5; echo"})").cmd,
            (std::vector<std::string>{"/bin/sh", "-c", "sleep 5; echo"}));
}

TEST(ReadOverrides, other_fields_are_not_looked_at) {
  const TemplateOverrides overrides = overrides_from(R"({"action":7,"template":"web"})");
  EXPECT_FALSE(overrides.image);
  EXPECT_FALSE(overrides.cmd);
  EXPECT_TRUE(overrides.env.empty());
  EXPECT_EQ(overrides.name, "");
}

TEST(ReadOverrides, a_wrong_field_is_named_with_what_was_expected) {
  const struct {
    std::string request;
    std::string field;
    std::string expected;
  } cases[] = {
      {R"({"image":5})", "image", "a string"},
      {R"({"image":""})", "image", "the name of an image"},
      {R"({"env":"A=1"})", "env", "a list of strings"},
      {R"({"env":["A=1",2]})", "env", "item 2 is the number 2"},
      {R"({"env":["=1"]})", "env", "KEY=VALUE"},
      {R"({"cmd":5})", "cmd", "a list of strings or a string"},
      {R"({"cmd":[{}]})", "cmd", "a list of strings"},
      {R"({"labels":[]})", "labels", "an object"},
      {R"({"labels":{"a":1}})", "labels.a", "a string"},
      {R"({"name":""})", "name", "a container's name"},
      {R"({"name":[]})", "name", "a string"},
  };
  for (const auto& [request, field, expected] : cases) {
    const json document = json::parse(request);
    const auto result = read_overrides(*JsonReader::of(document));
    ASSERT_TRUE(result.has_error()) << request;
    EXPECT_EQ(result.error().code, errc::bad_request);
    EXPECT_EQ(result.error().field, field);
    EXPECT_THAT(result.error().message, HasSubstr(expected));
    EXPECT_THAT(result.error().message, HasSubstr(field));
  }
}

TEST(ContainerName, follows_dockers_rule) {
  for (const char* good : {"ab", "web-1", "A_b.c-d", "0x"}) {
    EXPECT_TRUE(is_container_name(good)) << good;
  }
  for (const char* bad : {"", "a", "-ab", ".ab", "a b", "a/b", "a{n}", "\xc3\xa4\xc3\xa4"}) {
    EXPECT_FALSE(is_container_name(bad)) << bad;
  }
  EXPECT_TRUE(is_container_name(std::string(255, 'a')));
  EXPECT_FALSE(is_container_name(std::string(256, 'a')));
}

TEST(ContainerName, is_made_from_the_pattern) {
  TemplateOverrides overrides;
  EXPECT_EQ(render_name(overrides, third_on_alpha()).value(), "");
  overrides.name = "{template}-{n}.{hostname}";
  EXPECT_EQ(render_name(overrides, third_on_alpha()).value(), "web-3.alpha");
  overrides.name = "/web";
  EXPECT_EQ(render_name(overrides, third_on_alpha()).value(), "web");
  overrides.name = "{what}";
  const auto result = render_name(overrides, third_on_alpha());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().field, "name");
  EXPECT_THAT(result.error().message, HasSubstr("{what}"));
}

}  // namespace
