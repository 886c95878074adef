#include "engine_api/merge_images.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/docker_error.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::array<std::string_view, 3> size_keys = {"Size", "SharedSize", "VirtualSize"};

void append_once(std::vector<std::string>& list, std::string_view item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.emplace_back(item);
}

/// Of a delete that some host refused: its status, and what happened where.
Merged refused_delete(std::span<const HostAnswer> answers, const std::vector<std::string>& failed,
                      const std::vector<std::string>& removed) {
  Merged merged;
  merged.left_out = failed;
  std::vector<std::string> reasons;
  for (const HostAnswer& answer : answers) {
    if (std::find(failed.begin(), failed.end(), answer.hostname) == failed.end()) continue;
    if (reasons.empty()) merged.status = answer.status >= 400 ? answer.status : 502;
    reasons.push_back(answer.hostname + ": " +
                      (answer.status >= 400 ? docker_client::error_message(answer.body)
                                            : std::string("the answer is not understood")));
  }
  std::string message = join(reasons, "; ");
  if (!removed.empty()) message += "; removed on " + join(removed);
  merged.body = docker_message(message);
  return merged;
}

}  // namespace

bool ImageNames::add(std::string_view list) {
  if (list.empty()) return true;  // Not said at all.
  const auto elements = elements_of(list);
  if (!elements) return false;
  bool none = false;
  for (const std::string_view element : *elements) {
    const auto name = string_of(element);
    if (!name) return false;
    if (name->starts_with("<none>")) {
      none = true;
    } else {
      append_once(real_, element);
    }
  }
  if (none && none_.empty()) none_ = list;
  if (elements->empty() && empty_.empty()) empty_ = list;
  return true;
}

std::string ImageNames::text() const {
  if (!real_.empty()) return array_text(real_);
  if (!empty_.empty()) return empty_;
  return none_.empty() ? "[]" : none_;
}

std::optional<ImageMerge::Image> ImageMerge::read(std::string_view entry) {
  auto object = ObjectText::sliced(entry);
  if (!object || !string_of(object->find("Id"))) return std::nullopt;
  Image image;
  image.id = object->find("Id");
  image.created = integer_of(object->find("Created")).value_or(0);
  image.containers = integer_of(object->find("Containers")).value_or(-1);
  for (const std::string_view key : size_keys) image.sizes.push_back(integer_of(object->find(key)));
  if (!image.tags.add(object->find("RepoTags"))) return std::nullopt;
  if (!image.digests.add(object->find("RepoDigests"))) return std::nullopt;
  image.first = *std::move(object);
  return image;
}

bool ImageMerge::add(const std::string& hostname, std::string_view list) {
  const auto elements = elements_of(list);
  if (!elements) return false;
  std::vector<Image> images;
  for (const std::string_view element : *elements) {
    auto image = read(element);
    if (!image) return false;
    images.push_back(*std::move(image));
  }
  for (Image& image : images) put(std::move(image), hostname);
  return true;
}

void ImageMerge::put(Image image, const std::string& hostname) {
  const auto [place, is_new] = index_.emplace(image.id, images_.size());
  if (is_new) {
    image.nodes.push_back(hostname);
    images_.push_back(std::move(image));
    return;
  }
  Image& known = images_[place->second];
  known.containers = sum_of_known(known.containers, image.containers);
  known.tags.add(image.first.find("RepoTags"));
  known.digests.add(image.first.find("RepoDigests"));
  append_once(known.nodes, hostname);
  for (std::size_t i = 0; i < size_keys.size(); ++i) {
    if (!known.sizes[i] || !image.sizes[i]) continue;
    known.sizes[i] = sum_of_known(*known.sizes[i], *image.sizes[i]);
  }
}

std::string ImageMerge::text() const {
  std::vector<const Image*> order;
  for (const Image& image : images_) order.push_back(&image);
  std::stable_sort(order.begin(), order.end(), [](const Image* left, const Image* right) {
    return left->created > right->created;
  });
  std::vector<std::string> elements;
  for (const Image* image : order) {
    ObjectText object = image->first;
    if (!object.find("RepoTags").empty()) object.set("RepoTags", image->tags.text());
    if (!object.find("RepoDigests").empty()) object.set("RepoDigests", image->digests.text());
    if (!object.find("Containers").empty()) {
      object.set("Containers", std::to_string(image->containers));
    }
    for (std::size_t i = 0; sizes_ == Sizes::all && i < size_keys.size(); ++i) {
      if (image->sizes[i]) object.set(size_keys[i], std::to_string(*image->sizes[i]));
    }
    object.set("Nodes", strings_text(image->nodes));
    elements.push_back(object.text());
  }
  return array_text(elements);
}

Merged merge_images(std::span<const HostAnswer> answers) {
  ImageMerge images;
  auto left_out = take_good_answers(
      answers, NotFound::is_a_failure,
      [&images](const HostAnswer& answer) { return images.add(answer.hostname, answer.body); });
  if (left_out.size() == answers.size()) return nothing_merged(answers);
  return merged_into(images.text(), std::move(left_out));
}

Merged merge_image_deletes(std::span<const HostAnswer> answers) {
  std::vector<std::string> entries;
  std::vector<std::string> removed;
  auto failed = take_good_answers(answers, NotFound::may_lack_it,
                                  [&entries, &removed](const HostAnswer& answer) {
                                    const auto elements = elements_of(answer.body);
                                    if (!elements) return false;
                                    for (const std::string_view element : *elements)
                                      append_once(entries, element);
                                    removed.push_back(answer.hostname);
                                    return true;
                                  });
  if (removed.empty() && (failed.empty() || answers.size() == 1)) return nothing_merged(answers);
  if (!failed.empty()) return refused_delete(answers, failed, removed);
  return merged_into(array_text(entries), {});
}

}  // namespace dockherd::engine_api
