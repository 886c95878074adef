// Typed reading of YAML that people write, with the line in every error. The only place that knows
// yaml-cpp, whose exceptions end here.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace dockherd::agent {

/// A wrapper, because YAML::Node accepts any type and so cannot stand in a Result by itself.
struct YamlDocument {
  explicit YamlDocument(const YAML::Node& node) : root(node) {}
  YAML::Node root;
};

/// One document, with a null root for an empty text. Fails with bad_config, "FILE:LINE: …", on
/// broken syntax, on several documents, and on nesting deeper than a configuration needs (the
/// parser calls itself for each level). Never throws.
Result<YamlDocument> parse_yaml(std::string_view text, const std::string& file);

/// Reads typed fields of one mapping. Absent (or null) fields give nothing. Errors are bad_config,
/// "FILE:LINE: FIELD must be EXPECTED, got …", with the field's full name.
class YamlReader {
 public:
  /// A null node is an empty mapping. Fails on other things than a mapping, on keys not among
  /// `known` and on a key given twice. `where` prefixes field names ("bus.").
  static Result<YamlReader> of(const YAML::Node& node, const std::string& file, std::string where,
                               std::initializer_list<std::string_view> known);

  /// A nested mapping; an empty one when absent.
  Result<YamlReader> mapping(std::string_view key,
                             std::initializer_list<std::string_view> known) const;
  bool has(std::string_view key) const;

  Result<std::optional<std::string>> string(std::string_view key) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  /// Whole decimal numbers within [low, high] only.
  Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t low,
                                              std::int64_t high) const;
  Result<std::optional<std::vector<std::string>>> strings(std::string_view key,
                                                          std::size_t max_items) const;

  /// An error about `key`: "FILE:LINE: FIELD must be EXPECTED, got VALUE".
  Error wrong(std::string_view key, std::string_view expected) const;

 private:
  YamlReader(const YAML::Node& node, std::string file, std::string where)
      : node_(node), file_(std::move(file)), where_(std::move(where)) {}

  YAML::Node find(std::string_view key) const;
  Error wrong_at(const YAML::Node& node, const std::string& field, std::string_view expected) const;

  YAML::Node node_;
  std::string file_;
  std::string where_;
};

}  // namespace dockherd::agent
