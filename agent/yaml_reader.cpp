#include "agent/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <utility>

#include "base/json_reader.hpp"
#include "base/text.hpp"

namespace dockherd::agent {

namespace {

// Our own files nest four levels deep.
constexpr std::size_t depth_limit = 32;

Error at_line(const std::string& file, int zero_based_line, const std::string& what) {
  const std::string place = zero_based_line < 0 ? "" : ":" + std::to_string(zero_based_line + 1);
  return {errc::bad_config, file + place + ": " + what};
}

/// Counts every bracket, also in strings and comments, and every "- " that begins a line: more
/// than the parser will nest, never less. Nesting by indentation needs a line for each level;
/// there the parser's own limit of 500 levels serves.
Result<void> check_yaml_depth(std::string_view text, const std::string& file) {
  std::size_t flow = 0;
  std::size_t block = 0;
  bool at_beginning = true;  // Only indentation and "- ", "? ", ": " so far on this line.
  int line = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      block = 0;
      at_beginning = true;
    } else if (c == '[' || c == '{') {
      ++flow;
    } else if ((c == ']' || c == '}') && flow > 0) {
      --flow;
    }
    const bool indicator = c == '-' || c == '?' || c == ':';
    if (at_beginning && indicator) ++block;
    at_beginning = at_beginning && (indicator || c == ' ' || c == '\t' || c == '\n');
    if (flow > depth_limit || block > depth_limit) {
      return at_line(file, line, "nested deeper than " + std::to_string(depth_limit) + " levels");
    }
  }
  return {};
}

/// Remembers where a document begins and drops what is in it.
class DocumentLine final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { line = mark.line; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  int line = -1;
};

std::string describe(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return quote_json(node.Scalar().substr(0, 200));
  return "nothing";
}

std::optional<bool> parse_boolean(const std::string& text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

}  // namespace

Result<YamlDocument> parse_yaml(std::string_view text, const std::string& file) {
  if (auto depth = check_yaml_depth(text, file); !depth) return depth.error();
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    DocumentLine first;
    DocumentLine second;
    // Two calls at most: asked for all documents, the parser never comes to an end where a bracket
    // closes that none has opened.
    if (parser.HandleNextDocument(first) && parser.HandleNextDocument(second)) {
      return at_line(file, second.line, "something follows the document; one is expected");
    }
    return YamlDocument(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return at_line(file, error.mark.line, "invalid YAML: " + error.msg);
  } catch (const std::exception& error) {
    return at_line(file, -1, std::string("invalid YAML: ") + error.what());
  }
}

Result<YamlReader> YamlReader::of(const YAML::Node& node, const std::string& file,
                                  std::string where,
                                  std::initializer_list<std::string_view> known) {
  YamlReader reader(node, file, std::move(where));
  if (!node.IsDefined() || node.IsNull()) return reader;
  if (!node.IsMap()) {
    std::string name = reader.where_;
    if (!name.empty()) name.pop_back();
    const std::string field = name.empty() ? "the file" : name;
    return reader.wrong_at(node, field,
                           "a mapping with " + suggest("", {known.begin(), known.end()}));
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return reader.wrong_at(entry.first, "a key", "a word");
    const std::string& key = entry.first.Scalar();
    const std::string name = reader.where_ + key;
    const int line = entry.first.Mark().line;
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return at_line(file, line,
                     "unknown key " + quote_json(name) + ", expected " +
                         suggest(key, {known.begin(), known.end()}))
          .at_field(name);
    }
    if (!seen.insert(key).second) {
      return at_line(file, line, name + " must be given once, got it twice").at_field(name);
    }
  }
  return reader;
}

YAML::Node YamlReader::find(std::string_view key) const {
  if (!node_.IsDefined() || !node_.IsMap()) return {};
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  }
  return {};
}

bool YamlReader::has(std::string_view key) const {
  return !find(key).IsNull();
}

Error YamlReader::wrong_at(const YAML::Node& node, const std::string& field,
                           std::string_view expected) const {
  return at_line(file_, node.Mark().line,
                 field + " must be " + std::string(expected) + ", got " + describe(node))
      .at_field(field);
}

Error YamlReader::wrong(std::string_view key, std::string_view expected) const {
  return wrong_at(find(key), where_ + std::string(key), expected);
}

Result<YamlReader> YamlReader::mapping(std::string_view key,
                                       std::initializer_list<std::string_view> known) const {
  return of(find(key), file_, where_ + std::string(key) + ".", known);
}

Result<std::optional<std::string>> YamlReader::string(std::string_view key) const {
  const YAML::Node node = find(key);
  if (node.IsNull()) return std::optional<std::string>();
  if (!node.IsScalar()) return wrong(key, "a string");
  return std::optional<std::string>(node.Scalar());
}

Result<std::optional<bool>> YamlReader::boolean(std::string_view key) const {
  const YAML::Node node = find(key);
  if (node.IsNull()) return std::optional<bool>();
  const auto value = node.IsScalar() ? parse_boolean(node.Scalar()) : std::nullopt;
  if (!value) return wrong(key, "true or false");
  return value;
}

Result<std::optional<std::int64_t>> YamlReader::integer(std::string_view key, std::int64_t low,
                                                        std::int64_t high) const {
  const YAML::Node node = find(key);
  if (node.IsNull()) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  bool good = false;
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    good =
        error == std::errc() && end == text.data() + text.size() && value >= low && value <= high;
  }
  if (!good) {
    return wrong(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return std::optional<std::int64_t>(value);
}

Result<std::optional<std::vector<std::string>>> YamlReader::strings(std::string_view key,
                                                                    std::size_t max_items) const {
  const YAML::Node node = find(key);
  if (node.IsNull()) return std::optional<std::vector<std::string>>();
  if (!node.IsSequence()) return wrong(key, "a list of strings");
  if (node.size() > max_items) {
    return wrong(key, "a list of at most " + std::to_string(max_items) + " strings");
  }
  std::vector<std::string> items;
  for (const auto& item : node) {
    if (!item.IsScalar()) {
      return wrong_at(item, where_ + std::string(key), "a list of strings");
    }
    items.push_back(item.Scalar());
  }
  return std::optional<std::vector<std::string>>(std::move(items));
}

}  // namespace dockherd::agent
