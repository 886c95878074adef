#include "agent/tls_conf.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace dockherd::agent {

namespace {

using trust::CertificateFiles;

Result<void> read_path(const JsonReader& reader, std::string_view key,
                       std::filesystem::path& into) {
  auto value = reader.string(key);
  if (!value) return value.error();
  if (!*value) return {};
  if ((*value)->empty() || (*value)->find('\0') != std::string::npos) {
    return reader.wrong(key, "a path");
  }
  into = **value;
  return {};
}

void begin_at(const std::filesystem::path& directory, CertificateFiles& files) {
  for (auto* path : {&files.certificate, &files.key, &files.authority}) {
    if (!path->empty()) *path = directory / *path;
  }
}

std::filesystem::path directory_of(const ConfFile& conf) {
  return std::filesystem::path(conf.file).parent_path();
}

/// The file, if it is there.
std::filesystem::path existing(const std::filesystem::path& file) {
  std::error_code failure;
  return std::filesystem::exists(file, failure) ? file : std::filesystem::path();
}

}  // namespace

Result<std::optional<CertificateFiles>> read_certificate_files(const JsonReader& reader,
                                                               std::string_view key,
                                                               std::string_view authority) {
  const auto object = reader.object(key);
  if (!object) return object.error();
  if (*object == nullptr) return std::optional<CertificateFiles>();
  const auto inner = JsonReader::of(**object, std::string(key) + ".");
  if (!inner) return inner.error();
  if (auto known = inner->only({"cert", "key", authority}); !known) return known.error();
  CertificateFiles files;
  if (auto read = read_path(*inner, "cert", files.certificate); !read) return read.error();
  if (auto read = read_path(*inner, "key", files.key); !read) return read.error();
  if (auto read = read_path(*inner, authority, files.authority); !read) return read.error();
  return std::optional<CertificateFiles>(std::move(files));
}

Result<void> resolve_tls(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config) {
  config.tls = conf.tls;
  if (config.tls) begin_at(directory_of(conf), *config.tls);
  const std::pair<const std::optional<std::string>&, std::filesystem::path CertificateFiles::*>
      given[] = {{flags.tls_cert, &CertificateFiles::certificate},
                 {flags.tls_key, &CertificateFiles::key},
                 {flags.tls_client_ca, &CertificateFiles::authority}};
  for (const auto& [flag, member] : given) {
    if (!flag) continue;
    if (!config.tls) config.tls.emplace();
    (*config.tls).*member = *flag;
  }
  config.agents_port = conf.agents_port.value_or(0);
  if (config.tls && config.key_files.empty()) {
    return Error(errc::bad_config,
                 "tls needs a key for the herd, too, by which agents call each other: dockherd "
                 "keygen makes one, \"key\" in conf.json names it")
        .at_field("tls");
  }
  return {};
}

void resolve_docker_tls(const ConfFile& conf, const Environment& environment, AgentConfig& config) {
  if (conf.docker_tls) {
    config.docker_tls = conf.docker_tls;
    begin_at(directory_of(conf), *config.docker_tls);
    return;
  }
  if (!environment.docker_tls_verify) return;
  const std::filesystem::path directory = environment.docker_cert_path;
  config.docker_tls.emplace();
  config.docker_tls->authority = directory / "ca.pem";
  config.docker_tls->certificate = existing(directory / "cert.pem");
  config.docker_tls->key = existing(directory / "key.pem");
}

}  // namespace dockherd::agent
