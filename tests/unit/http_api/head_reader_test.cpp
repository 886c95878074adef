#include "http_api/head_reader.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/error.hpp>
#include <string>
#include <string_view>

#include "http_api/message_head.hpp"

namespace dockherd::http_api {
namespace {

namespace http = boost::beast::http;

class HeadReaderTest : public testing::Test {
 protected:
  /// What has arrived. True when the head is complete or broken.
  bool read(std::string_view bytes) {
    const auto room = buffer.prepare(bytes.size());
    std::copy(bytes.begin(), bytes.end(), static_cast<char*>(room.data()));
    buffer.commit(bytes.size());
    return reader.read(buffer, fault);
  }
  std::string rest() const {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
  }

  boost::beast::flat_buffer buffer;
  HeadReader reader{64};
  boost::system::error_code fault;
};

TEST_F(HeadReaderTest, what_follows_the_head_stays) {
  ASSERT_TRUE(read("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokGET"));
  EXPECT_FALSE(fault);
  EXPECT_EQ(rest(), "okGET");
  EXPECT_EQ(as_view(reader.take().get().target()), "/x");
}

TEST_F(HeadReaderTest, empty_lines_before_a_request_are_passed_over_in_any_pieces) {
  for (const char* piece : {"\r", "\n", "\r\n", "\r"}) EXPECT_FALSE(read(piece)) << fault.message();
  EXPECT_FALSE(reader.begun());
  ASSERT_TRUE(read("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(fault) << fault.message();
}

TEST_F(HeadReaderTest, a_line_end_of_half_before_a_request_is_broken) {
  EXPECT_FALSE(read("\r"));
  EXPECT_TRUE(read("GET / HTTP/1.1\r\n"));
  EXPECT_TRUE(fault);
}

TEST_F(HeadReaderTest, the_limit_is_for_all_pieces_together) {
  EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\n"));
  EXPECT_FALSE(read("A: 0123456789\r\n"));
  EXPECT_TRUE(read("B: 0123456789abcdefghijklmnopqrstuvwxyz\r\n"));
  EXPECT_EQ(fault, http::error::header_limit);
}

TEST_F(HeadReaderTest, a_body_whose_end_cannot_be_known_breaks_the_request) {
  EXPECT_TRUE(read("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"));
  EXPECT_EQ(fault, http::error::bad_transfer_encoding);
}

TEST(HeadLines, end_with_both_cr_and_lf) {
  for (const std::string_view head :
       {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nB\n: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\nB: c\r\n\r\n", "GET /\nx HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n"}) {
    boost::beast::flat_buffer buffer;
    const auto room = buffer.prepare(head.size());
    std::copy(head.begin(), head.end(), static_cast<char*>(room.data()));
    buffer.commit(head.size());
    HeadReader reader(1024);
    boost::system::error_code fault;
    EXPECT_TRUE(reader.read(buffer, fault)) << head;
    EXPECT_TRUE(fault) << head;
  }
}

TEST_F(HeadReaderTest, a_folded_line_is_one_line_when_it_goes_on) {
  ASSERT_TRUE(read("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n d: e\r\n\r\n"));
  EXPECT_FALSE(fault) << fault.message();
  RequestHead head("GET", "/");
  head.headers = passed_on(reader.take().get(), false);
  std::string text;
  render(text, head);
  EXPECT_EQ(text, "GET / HTTP/1.1\r\nHost: docker\r\nB: c d: e\r\n\r\n");
}

}  // namespace
}  // namespace dockherd::http_api
