#include <gtest/gtest.h>

#include "http_api/browser_guard.hpp"
#include "http_api/listen_address.hpp"

namespace dockherd::http_api {

TEST(ListenAddress, takes_ipv4_ipv6_and_short_forms) {
  const std::pair<const char*, const char*> good[] = {{"127.0.0.1:8080", "127.0.0.1:8080"},
                                                      {"[::1]:80", "[::1]:80"},
                                                      {"localhost:1", "127.0.0.1:1"},
                                                      {"*:0", "0.0.0.0:0"},
                                                      {"[::]:65535", "[::]:65535"}};
  for (const auto& [text, shown] : good) {
    const auto endpoint = parse_listen_address(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(shown, format_address(*endpoint));
  }
}

TEST(ListenAddress, names_what_it_cannot_read) {
  for (const char* text :
       {"", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:80x", "::1:80", "[127.0.0.1]:80", "example.org:80", "[]:80", "127.0.0.1: 80"}) {
    const auto endpoint = parse_listen_address(text);
    ASSERT_FALSE(endpoint.has_value()) << text;
    EXPECT_EQ(errc::bad_config, endpoint.error().code);
    EXPECT_NE(std::string::npos, endpoint.error().message.find("\"" + std::string(text) + "\""));
  }
}

TEST(BrowserGuard, a_program_sends_no_origin) {
  EXPECT_TRUE(is_trusted_origin("", "anything"));
}

TEST(BrowserGuard, a_page_of_this_agent_may) {
  EXPECT_TRUE(is_trusted_origin("http://127.0.0.1:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(is_trusted_origin("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(is_trusted_origin("http://[::1]:8080", "[::1]:8080"));
}

TEST(BrowserGuard, a_page_of_another_origin_may_not) {
  EXPECT_FALSE(is_trusted_origin("https://evil.example", "127.0.0.1:8080"));
  EXPECT_FALSE(is_trusted_origin("http://127.0.0.1:9090", "127.0.0.1:8080"));
  EXPECT_FALSE(is_trusted_origin("null", "127.0.0.1:8080"));
}

TEST(BrowserGuard, a_name_that_was_made_to_resolve_to_loopback_may_not) {
  EXPECT_FALSE(is_trusted_origin("http://evil.example:8080", "evil.example:8080"));
  EXPECT_FALSE(is_trusted_origin("http://", ""));
  EXPECT_FALSE(is_trusted_origin("http://[", "["));
}

}  // namespace dockherd::http_api
