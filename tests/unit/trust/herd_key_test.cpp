#include "trust/herd_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "trust/principal.hpp"

namespace dockherd::trust {
namespace {

class HerdKeyFile : public testing::Test {
 protected:
  HerdKeyFile() {
    std::string pattern = testing::TempDir() + "herd_key_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    file_ = directory_ / "herd.key";
  }
  ~HerdKeyFile() override { std::filesystem::remove_all(directory_); }

  std::string text() const {
    std::ifstream in(file_);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  std::filesystem::path directory_;
  std::filesystem::path file_;
};

TEST_F(HerdKeyFile, what_was_saved_is_loaded) {
  const HerdKey key = HerdKey::generate();
  ASSERT_TRUE(key.save(file_));
  const auto loaded = HerdKey::load(file_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, key);
  EXPECT_EQ(loaded->derive("a", "b"), key.derive("a", "b"));
}

TEST_F(HerdKeyFile, the_file_is_for_its_owner_alone_and_is_a_zcert) {
  ASSERT_TRUE(HerdKey::generate().save(file_));
  struct stat found {};
  ASSERT_EQ(::stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_NE(text().find("secret-key = \""), std::string::npos) << text();
}

TEST_F(HerdKeyFile, an_existing_file_is_not_overwritten) {
  ASSERT_TRUE(HerdKey::generate().save(file_));
  const std::string before = text();
  const auto again = HerdKey::generate().save(file_);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("exists already"), std::string::npos);
  EXPECT_EQ(text(), before);
}

TEST_F(HerdKeyFile, a_file_that_others_may_read_is_refused) {
  ASSERT_TRUE(HerdKey::generate().save(file_));
  for (const mode_t mode : {0640u, 0604u, 0602u}) {
    ::chmod(file_.c_str(), mode);
    const auto loaded = HerdKey::load(file_);
    ASSERT_FALSE(loaded) << std::oct << mode;
    EXPECT_NE(loaded.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST_F(HerdKeyFile, a_secret_file_beside_it_that_others_may_read_is_refused) {
  ASSERT_TRUE(HerdKey::generate().save(file_));
  const std::string beside = file_.string() + "_secret";
  std::filesystem::copy_file(file_, beside);
  ::chmod(beside.c_str(), 0644);
  EXPECT_FALSE(HerdKey::load(file_));
  ::chmod(beside.c_str(), 0600);
  EXPECT_TRUE(HerdKey::load(file_));
}

TEST_F(HerdKeyFile, what_is_no_certificate_is_refused_with_the_way_to_make_one) {
  const auto expect_refused = [&] {
    const auto loaded = HerdKey::load(file_);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, errc::bad_config);
    EXPECT_NE(loaded.error().message.find("dockherd keygen"), std::string::npos);
  };
  expect_refused();  // It is not there.
  for (const char* content : {"", "hello", "curve\n    public-key = \"x\"\n", "\0\0\0"}) {
    std::ofstream(file_) << content;
    ::chmod(file_.c_str(), 0600);
    expect_refused();
  }
}

TEST(HerdKey, derived_secrets_differ_by_key_purpose_and_binding) {
  const HerdKey one = HerdKey::generate();
  const HerdKey other = HerdKey::generate();
  EXPECT_NE(one.derive("a"), other.derive("a"));
  EXPECT_NE(one.derive("a"), one.derive("b"));
  EXPECT_NE(one.derive("a", "x"), one.derive("a", "y"));
  EXPECT_NE(one.derive("ab", "c"), one.derive("a", "bc"));
  EXPECT_EQ(one.id().size(), 8u);
  EXPECT_NE(one.id(), other.id());
}

TEST(Role, names_go_both_ways) {
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    EXPECT_EQ(role_from_string(to_string(role)), role);
  }
  EXPECT_EQ(role_from_string("root"), std::nullopt);
  EXPECT_LT(Role::viewer, Role::operator_);
  EXPECT_LT(Role::operator_, Role::admin);
}

}  // namespace
}  // namespace dockherd::trust
