#include "trust/users_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <system_error>

#include "base/json_reader.hpp"

namespace dockherd::trust {

namespace {

constexpr std::size_t most_bytes = 4u << 20;
constexpr std::size_t most_users = 10'000;
constexpr std::size_t most_tokens = 64;
constexpr std::size_t most_items = 256;
constexpr std::int64_t nano = 1'000'000'000;
constexpr std::int64_t most_containers = 1'000'000;
constexpr double most_cpus = 1'000'000;

Error wrong(const std::string& place, const std::string& expected) {
  return Error(errc::bad_config, place + " must be " + expected).at_field(place);
}

/// What a reader of requests calls bad_request is, here, a file that is wrong.
Error in_file(const Error& error) {
  return Error(errc::bad_config, error.message).at_field(error.field);
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// "8g", "512m", "1048576".
std::optional<std::int64_t> bytes_of(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || number <= 0) return std::nullopt;
  std::string_view unit(read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr));
  constexpr std::string_view units = "bkmgt";
  if (unit.size() > 1) return std::nullopt;
  const auto power = unit.empty() ? 0 : units.find(static_cast<char>(unit.front() | 0x20));
  if (power == units.npos) return std::nullopt;
  const auto shift = 10 * static_cast<int>(power);
  if (number > (std::int64_t{1} << 50) >> shift) return std::nullopt;
  return number << shift;
}

Result<std::set<std::string>> read_set(const JsonReader& reader, std::string_view key) {
  auto items = reader.strings(key, most_items);
  if (!items) return in_file(items.error());
  if (!*items) return std::set<std::string>();
  return std::set<std::string>((*items)->begin(), (*items)->end());
}

Result<StoredToken> read_token(const json& value, const std::string& place) {
  const auto reader = JsonReader::of(value, place + ".");
  if (!reader) return wrong(place, "an object with id and sha256");
  if (auto known = reader->only({"id", "sha256", "created"}); !known) return in_file(known.error());
  const auto id = reader->string("id");
  if (!id) return in_file(id.error());
  const auto hash = reader->string("sha256");
  if (!hash) return in_file(hash.error());
  const auto created = reader->string("created");
  if (!created) return in_file(created.error());
  if (!*id || !is_user_name(**id)) return wrong(place + ".id", std::string(user_name_rule));
  if (!*hash || !is_hash(**hash)) {
    return wrong(place + ".sha256", "64 hexadecimal digits, as \"dockherd token add\" writes them");
  }
  StoredToken token;
  token.id = **id;
  token.sha256 = **hash;
  token.created = created->value_or("");
  return token;
}

Result<std::vector<StoredToken>> read_tokens(const JsonReader& user, const std::string& place) {
  std::vector<StoredToken> tokens;
  const json* list = user.any("tokens");
  if (list == nullptr) return tokens;
  if (!list->is_array() || list->size() > most_tokens) {
    return wrong(place + ".tokens", "a list of at most " + std::to_string(most_tokens) + " tokens");
  }
  for (const json& value : *list) {
    auto token = read_token(value, place + ".tokens[" + std::to_string(tokens.size()) + "]");
    if (!token) return token.error();
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

Result<Quota> read_quota(const JsonReader& user, const std::string& place) {
  Quota quota;
  const auto object = user.object("quota");
  if (!object) return in_file(object.error());
  if (*object == nullptr) return quota;
  const auto reader = JsonReader::of(**object, place + ".");
  if (auto known = reader->only({"containers", "cpus", "memory"}); !known) {
    return in_file(known.error());
  }
  const auto containers = reader->integer("containers", 0, most_containers);
  if (!containers) return in_file(containers.error());
  quota.containers = *containers;
  if (const json* cpus = reader->any("cpus")) {
    const double number = cpus->is_number() ? cpus->get<double>() : -1;
    if (!(number >= 0 && number <= most_cpus)) {
      return wrong(place + ".cpus", "a number of CPUs, as 1.5");
    }
    quota.nano_cpus = static_cast<std::int64_t>(std::llround(number * nano));
  }
  if (const json* memory = reader->any("memory")) {
    std::optional<std::int64_t> bytes;
    if (memory->is_string()) bytes = bytes_of(memory->get_ref<const std::string&>());
    if (memory->is_number_unsigned()) bytes = bytes_of(memory->dump());
    if (!bytes) return wrong(place + ".memory", "a size, as \"8g\", \"512m\" or a number of bytes");
    quota.memory_bytes = *bytes;
  }
  return quota;
}

Result<void> check_allowance(const Allowance& allow, const std::string& place) {
  for (const std::string& path : allow.mounts) {
    const bool plain = path.starts_with('/') && (path + "/").find("/../") == path.npos;
    if (!plain) return wrong(place + ".mounts", "absolute paths without \"..\"");
  }
  for (const std::string& name : allow.host_namespaces) {
    const bool known = std::find(std::begin(namespace_names), std::end(namespace_names), name) !=
                       std::end(namespace_names);
    if (!known) {
      return wrong(place + ".hostNamespaces", "of network, pid, ipc, uts, user and cgroup");
    }
  }
  return {};
}

Result<Allowance> read_allowance(const JsonReader& user, const std::string& place) {
  Allowance allow;
  const auto object = user.object("allow");
  if (!object) return in_file(object.error());
  if (*object == nullptr) return allow;
  const auto reader = JsonReader::of(**object, place + ".");
  const auto known =
      reader->only({"privileged", "dockerSocket", "gpus", "mounts", "devices", "capabilities",
                    "hostNamespaces", "securityOptions", "sysctls", "runtimes", "logDrivers"});
  if (!known) return in_file(known.error());
  const struct {
    std::string_view key;
    bool& into;
  } flags[] = {{"privileged", allow.privileged},
               {"dockerSocket", allow.docker_socket},
               {"gpus", allow.gpus}};
  for (const auto& [key, into] : flags) {
    const auto flag = reader->boolean(key);
    if (!flag) return in_file(flag.error());
    into = flag->value_or(false);
  }
  const struct {
    std::string_view key;
    std::set<std::string>& into;
  } sets[] = {{"devices", allow.devices},
              {"capabilities", allow.capabilities},
              {"hostNamespaces", allow.host_namespaces},
              {"securityOptions", allow.security_options},
              {"sysctls", allow.sysctls},
              {"runtimes", allow.runtimes},
              {"logDrivers", allow.log_drivers}};
  for (const auto& [key, into] : sets) {
    auto items = read_set(*reader, key);
    if (!items) return items.error();
    into = std::move(*items);
  }
  auto mounts = reader->strings("mounts", most_items);
  if (!mounts) return in_file(mounts.error());
  if (*mounts) allow.mounts = std::move(**mounts);
  if (auto checked = check_allowance(allow, place); !checked) return checked.error();
  return allow;
}

Result<User> read_user(const json& value, const std::string& place) {
  const auto reader = JsonReader::of(value, place + ".");
  if (!reader) return wrong(place, "an object with role and tokens");
  if (auto known = reader->only({"role", "tokens", "quota", "allow"}); !known) {
    return in_file(known.error());
  }
  const auto role_text = reader->string("role");
  if (!role_text) return in_file(role_text.error());
  const auto role = role_from_string(role_text->value_or(""));
  if (!role) return wrong(place + ".role", "\"viewer\", \"operator\" or \"admin\"");
  User user;
  user.role = *role;
  auto tokens = read_tokens(*reader, place);
  if (!tokens) return tokens.error();
  auto quota = read_quota(*reader, place + ".quota");
  if (!quota) return quota.error();
  auto allow = read_allowance(*reader, place + ".allow");
  if (!allow) return allow.error();
  user.tokens = std::move(*tokens);
  user.quota = *quota;
  user.allow = std::move(*allow);
  return user;
}

/// A file, opened; closed with it.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags, mode_t mode = 0)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error unusable_users(const std::filesystem::path& file, const std::string& why) {
  return Error(errc::bad_config, "the users file " + file.string() + " " + why).at_field("users");
}

std::string system_reason() {
  return std::generic_category().message(errno);
}

json rendered(const Allowance& allow) {
  json out = json::object();
  if (allow.privileged) out["privileged"] = true;
  if (allow.docker_socket) out["dockerSocket"] = true;
  if (allow.gpus) out["gpus"] = true;
  if (!allow.mounts.empty()) out["mounts"] = allow.mounts;
  if (!allow.devices.empty()) out["devices"] = allow.devices;
  if (!allow.capabilities.empty()) out["capabilities"] = allow.capabilities;
  if (!allow.host_namespaces.empty()) out["hostNamespaces"] = allow.host_namespaces;
  if (!allow.security_options.empty()) out["securityOptions"] = allow.security_options;
  if (!allow.sysctls.empty()) out["sysctls"] = allow.sysctls;
  if (!allow.runtimes.empty()) out["runtimes"] = allow.runtimes;
  if (!allow.log_drivers.empty()) out["logDrivers"] = allow.log_drivers;
  return out;
}

json rendered(const Quota& quota) {
  json out = json::object();
  if (quota.containers) out["containers"] = *quota.containers;
  if (quota.nano_cpus) out["cpus"] = static_cast<double>(*quota.nano_cpus) / nano;
  if (quota.memory_bytes) out["memory"] = *quota.memory_bytes;
  return out;
}

bool write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

}  // namespace

Result<Users> parse_users(std::string_view text) {
  if (text.size() > most_bytes) return wrong("the file", "smaller than 4 MiB");
  const auto document = parse_json_strictly(text);
  if (!document) return in_file(document.error());
  const auto reader = JsonReader::of(*document);
  if (!reader) return in_file(reader.error());
  if (auto known = reader->only({"users"}); !known) return in_file(known.error());
  const auto object = reader->object("users");
  if (!object) return in_file(object.error());
  Users users;
  if (*object == nullptr) return users;
  if ((*object)->size() > most_users) return wrong("users", "at most 10000 users");
  for (const auto& [name, value] : (*object)->items()) {
    if (!is_user_name(name)) {
      return wrong("the name " + quote_json(name), std::string(user_name_rule));
    }
    auto user = read_user(value, "users." + name);
    if (!user) return user.error();
    users.emplace(name, std::move(*user));
  }
  return users;
}

Result<Users> read_users_file(const std::filesystem::path& file) {
  const OpenFile opened(file.string(), O_RDONLY);
  struct stat found {};
  if (opened.get() < 0 || ::fstat(opened.get(), &found) != 0) {
    return unusable_users(file,
                          "cannot be read: " + system_reason() +
                              "; \"dockherd token add NAME --role ROLE --users FILE\" makes one");
  }
  if (!S_ISREG(found.st_mode)) return unusable_users(file, "is not a file");
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return unusable_users(file, "may be written by others: chmod go-w " + file.string());
  }
  std::string text;
  std::string chunk(64u << 10, '\0');
  while (text.size() <= most_bytes) {
    const ssize_t count = ::read(opened.get(), chunk.data(), chunk.size());
    if (count < 0) return unusable_users(file, "cannot be read: " + system_reason());
    if (count == 0) break;
    text.append(chunk, 0, static_cast<std::size_t>(count));
  }
  auto users = parse_users(text);
  if (!users) {
    return Error(errc::bad_config, file.string() + ": " + users.error().message).at_field("users");
  }
  return users;
}

