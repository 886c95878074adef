// Images of all hosts as those of one daemon. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine_api/host_answer.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

/// GET /images/json: one entry for each Id, newest first, with the tags and digests of all hosts
/// and "Nodes", the names of those that have it. Containers are summed where they were counted.
Merged merge_images(std::span<const HostAnswer> answers);

/// DELETE /images/x: everything that was untagged and deleted, once. A host that has no such image
/// does not matter; one that refuses does: the answer is its error, named, with where it is gone.
Merged merge_image_deletes(std::span<const HostAnswer> answers);

/// Tags or digests of one image. dockerd lists "<none>:<none>" for one that has neither tag nor
/// digest; beside a real one that would be a lie.
class ImageNames {
 public:
  /// False when the text is no list of strings.
  bool add(std::string_view list);
  /// The list; without a real name as a host gave it: null, [] or the "<none>" one.
  std::string text() const;

 private:
  std::vector<std::string> real_;  ///< JSON strings.
  std::string empty_;              ///< The text of a list without names.
  std::string none_;               ///< The text of a list of "<none>".
};

/// Gathers the lists of hosts, one after the other.
class ImageMerge {
 public:
  /// What a size says of an image that several hosts have: `each` as in GET /images/json, or what
  /// it takes in `all` of them as in GET /system/df, where sizes are subtracted from the sum of
  /// layers.
  enum class Sizes { each, all };

  explicit ImageMerge(Sizes sizes = Sizes::each) : sizes_(sizes) {}

  /// False, with nothing added, when the text is no list of images.
  bool add(const std::string& hostname, std::string_view list);
  std::string text() const;

 private:
  struct Image {
    ObjectText first;  ///< As the first host gives it; borrows.
    std::string id;    ///< The JSON string.
    std::int64_t created = 0;
    std::int64_t containers = -1;
    ImageNames tags, digests;
    std::vector<std::string> nodes;
    std::vector<std::optional<std::int64_t>> sizes;
  };

  static std::optional<Image> read(std::string_view entry);
  void put(Image image, const std::string& hostname);

  Sizes sizes_;
  std::vector<Image> images_;
  std::map<std::string, std::size_t> index_;  ///< By id.
};

}  // namespace dockherd::engine_api
