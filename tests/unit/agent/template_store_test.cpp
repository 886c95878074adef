#include "agent/template_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/limits.hpp"

using namespace dockherd;
using namespace dockherd::agent;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class TemplateStoreTest : public testing::Test {
 protected:
  TemplateStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "templates-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TemplateStoreTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& file, const std::string& text) {
    std::ofstream(directory_ / file) << text;
  }

  std::filesystem::path directory_;
};

TEST_F(TemplateStoreTest, a_template_is_read_at_each_use) {
  const TemplateStore store(directory_);
  write("web.json", R"({"Image":"a"})");
  EXPECT_EQ(store.load("web").value()["Image"], "a");
  write("web.json", R"({"Image":"b"})");
  EXPECT_EQ(store.load("web").value()["Image"], "b");
}

TEST_F(TemplateStoreTest, comments_are_allowed_whatever_they_contain) {
  write("web.json", "// a \" and a [\n{\"Image\": /* [[{{\" */ \"http://x\" // done\n}");
  EXPECT_EQ(TemplateStore(directory_).load("web").value()["Image"], "http://x");
}

TEST_F(TemplateStoreTest, a_link_is_followed) {
  write("real.json", R"({"Image":"a"})");
  std::filesystem::create_symlink(directory_ / "real.json", directory_ / "link.json");
  EXPECT_EQ(TemplateStore(directory_).load("link").value()["Image"], "a");
}

TEST_F(TemplateStoreTest, names_are_those_of_loadable_files_in_order) {
  for (const char* file : {"web.json", "a.b.json", "notes.txt", ".hidden.json", "-x.json"}) {
    write(file, "{}");
  }
  std::filesystem::create_directory(directory_ / "folder.json");
  EXPECT_THAT(TemplateStore(directory_).names(), ElementsAre("a.b", "web"));
  EXPECT_THAT(TemplateStore(directory_ / "absent").names(), ElementsAre());
}

TEST_F(TemplateStoreTest, a_name_with_a_path_is_refused) {
  std::filesystem::create_directory(directory_ / "inner");
  write("secret.json", "{}");
  const TemplateStore store(directory_ / "inner");
  for (const std::string name :
       {"../secret", "..", ".", "", "/etc/passwd", "a/b", ".hidden", "a b", "a\\b"}) {
    const auto result = store.load(name);
    ASSERT_TRUE(result.has_error()) << name;
    EXPECT_EQ(result.error().code, errc::bad_request) << name;
    EXPECT_EQ(result.error().field, "template") << name;
  }
  EXPECT_EQ(store.load(std::string("web\0x", 5)).error().code, errc::bad_request);
  EXPECT_EQ(store.load(std::string(129, 'a')).error().code, errc::bad_request);
  EXPECT_EQ(store.load(std::string(128, 'a')).error().code, errc::not_found);
}

TEST_F(TemplateStoreTest, an_absent_one_is_answered_with_what_there_is) {
  const TemplateStore store(directory_);
  EXPECT_THAT(store.load("nope").error().message, HasSubstr("has none"));
  write("web.json", "{}");
  write("test.json", "{}");
  const Error error = store.load("nope").error();
  EXPECT_EQ(error.code, errc::not_found);
  EXPECT_EQ(error.field, "template");
  EXPECT_THAT(error.message, HasSubstr("\"nope\""));
  EXPECT_THAT(error.message, HasSubstr("test, web"));
}

TEST_F(TemplateStoreTest, a_broken_one_is_reported_with_file_and_place) {
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"{\n  \"Image\": oops\n}", "line 2, column 12"},
      {"// only a comment\n", "line 2"},
      {"/* without an end {}", "column"},
      {"[]", "must be an object"},
      {"\"text\"", "must be an object"},
      {std::string(100'000, '['), "nested deeper"},
      {"// \"\n" + std::string(100'000, '['), "nested deeper"},
      {std::string(limits::template_bytes + 1, ' '), "larger than"},
  };
  for (const auto& [text, expected] : cases) {
    write("broken.json", text);
    const auto result = TemplateStore(directory_).load("broken");
    ASSERT_TRUE(result.has_error()) << text.substr(0, 40);
    EXPECT_EQ(result.error().code, errc::bad_request);
    EXPECT_EQ(result.error().field, "template");
    EXPECT_THAT(result.error().message, HasSubstr("broken.json"));
    EXPECT_THAT(result.error().message, HasSubstr(expected));
  }
}

}  // namespace
