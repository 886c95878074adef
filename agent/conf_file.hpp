// conf.json: one agent's own settings, JSON with comments. Types and ranges are checked here; what
// depends on several files, flags or the machine is decided in resolve_config.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/address.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "http_api/client_limits.hpp"
#include "trust/certificate_tls.hpp"

namespace dockherd::agent {

/// What the file says; absent where it says nothing. Paths are as written.
struct ConfFile {
  std::string file;  ///< For messages.

  // The names that DockerMod's users know.
  std::optional<std::string> cluster_address;
  std::optional<std::string> hostname;
  std::optional<std::chrono::milliseconds> announce_interval;
  std::optional<std::chrono::milliseconds> relist_interval;
  std::optional<std::chrono::milliseconds> task_timeout;
  std::optional<std::chrono::milliseconds> new_container_timeout;

  std::optional<std::chrono::milliseconds> pull_timeout;
  std::optional<std::string> docker;  ///< As written, or from `dockerHost` and `dockerPort`.
  std::optional<trust::CertificateFiles> docker_tls;
  std::optional<ListenAddress> http;  ///< From `http` and `restServicePort`.
  std::optional<trust::CertificateFiles> tls;
  std::optional<std::uint16_t> agents_port;
  std::optional<std::chrono::milliseconds> reschedule_after;
  std::optional<std::string> superseded;  ///< "stop" or "remove".
  std::optional<std::string> templates;
  std::optional<std::string> cluster;
  std::optional<std::string> log_level;
  std::optional<LogFormat> log_format;
  std::optional<bool> insecure;
  std::vector<std::string> keys;  ///< From `key`: files, the agent's own first.
  std::optional<std::int64_t> overcommit_percent;
  std::optional<std::string> users;
  http_api::LimitSettings limits;
  std::optional<bool> plain_names;

  std::vector<std::string> notes;  ///< Keys that are accepted and have no effect.
};

/// Fails with bad_config; the message begins with `file`, names the key and says what was expected,
/// and the error's field is the key. Never throws.
Result<ConfFile> parse_conf_file(std::string_view text, const std::string& file);

/// The same from the disk, up to 1 MiB.
Result<ConfFile> read_conf_file(const std::filesystem::path& file);

/// Names of hosts, herds and cluster addresses become parts of ZRE group names: 1 to 128 letters,
/// digits or "._-".
bool is_group_word(std::string_view text);
inline constexpr std::string_view group_word_rule = "1 to 128 letters, digits or \"._-\"";

/// trace, debug, info, warn, error or off.
bool is_log_level(std::string_view text);

}  // namespace dockherd::agent
