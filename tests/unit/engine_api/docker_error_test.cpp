#include "engine_api/docker_error.hpp"

#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

TEST(DockerError, is_an_object_with_a_message) {
  EXPECT_EQ(docker_message("a \"b\""), "{\"message\":\"a \\\"b\\\"\"}\n");
}

TEST(DockerError, of_an_unknown_container_is_worded_as_docker_does) {
  EXPECT_EQ(no_such_container("web"), "{\"message\":\"No such container: web\"}\n");
}

}  // namespace
}  // namespace dockherd::engine_api
