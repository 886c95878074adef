// What tests of merged answers look at.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/json_reader.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::engine_api {

/// Null, and a failure, when it is no JSON.
inline json parsed(std::string_view text) {
  auto document = parse_json(text);
  EXPECT_TRUE(document) << text;
  return document ? *document : json();
}

/// The Warning header's value; empty when there is none.
inline std::string warning_of(const http_api::WholeResponse& answer) {
  for (const auto& [name, value] : answer.headers) {
    if (name == "Warning") return value;
  }
  return {};
}

}  // namespace dockherd::engine_api
