#include "engine_api/build_progress.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace dockherd::engine_api {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

BuildProgress after(std::string_view text, std::size_t piece = 1'000'000) {
  BuildProgress progress;
  while (!text.empty()) {
    progress.feed(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
  }
  progress.finish();
  return progress;
}

TEST(BuildProgress, knows_the_image_in_whatever_pieces_the_lines_come) {
  const std::string text =
      "{\"stream\":\"Step 1/1 : FROM a\"}\r\n{\"stream\":\"\\n\"}\r\n{\"aux\":{\"ID\":\"" + digest +
      "\"}}\r\n{\"stream\":\"Successfully built aaaaaaaaaaaa\\n\"}";
  for (const std::size_t piece : {1u, 7u, 1000u}) {
    const BuildProgress progress = after(text, piece);
    EXPECT_EQ(progress.image_id(), digest);
    EXPECT_FALSE(progress.failed());
  }
}

TEST(BuildProgress, of_a_quiet_build_is_the_id_alone) {
  EXPECT_EQ(after("{\"stream\":\"" + digest + "\\n\"}\r\n").image_id(), digest);
}

TEST(BuildProgress, of_an_old_client_has_the_short_id_only) {
  EXPECT_EQ(after("{\"stream\":\"Successfully built 0123456789ab\\n\"}\r\n").image_id(),
            "0123456789ab");
}

TEST(BuildProgress, takes_the_last_of_several_images) {
  const std::string last = "sha256:" + std::string(64, 'b');
  EXPECT_EQ(after("{\"aux\":{\"ID\":\"" + digest + "\"}}\n{\"aux\":{\"ID\":\"" + last + "\"}}\n")
                .image_id(),
            last);
}

TEST(BuildProgress, is_a_failure_when_a_line_tells_of_an_error) {
  EXPECT_TRUE(
      after("{\"errorDetail\":{\"code\":7,\"message\":\"x\"},\"error\":\"x\"}\r\n").failed());
  EXPECT_TRUE(after("{\"error\":\"x\"}").failed()) << "without a line end";
}

TEST(BuildProgress, takes_no_output_of_a_step_for_its_end) {
  const BuildProgress progress = after(
      "{\"stream\":\"Successfully built everything\\n\"}\r\n{\"stream\":\"error: none\\n\"}\r\n"
      "not JSON: \"error\"\r\n{\"stream\":\"sha256:xyz\\n\"}\r\n{\"aux\":\"AAAA\"}\r\n");
  EXPECT_EQ(progress.image_id(), "");
  EXPECT_FALSE(progress.failed());
}

TEST(BuildProgress, passes_over_a_line_that_is_too_long) {
  const std::string text = "{\"stream\":\"" + std::string(limits::docker_event_bytes, 'x') +
                           "\"}\r\n{\"aux\":{\"ID\":\"" + digest + "\"}}\r\n";
  EXPECT_EQ(after(text).image_id(), digest);
}

TEST(ImageNames, without_a_tag_have_the_one_that_docker_gives_them) {
  EXPECT_EQ(with_tag("shop"), "shop:latest");
  EXPECT_EQ(with_tag("shop:1"), "shop:1");
  EXPECT_EQ(with_tag("host:5000/shop"), "host:5000/shop:latest");
  EXPECT_EQ(with_tag("host:5000/shop:1"), "host:5000/shop:1");
}

TEST(ImageNames, are_split_at_the_tag_and_not_at_the_port) {
  EXPECT_EQ(split_tag("host:5000/shop:1").repository, "host:5000/shop");
  EXPECT_EQ(split_tag("host:5000/shop:1").tag, "1");
  EXPECT_EQ(split_tag("host:5000/shop").repository, "host:5000/shop");
  EXPECT_EQ(split_tag("host:5000/shop").tag, "");
}

}  // namespace
}  // namespace dockherd::engine_api
