#include "engine_api/placement_filter.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view id_prefix = "sha256:";
/// Fewer digits would mistake names like "db" or "cafe" for the beginning of somebody's id.
constexpr std::size_t fewest_id_digits = 6;

std::string_view without(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

bool has_name(const ContainerFacts& container, std::string_view name) {
  return std::any_of(container.names.begin(), container.names.end(),
                     [&](const std::string& own) { return without(own, "/") == name; });
}

// Dependencies.

struct Reference {
  std::string_view node;  // Empty: any.
  std::string_view container;
};

Reference parts_of(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return {{}, text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

enum class NameMatch { exact, id_digits };

bool has_container(const HostFacts& host, const Reference& reference, NameMatch match) {
  if (!reference.node.empty() && reference.node != host.name && reference.node != host.id) {
    return false;
  }
  return std::any_of(
      host.containers.begin(), host.containers.end(), [&](const ContainerFacts& container) {
        if (match == NameMatch::id_digits) {
          return container.id.starts_with(reference.container);
        }
        return container.id == reference.container || has_name(container, reference.container);
      });
}

/// The hosts that something is bound to; empty: to none.
using Places = std::vector<std::size_t>;

/// As the daemon looks things up: an id or name counts before the beginning of an id.
Places places_of_container(std::string_view text, std::span<const HostFacts> hosts) {
  const Reference reference = parts_of(text);
  for (const NameMatch match : {NameMatch::exact, NameMatch::id_digits}) {
    if (match == NameMatch::id_digits && !is_hex(reference.container)) break;
    Places places;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (has_container(hosts[i], reference, match)) places.push_back(i);
    }
    if (!places.empty()) return places;
  }
  return {};
}

Places places_of_volume(const std::string& name, std::span<const HostFacts> hosts) {
  Places places;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].volumes.contains(name)) places.push_back(i);
  }
  // On several hosts it is the same volume of a project that runs on all of them.
  return places.size() == 1 ? places : Places();
}

struct Bond {
  std::string reason;  // For the hosts that it does not lead to.
  Places places;
  bool soft = false;
};

std::string names_at(const Places& places, std::span<const HostFacts> hosts) {
  std::vector<std::string> names;
  for (const std::size_t place : places) names.push_back(hosts[place].name);
  return join(names);
}

std::vector<Bond> bonds_of(const CreateRules& rules, std::span<const HostFacts> hosts) {
  std::vector<Bond> bonds;
  const auto add = [&](std::string thing, Places places, const char* end, bool soft) {
    if (places.empty()) return;
    thing.append(" is on ").append(names_at(places, hosts)).append(end);
    bonds.push_back({std::move(thing), std::move(places), soft});
  };
  for (const std::string& name : rules.dependencies) {
    add("container " + name, places_of_container(name, hosts), "", false);
  }
  for (const std::string& name : rules.soft_dependencies) {
    add("container " + name, places_of_container(name, hosts), "", true);
  }
  for (const std::string& name : rules.volumes) {
    add("volume " + name, places_of_volume(name, hosts), " only", false);
  }
  return bonds;
}

// Rules.

using Subjects = std::vector<std::string_view>;

Subjects subjects_of_constraint(const std::string& key, const HostFacts& host) {
  if (key == "node") return {host.id, host.name};
  if (const auto label = host.labels.find(key); label != host.labels.end()) return {label->second};
  const std::pair<std::string_view, std::string_view> known[] = {
      {"storagedriver", host.storage_driver},
      {"operatingsystem", host.operating_system},
      {"ostype", host.os_type},
      {"architecture", host.architecture},
      {"kernelversion", host.kernel_version},
  };
  for (const auto& [name, value] : known) {
    if (name == key && !value.empty()) return {value};
  }
  return {};
}

/// A rule that names a thing by the first digits of its id takes the id for those digits.
std::string_view as_written(std::string_view id, const RuleExpression& rule) {
  const std::string& value = rule.value();
  const bool digits = rule.is_literal() && value.size() >= fewest_id_digits && is_hex(value) &&
                      id.starts_with(value);
  return digits ? id.substr(0, value.size()) : id;
}

bool container_affinity_met(const RuleExpression& rule, const HostFacts& host) {
  Subjects subjects;
  std::vector<std::string> with_node;
  // A regex would find the node's name in each of them.
  const bool names_node = !rule.is_regex() && rule.value().find('/') != std::string::npos;
  for (const ContainerFacts& container : host.containers) {
    subjects.push_back(as_written(container.id, rule));
    for (const std::string& name : container.names) {
      const std::string_view plain = without(name, "/");
      subjects.push_back(plain);
      if (names_node) with_node.push_back(host.name + "/" + std::string(plain));
    }
  }
  subjects.insert(subjects.end(), with_node.begin(), with_node.end());
  return rule.met_by(subjects);
}

/// "repo:5000/a/b:1.2" and "repo:5000/a/b@sha256:…" → "repo:5000/a/b".
std::string_view repository_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t colon = image.rfind(':');
  const std::size_t slash = image.rfind('/');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || slash < colon);
  return tagged ? image.substr(0, colon) : image;
}

bool image_affinity_met(const RuleExpression& rule, const HostFacts& host) {
  Subjects subjects;
  for (const std::string& image : host.images) {
    subjects.push_back(image);
    subjects.push_back(image.starts_with(id_prefix) ? as_written(without(image, id_prefix), rule)
                                                    : repository_of(image));
  }
  return rule.met_by(subjects);
}

bool label_affinity_met(const RuleExpression& rule, const HostFacts& host) {
  Subjects subjects;
  for (const ContainerFacts& container : host.containers) {
    const auto label = container.labels.find(rule.key());
    if (label != container.labels.end()) subjects.push_back(label->second);
  }
  return rule.met_by(subjects);
}

