#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "trust/token.hpp"
#include "trust/user_book.hpp"
#include "trust/users_file.hpp"

namespace dockherd::trust {
namespace {

constexpr const char* whole_file = R"({"users": {"ann": {"role": "operator",
  "tokens": [{"id": "t1", "created": "2026-11-29T15:00:00Z",
    "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}],
  "quota": {"containers": 10, "cpus": 4.5, "memory": "8g"},
  "allow": {"privileged": false, "mounts": ["/srv/data"], "devices": ["/dev/fuse"],
            "capabilities": ["NET_ADMIN"], "hostNamespaces": ["pid"], "dockerSocket": true}},
  "root": {"role": "admin"}}})";

class UsersOnDisk : public testing::Test {
 protected:
  UsersOnDisk() {
    std::string path = testing::TempDir() + "usersXXXXXX";
    directory_ = ::mkdtemp(path.data());
    file_ = directory_ / "users.json";
  }
  ~UsersOnDisk() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& text) const { std::ofstream(file_) << text; }
  mode_t mode() const {
    struct stat found {};
    ::stat(file_.c_str(), &found);
    return found.st_mode & 0777;
  }

  std::filesystem::path directory_;
  std::filesystem::path file_;
};

TEST(Users, a_file_is_read_as_it_says) {
  const auto users = parse_users(whole_file);
  ASSERT_TRUE(users) << users.error().message;
  const User& ann = users->at("ann");
  EXPECT_EQ(ann.role, Role::operator_);
  EXPECT_EQ(ann.tokens.at(0).id, "t1");
  EXPECT_EQ(ann.quota.containers, 10);
  EXPECT_EQ(ann.quota.nano_cpus, 4'500'000'000);
  EXPECT_EQ(ann.quota.memory_bytes, std::int64_t{8} << 30);
  EXPECT_EQ(ann.allow.mounts, std::vector<std::string>{"/srv/data"});
  EXPECT_TRUE(ann.allow.docker_socket);
  EXPECT_TRUE(users->at("root").quota.empty());
}

TEST(Users, what_is_written_is_read_again) {
  const auto users = parse_users(whole_file);
  const auto again = parse_users(render_users(*users));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *users);
}

TEST(Users, what_is_not_understood_is_refused_by_its_place) {
  const struct {
    const char* text;
    const char* place;
  } cases[] = {
      {R"({"users": {"ann": {"role": "operator", "grop": 1}}})", "grop"},
      {R"({"user": {}})", "user"},
      {R"({"users": {"ann": {"role": "root"}}})", "users.ann.role"},
      {R"({"users": {"ann": {}}})", "users.ann.role"},
      {R"({"users": {"an n": {"role": "viewer"}}})", "an n"},
      {R"({"users": {"ann=": {"role": "viewer"}}})", "ann="},
      {R"({"users": {"ann": {"role": "viewer", "tokens": [{"id": "t1", "sha256": "00"}]}}})",
       "tokens[0].sha256"},
      {R"({"users": {"ann": {"role": "viewer", "quota": {"memory": "much"}}}})", "quota.memory"},
      {R"({"users": {"ann": {"role": "viewer", "quota": {"cpus": -1}}}})", "quota.cpus"},
      {R"({"users": {"ann": {"role": "viewer", "quota": {"containers": -1}}}})",
       "quota.containers"},
      {R"({"users": {"ann": {"role": "viewer", "allow": {"mounts": ["data"]}}}})", "allow.mounts"},
      {R"({"users": {"ann": {"role": "viewer", "allow": {"mounts": ["/a/../b"]}}}})",
       "allow.mounts"},
      {R"({"users": {"ann": {"role": "viewer", "allow": {"hostNamespaces": ["all"]}}}})",
       "allow.hostNamespaces"},
      {R"({"users": {"ann": {"role": "viewer"}, "ann": {"role": "admin"}}})", "ann"},
      {"{", ""},
  };
  for (const auto& [text, place] : cases) {
    const auto users = parse_users(text);
    ASSERT_FALSE(users) << text;
    EXPECT_EQ(users.error().code, errc::bad_config);
    EXPECT_NE(users.error().message.find(place), std::string::npos)
        << text << ": " << users.error().message;
  }
}

TEST_F(UsersOnDisk, a_new_file_is_private_and_an_old_one_keeps_its_mode) {
  ASSERT_TRUE(write_users_file(file_, *parse_users(whole_file)));
  EXPECT_EQ(mode(), 0600);
  ::chmod(file_.c_str(), 0640);
  ASSERT_TRUE(write_users_file(file_, {}));
  EXPECT_EQ(mode(), 0640);
  EXPECT_TRUE(read_users_file(file_)->empty());
}

TEST_F(UsersOnDisk, a_file_that_others_may_write_is_refused) {
  write(whole_file);
  ::chmod(file_.c_str(), 0660);
  const auto users = read_users_file(file_);
  ASSERT_FALSE(users);
  EXPECT_NE(users.error().message.find("chmod go-w"), std::string::npos);
}

TEST_F(UsersOnDisk, a_broken_new_file_leaves_things_as_they_were) {
  write(whole_file);
  ::chmod(file_.c_str(), 0600);
  auto book = UserBook::open(file_);
  ASSERT_TRUE(book) << book.error().message;
  write("{");
  EXPECT_FALSE(book->reload());
  EXPECT_NE(book->find("ann"), nullptr);
  write(R"({"users": {}})");
  EXPECT_TRUE(book->reload());
  EXPECT_EQ(book->find("ann"), nullptr);
  EXPECT_TRUE(book->in_use());
}

TEST(Tokens, a_token_is_found_by_its_hash_and_no_other_is) {
  const std::string token = new_token();
  EXPECT_TRUE(token.starts_with("dht_"));
  EXPECT_EQ(token.size(), 68u);
  EXPECT_NE(token, new_token());
  Users users;
  users["ann"].role = Role::operator_;
  users["ann"].tokens = {{"t1", hash_of(new_token()), ""}, {"t2", hash_of(token), ""}};
  users["bob"].tokens = {{"t1", hash_of(new_token()), ""}};
  EXPECT_EQ(user_of_token(users, token), (Principal{"ann", Role::operator_}));
  EXPECT_FALSE(user_of_token(users, token.substr(0, 67)));
  EXPECT_FALSE(user_of_token(users, ""));
  EXPECT_FALSE(user_of_token(users, users["ann"].tokens[1].sha256));
}

TEST(Tokens, a_hash_is_sha256) {
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Tokens, only_the_bearer_scheme_carries_one) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer  abc "), "abc");
  EXPECT_FALSE(bearer_token("Basic abc"));
  EXPECT_FALSE(bearer_token("Bearer"));
  EXPECT_FALSE(bearer_token(""));
}

TEST(UserBook, another_agents_word_gives_no_more_than_the_own_file) {
  Users users;
  users["ann"].role = Role::viewer;
  users["root"].role = Role::admin;
  const UserBook book = UserBook::of(users);
  EXPECT_EQ(book.vouched_for({"ann", Role::admin})->role, Role::viewer);
  EXPECT_EQ(book.vouched_for({"root", Role::operator_})->role, Role::operator_);
  EXPECT_FALSE(book.vouched_for({"bob", Role::admin}));
  EXPECT_TRUE(book.vouched_for({"", Role::admin}));
  const UserBook none;
  EXPECT_TRUE(none.vouched_for({"cn", Role::admin}));
  EXPECT_FALSE(none.vouched_for({"cn", Role::operator_}));
}

}  // namespace
}  // namespace dockherd::trust
