// What the progress of a build says of its end. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dockherd::engine_api {

/// Looks at the lines of POST /build as they pass, in any pieces. A line that is too long to be
/// looked at says nothing.
class BuildProgress {
 public:
  void feed(std::string_view bytes);
  /// After the last byte.
  void finish();

  /// The build has told of an error.
  bool failed() const { return failed_; }
  /// Of the image that was made, or its beginning; empty when the build named none.
  const std::string& image_id() const { return image_id_; }

 private:
  void take(std::string_view line);
  void take_stream(std::string_view text);

  std::string pending_;
  bool too_long_ = false;  ///< The line under way.
  bool failed_ = false;
  std::string image_id_;
};

/// "shop" to "shop:latest": without a tag the daemon would save every one.
std::string with_tag(std::string name);

/// "host:5000/shop:1" to "host:5000/shop" and "1".
struct TaggedName {
  std::string repository;
  std::string tag;
};
TaggedName split_tag(std::string_view name);

}  // namespace dockherd::engine_api