bool affinity_met(const RuleExpression& rule, const HostFacts& host) {
  if (rule.key() == "container") return container_affinity_met(rule, host);
  if (rule.key() == "image") return image_affinity_met(rule, host);
  return label_affinity_met(rule, host);
}

bool constraint_met(const RuleExpression& rule, const HostFacts& host) {
  return rule.met_by(subjects_of_constraint(rule.key(), host));
}

bool whitelist_met(const RuleExpression& rule, const HostFacts& host) {
  return rule.met_by(Subjects{host.id, host.name});
}

using Met = bool (*)(const RuleExpression&, const HostFacts&);

const RuleExpression* first_not_met(const std::vector<RuleExpression>& rules, const HostFacts& host,
                                    bool with_soft, Met met) {
  for (const RuleExpression& rule : rules) {
    if ((with_soft || !rule.is_soft()) && !met(rule, host)) return &rule;
  }
  return nullptr;
}

/// Why not to this host; nothing when it fits.
std::optional<std::string> reason_against(std::size_t index, const HostFacts& host,
                                          const CreateRules& rules, const std::vector<Bond>& bonds,
                                          bool with_soft) {
  if (!host.in_pool) return "out of the pool";
  if (!host.daemon_up) return "daemon down";
  const auto not_met = [](std::string_view kind, const RuleExpression& rule) {
    return std::string(kind) + " " + rule.text() + " not met";
  };
  if (const auto* rule = first_not_met(rules.constraints, host, with_soft, constraint_met)) {
    return not_met("constraint", *rule);
  }
  if (const auto* rule = first_not_met(rules.whitelists, host, with_soft, whitelist_met)) {
    return not_met("whitelist", *rule);
  }
  for (const Bond& bond : bonds) {
    if (bond.soft && !with_soft) continue;
    const auto& places = bond.places;
    if (std::find(places.begin(), places.end(), index) == places.end()) return bond.reason;
  }
  if (const auto* rule = first_not_met(rules.affinities, host, with_soft, affinity_met)) {
    return not_met("affinity", *rule);
  }
  if (!host.refusal.empty()) return host.refusal;
  return std::nullopt;
}

FilterOutcome judge(const CreateRules& rules, std::span<const HostFacts> hosts,
                    const std::vector<Bond>& bonds, bool with_soft) {
  FilterOutcome outcome;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (auto reason = reason_against(i, hosts[i], rules, bonds, with_soft)) {
      outcome.refusals.push_back({hosts[i].name, std::move(*reason)});
    } else {
      outcome.fitting.push_back(i);
    }
  }
  return outcome;
}

bool has_soft_rules(const CreateRules& rules) {
  const auto has_soft = [](const std::vector<RuleExpression>& list) {
    return std::any_of(list.begin(), list.end(),
                       [](const RuleExpression& rule) { return rule.is_soft(); });
  };
  return !rules.soft_dependencies.empty() || has_soft(rules.constraints) ||
         has_soft(rules.affinities) || has_soft(rules.whitelists);
}

bool has_affinity(const CreateRules& rules, bool (*wanted)(const std::string& key)) {
  return std::any_of(rules.affinities.begin(), rules.affinities.end(),
                     [&](const RuleExpression& rule) { return wanted(rule.key()); });
}

}  // namespace

bool needs_containers(const CreateRules& rules) {
  return !rules.dependencies.empty() || !rules.soft_dependencies.empty() ||
         has_affinity(rules, [](const std::string& key) { return key != "image"; });
}

bool needs_container_labels(const CreateRules& rules) {
  return has_affinity(rules,
                      [](const std::string& key) { return key != "image" && key != "container"; });
}

bool needs_images(const CreateRules& rules) {
  return has_affinity(rules, [](const std::string& key) { return key == "image"; });
}

bool needs_volumes(const CreateRules& rules) {
  return !rules.volumes.empty();
}

FilterOutcome filter_hosts(const CreateRules& rules, std::span<const HostFacts> hosts) {
  const std::vector<Bond> bonds = bonds_of(rules, hosts);
  FilterOutcome outcome = judge(rules, hosts, bonds, true);
  if (!outcome.fitting.empty() || !has_soft_rules(rules)) return outcome;
  outcome = judge(rules, hosts, bonds, false);
  outcome.soft_dropped = true;
  return outcome;
}

std::string no_host_text(const FilterOutcome& outcome) {
  if (outcome.refusals.empty()) return "no host fits: none is known";
  std::vector<std::string> reasons;
  for (const FilterOutcome::Refusal& refusal : outcome.refusals) {
    reasons.push_back(refusal.host + ": " + refusal.reason);
  }
  return "no host fits: " + join(reasons, "; ");
}

bool has_image(const std::set<std::string>& images, std::string_view reference) {
  for (const std::string_view registry : {"docker.io/", "index.docker.io/"}) {
    reference = without(reference, registry);
  }
  std::string name(without(reference, "library/"));
  if (name.empty()) return false;
  if (images.contains(name)) return true;
  if (repository_of(name) == name && images.contains(name + ":latest")) return true;
  // A digest decides, whatever tag stands before it.
  if (const std::size_t at = name.find('@'); at != std::string::npos) {
    return images.contains(std::string(repository_of(name)) + name.substr(at));
  }
  const std::string_view digits = without(name, id_prefix);
  if (!is_hex(digits)) return false;
  const std::string id = std::string(id_prefix) + std::string(digits);
  const auto first = images.lower_bound(id);
  return first != images.end() && first->starts_with(id);
}

}  // namespace dockherd::engine_api