std::string render_users(const Users& users) {
  json all = json::object();
  for (const auto& [name, user] : users) {
    json out{{"role", to_string(user.role)}, {"tokens", json::array()}};
    for (const StoredToken& token : user.tokens) {
      out["tokens"].push_back(
          json{{"id", token.id}, {"sha256", token.sha256}, {"created", token.created}});
    }
    if (!user.quota.empty()) out["quota"] = rendered(user.quota);
    if (user.allow != Allowance()) out["allow"] = rendered(user.allow);
    all[name] = std::move(out);
  }
  return json{{"users", all}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<void> write_users_file(const std::filesystem::path& file, const Users& users) {
  struct stat before {};
  const bool is_new = ::stat(file.c_str(), &before) != 0;
  const mode_t mode = is_new ? S_IRUSR | S_IWUSR : before.st_mode & 0777;
  const std::string next = file.string() + ".new";
  ::unlink(next.c_str());  // What an earlier attempt has left.
  {
    const OpenFile opened(next, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    const bool written = opened.get() >= 0 && ::fchmod(opened.get(), mode) == 0 &&
                         write_whole(opened.get(), render_users(users));
    if (!written) return unusable_users(file, "cannot be written: " + system_reason());
    // As root for a file of the agent's own user.
    if (!is_new && ::fchown(opened.get(), before.st_uid, before.st_gid) != 0) errno = 0;
  }
  if (::rename(next.c_str(), file.c_str()) != 0) {
    return unusable_users(file, "cannot be written: " + system_reason());
  }
  return {};
}

}  // namespace dockherd::trust
