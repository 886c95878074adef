// Chunks that may be passed on, and those that others could read otherwise than we do.
#include "http_api/chunk_framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/none.hpp>
#include <string>
#include <string_view>

#include "http_api/pass_through.hpp"
#include "http_api/passing_body.hpp"

namespace dockherd::http_api {
namespace {

namespace http = boost::beast::http;

struct Judgement {
  std::size_t taken = 0;
  bool done = false;
  boost::system::error_code fault;
};

/// In two pieces, the second from `at` on.
Judgement judged(std::string_view body, std::size_t at) {
  ChunkFraming framing;
  Judgement found;
  found.taken = framing.take(body.substr(0, at));
  if (found.taken == at) found.taken += framing.take(body.substr(at));
  found.done = framing.done();
  found.fault = framing.fault();
  return found;
}

/// What PassThrough gives of a request's body that comes in two pieces, and what is left of it.
struct PassedOn {
  std::string bytes;
  std::string left;
  bool done = false;
  bool malformed = false;
};

PassedOn passed_in_two(std::string_view body, std::size_t at) {
  constexpr std::string_view head =
      "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  http::request_parser<http::empty_body> head_parser;
  boost::system::error_code fault;
  head_parser.put(boost::asio::buffer(head), fault);
  EXPECT_TRUE(head_parser.is_header_done()) << fault.message();
  http::request_parser<PassingBody> parser(std::move(head_parser));
  parser.body_limit(boost::none);
  parser.eager(true);
  PassThrough pass;
  boost::beast::flat_buffer buffer;
  PassedOn found;
  for (const std::string_view piece : {body.substr(0, at), body.substr(at)}) {
    const auto room = buffer.prepare(piece.size());
    std::copy(piece.begin(), piece.end(), static_cast<char*>(room.data()));
    buffer.commit(piece.size());
    for (;;) {
      const std::string_view offered = pass.offer(buffer, parser);
      if (offered.empty()) break;
      found.bytes += offered;
      pass.drop(buffer);
    }
  }
  found.left.assign(static_cast<const char*>(buffer.data().data()), buffer.size());
  found.done = parser.is_done();
  found.malformed = pass.malformed();
  return found;
}

/// For Beast's parser one chunk line with a quoted extension and then 0x119 bytes of data; for a
/// server that ends the line at LF a chunk of 0x119 bytes, the end of the body, and a request.
std::string attack() {
  const std::string smuggled =
      "0\r\n\r\nPOST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  const std::string opening = "119;x=\"\n";
  // What the other takes for its chunk: the rest of our line, and the beginning of our data.
  const std::string rest_of_line = std::string(100, 'A') + "\"\r\n";
  std::string data(0x119 - rest_of_line.size(), 'B');
  data += "\r\n" + smuggled;
  data.resize(0x119, ' ');
  return opening + rest_of_line + data + "\r\n0\r\n\r\n";
}

constexpr std::string_view well_framed[] = {
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    "0003\r\nabc\r\n000\r\n\r\n",
    "a\r\n0123456789\r\nA\r\n0\r\n\r\n;=\n\r \r\n0\r\n\r\n",
    "1\r\n\n\r\n2\r\n\r\n\r\n0000000000000000\r\n\r\n",
};

TEST(ChunkFraming, sizes_alone_are_taken_up_to_the_end_in_any_pieces) {
  for (const std::string_view body : well_framed) {
    const std::string bytes = std::string(body) + "GET /";
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      const Judgement found = judged(bytes, at);
      EXPECT_FALSE(found.fault) << body << at;
      EXPECT_TRUE(found.done) << body << at;
      EXPECT_EQ(found.taken, body.size()) << body << at;
    }
  }
}

TEST(ChunkFraming, what_follows_a_size_is_an_extension) {
  for (const char* after : {" ", "\t", ";", ";x", ";x=y", " ;x=\"y\"", ";x=\"\n\""}) {
    for (const char* size : {"5", "0", "00"}) {
      const std::string body = size + std::string(after) + "\r\nhello\r\n0\r\n\r\n";
      for (std::size_t at = 0; at <= body.size(); ++at) {
        const Judgement found = judged(body, at);
        EXPECT_EQ(found.fault, http::error::bad_chunk_extension) << body << at;
        EXPECT_EQ(found.taken, std::string_view(size).size()) << body << at;
      }
    }
  }
}

TEST(ChunkFraming, whatever_else_is_no_chunk) {
  constexpr std::string_view broken[] = {
      "\r\n",
      "\n",
      " 5\r\nhello\r\n",
      "-5\r\nhello\r\n",
      "+5\r\nhello\r\n",
      "0x5\r\nhello\r\n",
      "5h\r\nhello\r\n",
      // Line ends of half, of each line that there is.
      "5\nhello\r\n0\r\n\r\n",
      "5\rhello\r\n0\r\n\r\n",
      "5\r\rhello\r\n0\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\r0\r\n\r\n",
      "5\r\nhello!\r\n0\r\n\r\n",
      "0\n\r\n",
      "0\n\n",
      "0\r\n\n",
      "0\r\n\r\r",
      // Trailers.
      "0\r\nA: b\r\n\r\n",
      "0\r\n A: b\r\n\r\n",
      "0\r\nContent-Length: 3\r\n\r\n",
      // More digits than 64 bits have, even where they are zeros.
      "10000000000000000\r\n",
      "00000000000000005\r\nhello\r\n",
  };
  for (const std::string_view body : broken) {
    for (std::size_t at = 0; at <= body.size(); ++at) {
      const Judgement found = judged(body, at);
      EXPECT_EQ(found.fault, http::error::bad_chunk) << body << at;
      EXPECT_FALSE(found.done) << body << at;
    }
  }
}

TEST(ChunkFraming, the_largest_size_does_not_wrap) {
  ChunkFraming framing;
  EXPECT_EQ(framing.take("ffffffffffffffff\r\n0\r\n\r\n"), 23u);
  EXPECT_FALSE(framing.fault());
  EXPECT_FALSE(framing.done());
}

TEST(ChunkFraming, a_well_framed_body_passes_whole_and_what_follows_stays) {
  for (const std::string_view body : well_framed) {
    const std::string bytes = std::string(body) + "GET /";
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      const PassedOn found = passed_in_two(bytes, at);
      EXPECT_EQ(found.bytes, body) << at;
      EXPECT_EQ(found.left, "GET /") << body << at;
      EXPECT_TRUE(found.done && !found.malformed) << body << at;
    }
  }
}

TEST(ChunkFraming, of_an_attack_by_an_extension_nothing_passes_wherever_it_is_split) {
  const std::string body = attack();
  for (std::size_t at = 0; at <= body.size(); ++at) {
    const PassedOn found = passed_in_two(body, at);
    EXPECT_EQ(found.bytes, "") << at;
    EXPECT_TRUE(found.malformed && !found.done) << at;
  }
}

TEST(ChunkFraming, of_an_attack_behind_a_good_chunk_no_more_than_that_chunk_passes) {
  const std::string good = "3\r\nabc";
  const std::string body = good + "\r\n" + attack();
  for (std::size_t at = 0; at <= body.size(); ++at) {
    const PassedOn found = passed_in_two(body, at);
    EXPECT_TRUE(good.starts_with(found.bytes)) << at << found.bytes;
    EXPECT_TRUE(found.malformed && !found.done) << at;
  }
}

}  // namespace
}  // namespace dockherd::http_api
