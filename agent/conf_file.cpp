#include "agent/conf_file.hpp"

#include <algorithm>
#include <utility>

#include "agent/conf_limits.hpp"
#include "agent/text_file.hpp"
#include "agent/tls_conf.hpp"
#include "base/json_reader.hpp"
#include "base/text.hpp"

namespace dockherd::agent {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t conf_bytes = 1u << 20;

// DockerMod's own defaults, for a file that gives only one of the two.
constexpr std::string_view dockermod_host = "localhost";
constexpr std::uint16_t dockermod_port = 5555;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

const std::vector<std::string_view> log_levels = {"trace", "debug", "info", "warn", "error", "off"};

Error wrong_value(std::string_view key, std::string_view expected, std::string_view got) {
  return Error(errc::bad_config,
               std::string(key) + " must be " + std::string(expected) + ", got " + quote_json(got))
      .at_field(std::string(key));
}

Result<void> read_interval(const JsonReader& reader, std::string_view key, std::int64_t low,
                           std::int64_t high, std::optional<milliseconds>& into) {
  auto value = reader.integer(key, low, high);
  if (!value) return value.error();
  if (*value) into = milliseconds(**value);
  return {};
}

Result<void> read_word(const JsonReader& reader, std::string_view key,
                       std::optional<std::string>& into) {
  auto value = reader.string(key);
  if (!value) return value.error();
  if (*value && !is_group_word(**value)) return wrong_value(key, group_word_rule, **value);
  into = std::move(*value);
  return {};
}

Result<void> read_path(const JsonReader& reader, std::string_view key,
                       std::optional<std::string>& into) {
  auto value = reader.string(key);
  if (!value) return value.error();
  const bool unusable = *value && ((*value)->empty() || (*value)->find('\0') != std::string::npos);
  if (unusable) return wrong_value(key, "a path", **value);
  into = std::move(*value);
  return {};
}

/// A name or address without scheme and port: nothing in it goes before the default port.
bool is_bare_host(const std::string& text) {
  const auto one = parse_host_port(text, 1);
  const auto two = parse_host_port(text, 2);
  return text.find("://") == std::string::npos && one && one->port == 1 && two && two->port == 2;
}

Result<void> read_docker(const JsonReader& reader, ConfFile& conf) {
  auto docker = reader.string("docker");
  if (!docker) return docker.error();
  auto host = reader.string("dockerHost");
  if (!host) return host.error();
  auto port = reader.integer("dockerPort", 1, 65'535);
  if (!port) return port.error();
  if (*docker) {
    if (*host || *port) {
      return Error(errc::bad_config,
                   "docker says where the daemon is; remove it, or dockerHost and dockerPort")
          .at_field("docker");
    }
    conf.docker = *docker;
    if (parse_docker_address(**docker)) return {};
    return wrong_value("docker", "\"unix:///PATH\" or \"tcp://HOST:PORT\"", **docker);
  }
  if (!*host && !*port) return {};
  const std::string name = host->value_or(std::string(dockermod_host));
  const auto parsed =
      parse_host_port(name, static_cast<std::uint16_t>(port->value_or(dockermod_port)));
  if (!parsed || !is_bare_host(name)) {
    return wrong_value("dockerHost", "the name or address of a host", name);
  }
  conf.docker = "tcp://" + parsed->text();
  return {};
}

Result<void> read_http(const JsonReader& reader, ConfFile& conf) {
  auto http = reader.string("http");
  if (!http) return http.error();
  auto port = reader.integer("restServicePort", 1, 65'535);
  if (!port) return port.error();
  if (*http) {
    conf.http = parse_listen_address(**http, IpVersion::any);
    if (!conf.http) {
      return wrong_value("http", "\"ADDRESS:PORT\", \"ADDRESS\" or \":PORT\" with an IP address",
                         **http);
    }
  }
  if (!*port) return {};
  if (!conf.http) conf.http.emplace();
  if (conf.http->port && *conf.http->port != **port) {
    return Error(errc::bad_config, "restServicePort must be " + std::to_string(*conf.http->port) +
                                       " as in http, or only one of them may name a port; got " +
                                       std::to_string(**port))
        .at_field("restServicePort");
  }
  conf.http->port = static_cast<std::uint16_t>(**port);
  return {};
}

Result<void> read_tls(const JsonReader& reader, ConfFile& conf) {
  auto tls = read_certificate_files(reader, "tls", "client_ca");
  if (!tls) return tls.error();
  conf.tls = std::move(*tls);
  auto docker_tls = read_certificate_files(reader, "dockerTls", "ca");
  if (!docker_tls) return docker_tls.error();
  conf.docker_tls = std::move(*docker_tls);
  const auto port = reader.integer("agentsPort", 1, 65'535);
  if (!port) return port.error();
  if (*port) conf.agents_port = static_cast<std::uint16_t>(**port);
  return {};
}

Result<void> set_level(std::string_view key, std::string level, ConfFile& conf) {
  if (!is_log_level(level)) {
    return Error(errc::bad_config, std::string(key) + " must be a level, got " + quote_json(level) +
                                       "; " + suggest(level, log_levels))
        .at_field(std::string(key));
  }
  conf.log_level = std::move(level);
  return {};
}

Result<void> read_log(const JsonReader& reader, ConfFile& conf) {
  const json* log = reader.any("log");
  if (log == nullptr) return {};
  if (log->is_string()) return set_level("log", log->get<std::string>(), conf);
  if (!log->is_object()) {
    return reader.wrong("log", "a level or an object with \"level\" and \"format\"");
  }
  auto inner = JsonReader::of(*log, "log.");
  if (!inner) return inner.error();
  if (auto known = inner->only({"level", "format"}); !known) return known.error();
  auto level = inner->string("level");
  if (!level) return level.error();
  if (*level) {
    if (auto set = set_level("log.level", **level, conf); !set) return set.error();
  }
  auto format = inner->string("format");
  if (!format) return format.error();
  if (!*format) return {};
  if (**format != "text" && **format != "json") {
    return wrong_value("log.format", "\"text\" or \"json\"", **format);
  }
  conf.log_format = **format == "json" ? LogFormat::json : LogFormat::text;
  return {};
}

Result<void> read_intervals(const JsonReader& reader, ConfFile& conf) {
  const struct {
    std::string_view key;
    std::int64_t low;
    std::int64_t high;
    std::optional<milliseconds>& into;
  } keys[] = {
      {"announceInterval", 50, hour_ms, conf.announce_interval},
      {"trackingServiceInterval", 100, day_ms, conf.relist_interval},
      // Below these what is left after the margins for answers is nothing.
      {"taskTimeout", 100, hour_ms, conf.task_timeout},
      {"newContainerTimeout", 1'000, hour_ms, conf.new_container_timeout},
      {"pullTimeout", 1'000, hour_ms, conf.pull_timeout},
      {"rescheduleAfter", 0, hour_ms, conf.reschedule_after},
  };
  for (const auto& [key, low, high, into] : keys) {
    if (auto read = read_interval(reader, key, low, high, into); !read) return read.error();
  }
  return {};
}

Result<void> read_superseded(const JsonReader& reader, ConfFile& conf) {
  auto superseded = reader.string("superseded");
  if (!superseded) return superseded.error();
  if (*superseded && **superseded != "stop" && **superseded != "remove") {
    return wrong_value("superseded", "\"stop\" or \"remove\"", **superseded);
  }
  conf.superseded = std::move(*superseded);
  return {};
}

/// One path, or several while keys are changed.
Result<void> read_keys(const JsonReader& reader, ConfFile& conf) {
  constexpr std::size_t most = 4;
  const json* given = reader.any("key");
  if (given == nullptr) return {};
  const json list = given->is_array() ? *given : json::array({*given});
  const bool paths = !list.empty() && list.size() <= most &&
                     std::all_of(list.begin(), list.end(), [](const json& path) {
                       return path.is_string() && !path.get_ref<const std::string&>().empty() &&
                              path.get_ref<const std::string&>().find('\0') == std::string::npos;
                     });
  if (!paths) return reader.wrong("key", "the path of a key file, or a list of one to four");
  for (const json& path : list) conf.keys.push_back(path.get<std::string>());
  return {};
}

void note_ignored(const JsonReader& reader, ConfFile& conf) {
  std::vector<std::string> ignored;
  for (const char* key : {"main", "services"}) {
    if (reader.any(key) != nullptr) ignored.emplace_back(key);
  }
  if (ignored.empty()) return;
  conf.notes.push_back(conf.file + ": " + join(ignored, " and ") +
                       " chose DockerMod's modules and have no effect here");
}

Result<ConfFile> read_document(const json& document, const std::string& file) {
  if (!document.is_object()) {
    return Error(errc::bad_config, "must be an object, got " + describe_type(document));
  }
  auto reader = JsonReader::of(document);
  if (!reader) return reader.error();
  auto known = reader->only({"main",
                             "services",
                             "clusterAddress",
                             "hostname",
                             "dockerHost",
                             "dockerPort",
                             "announceInterval",
                             "trackingServiceInterval",
                             "taskTimeout",
                             "newContainerTimeout",
                             "pullTimeout",
                             "rescheduleAfter",
                             "superseded",
                             "restServicePort",
                             "docker",
                             "dockerTls",
                             "http",
                             "tls",
                             "agentsPort",
                             "templates",
                             "cluster",
                             "log",
                             "insecure",
                             "key",
                             "users",
                             "limits",
                             "overcommitPercent",
                             "plainNames"});
  if (!known) return known.error();
  ConfFile conf;
  conf.file = file;
  note_ignored(*reader, conf);
  if (auto read = read_word(*reader, "clusterAddress", conf.cluster_address); !read) {
    return read.error();
  }
  if (auto read = read_word(*reader, "hostname", conf.hostname); !read) return read.error();
  if (auto read = read_intervals(*reader, conf); !read) return read.error();
  if (auto read = read_docker(*reader, conf); !read) return read.error();
  if (auto read = read_http(*reader, conf); !read) return read.error();
  if (auto read = read_tls(*reader, conf); !read) return read.error();
  if (auto read = read_path(*reader, "templates", conf.templates); !read) return read.error();
  if (auto read = read_path(*reader, "cluster", conf.cluster); !read) return read.error();
  if (auto read = read_path(*reader, "users", conf.users); !read) return read.error();
  auto limits = read_limits(*reader);
  if (!limits) return limits.error();
  conf.limits = *limits;
  if (auto read = read_log(*reader, conf); !read) return read.error();
  if (auto read = read_keys(*reader, conf); !read) return read.error();
  if (auto read = read_superseded(*reader, conf); !read) return read.error();
  auto insecure = reader->boolean("insecure");
  if (!insecure) return insecure.error();
  conf.insecure = *insecure;
  auto plain_names = reader->boolean("plainNames");
  if (!plain_names) return plain_names.error();
  conf.plain_names = *plain_names;
  auto overcommit = reader->integer("overcommitPercent", 0, 1'000);
  if (!overcommit) return overcommit.error();
  conf.overcommit_percent = *overcommit;
  return conf;
}

}  // namespace

Result<ConfFile> parse_conf_file(std::string_view text, const std::string& file) {
  auto document = parse_commented_json(text, file);
  if (!document) return Error(errc::bad_config, document.error().message);
  auto conf = read_document(*document, file);
  if (!conf) {
    const Error error = conf.error();
    return Error(errc::bad_config, file + ": " + error.message).at_field(error.field);
  }
  return conf;
}

Result<ConfFile> read_conf_file(const std::filesystem::path& file) {
  auto text = read_text_file(file, conf_bytes);
  if (!text) return Error(errc::bad_config, text.error().message);
  return parse_conf_file(*text, file.string());
}

bool is_log_level(std::string_view text) {
  return std::find(log_levels.begin(), log_levels.end(), text) != log_levels.end();
}

bool is_group_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace dockherd::agent
