#include "engine_api/docker_error.hpp"

#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

TEST(DockerError, is_an_object_with_a_message) {
  EXPECT_EQ(docker_message("a \"b\""), "{\"message\":\"a \\\"b\\\"\"}\n");
}

}  // namespace
}  // namespace dockherd::engine_api
