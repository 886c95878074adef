#include "agent/notice_codec.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t most_names = 64;

Error not_a_notice(const char* what) {
  return {errc::bad_request, what};
}

Result<ContainersNotice::Named> read_named(const json& item) {
  const auto entry = JsonReader::of(item, "put.");
  if (!entry) return entry.error();
  const auto id = entry->string("id");
  auto names = entry->strings("names", most_names);
  if (!id || !*id || !looks_like_container_id(**id)) {
    return not_a_notice("put.id must be a container's id");
  }
  if (!names) return names.error();
  return ContainersNotice::Named(**id, names->value_or(std::vector<std::string>()));
}

}  // namespace

std::string encode_containers(const ContainersNotice& notice) {
  json put = json::array();
  for (const auto& [id, names] : notice.put) put.push_back(json{{"id", id}, {"names", names}});
  json text{{"put", std::move(put)}};
  if (notice.all) text["all"] = true;
  if (!notice.all || !notice.removed.empty()) text["removed"] = notice.removed;
  if (notice.sum) text["sum"] = *notice.sum;
  return dump_json(text);
}

Result<ContainersNotice> decode_containers(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  ContainersNotice notice;
  const auto all = reader->boolean("all");
  if (!all) return all.error();
  notice.all = all->value_or(false);
  const json* put = reader->any("put");
  if (put != nullptr && put->is_array()) {
    for (const json& item : *put) {
      auto named = read_named(item);
      if (!named) return named.error();
      notice.put.push_back(std::move(*named));
    }
  }
  auto removed = reader->strings("removed", limits::json_bytes);
  if (!removed) return removed.error();
  if (*removed) notice.removed = std::move(**removed);
  const auto sum = reader->string("sum");
  if (!sum) return sum.error();
  notice.sum = *sum;
  return notice;
}

std::string encode_released_name(const ReleasedName& released) {
  return dump_json(
      json{{"name", released.name}, {"token", released.token}, {"used", released.used}});
}

Result<ReleasedName> decode_released_name(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  const auto name = reader->string("name");
  const auto token = reader->string("token");
  const auto used = reader->boolean("used");
  if (!name || !*name || !token || !*token || !used) {
    return not_a_notice("a released name needs name, token and used");
  }
  ReleasedName released;
  released.name = **name;
  released.token = **token;
  released.used = used->value_or(false);
  return released;
}

std::string encode_released_grant(const ReleasedGrant& released) {
  return dump_json(json{{"user", released.user}, {"token", released.token}});
}

Result<ReleasedGrant> decode_released_grant(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  const auto user = reader->string("user");
  const auto token = reader->string("token");
  if (!user || !*user || !token || !*token) {
    return not_a_notice("a released grant needs user and token");
  }
  ReleasedGrant released;
  released.user = **user;
  released.token = **token;
  return released;
}

KeyPlaces key_places_in(const json& body) {
  KeyPlaces places;
  const json* given = find_member(body, "given");
  if (given == nullptr || !given->is_object() || given->size() > limits::instances) return places;
  for (const auto& [item, host] : given->items()) {
    const auto number = parse_json(item);
    const bool is_item =
        number && number->is_number_unsigned() && number->get<std::uint64_t>() <= limits::instances;
    if (is_item && host.is_string()) places[number->get<std::uint32_t>()] = host;
  }
  return places;
}

std::string encode_key_news(const KeyNews& news) {
  json text{{"key", news.key}};
  if (news.token) text["token"] = *news.token;
  if (news.ended) text["ended"] = true;
  if (!news.given.empty()) {
    json& given = text["given"] = json::object();
    for (const auto& [item, host] : news.given) given[std::to_string(item)] = host;
  }
  return dump_json(text);
}

Result<KeyNews> decode_key_news(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  const auto key = reader->string("key");
  const auto token = reader->string("token");
  const auto ended = reader->boolean("ended");
  if (!key || !*key || !token || !ended) {
    return not_a_notice("news of a key needs key, token, and given or ended");
  }
  KeyNews news;
  news.key = **key;
  news.token = *token;
  news.given = key_places_in(*document);
  news.ended = ended->value_or(false);
  return news;
}

std::string encode_superseded(const SupersededNotice& notice) {
  return dump_json(
      json{{"ids", notice.ids}, {"by", notice.by}, {"name", notice.name}, {"owner", notice.owner}});
}

Result<SupersededNotice> decode_superseded(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  const auto ids = reader->strings("ids", limits::ids_per_request);
  const auto by = reader->string("by");
  const auto name = reader->string("name");
  const auto owner = reader->string("owner");
  if (!ids || !*ids || !by || !*by || !looks_like_container_id(**by) || !name || !owner) {
    return not_a_notice("superseded containers need ids, by, name and owner");
  }
  SupersededNotice notice;
  notice.by = **by;
  notice.ids = **ids;
  notice.name = name->value_or("");
  notice.owner = owner->value_or("");
  return notice;
}

}  // namespace dockherd::agent
