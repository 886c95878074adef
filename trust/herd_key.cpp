#include "trust/herd_key.hpp"

#include <czmq.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace dockherd::trust {

namespace {

struct DestroyCertificate {
  void operator()(zcert_t* certificate) const { zcert_destroy(&certificate); }
};
using Certificate = std::unique_ptr<zcert_t, DestroyCertificate>;

Error unusable(const std::filesystem::path& file, const std::string& why) {
  return Error(errc::bad_config, "the key file " + file.string() + " " + why).at_field("key");
}

/// Everybody who can read it has the herd: as ssh does, a file that others may read is not used.
Result<void> check_private(const std::filesystem::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) {
    return unusable(file, "cannot be read: " + std::generic_category().message(errno) +
                              "; \"dockherd keygen FILE\" makes one");
  }
  if (!S_ISREG(found.st_mode)) return unusable(file, "is not a file");
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return unusable(file, "may be read or written by others: chmod 600 " + file.string());
  }
  return {};
}

}  // namespace

HerdKey HerdKey::generate() {
  const Certificate certificate(zcert_new());
  Secret secret{};
  std::memcpy(secret.data(), zcert_secret_key(certificate.get()), secret.size());
  return HerdKey(secret);
}

Result<HerdKey> HerdKey::load(const std::filesystem::path& file) {
  if (auto checked = check_private(file); !checked) return checked.error();
  // czmq keeps a secret key in a file of its own beside the public one, and would read that.
  const std::filesystem::path beside = file.string() + "_secret";
  std::error_code failure;
  if (std::filesystem::exists(beside, failure)) {
    if (auto checked = check_private(beside); !checked) return checked.error();
  }
  const Certificate certificate(zcert_load(file.c_str()));
  Secret secret{};
  if (certificate) std::memcpy(secret.data(), zcert_secret_key(certificate.get()), secret.size());
  const bool empty = std::all_of(secret.begin(), secret.end(), [](auto byte) { return byte == 0; });
  if (empty) {
    return unusable(file,
                    "is not a certificate of ZeroMQ with a secret key; \"dockherd keygen FILE\" "
                    "makes one");
  }
  return HerdKey(secret);
}

Result<void> HerdKey::save(const std::filesystem::path& file) const {
  std::error_code failure;
  if (std::filesystem::exists(file, failure)) {
    return unusable(file, "exists already, and is not overwritten");
  }
  std::string public_text(41, '\0');
  std::string secret_text(41, '\0');
  zmq_z85_encode(secret_text.data(), secret_.data(), secret_.size());
  zmq_curve_public(public_text.data(), secret_text.data());
  Secret public_key{};
  zmq_z85_decode(public_key.data(), public_text.c_str());
  const Certificate certificate(zcert_new_from(public_key.data(), secret_.data()));
  zcert_set_meta(certificate.get(), "name", "%s", "dockherd herd key");
  const mode_t before = ::umask(S_IRWXG | S_IRWXO);
  const int saved = zcert_save_secret(certificate.get(), file.c_str());
  ::umask(before);
  OPENSSL_cleanse(secret_text.data(), secret_text.size());
  if (saved != 0 || !std::filesystem::exists(file, failure)) {
    return unusable(file, "cannot be written");
  }
  return {};
}

Secret HerdKey::derive(std::string_view purpose, std::string_view bound_to) const {
  // A zero byte keeps ("ab", "c") and ("a", "bc") apart.
  std::string text = "dockherd 1 ";
  text.append(purpose).push_back('\0');
  text.append(bound_to);
  Secret derived{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), derived.data(), &size);
  return derived;
}

std::string HerdKey::id() const {
  constexpr std::string_view digits = "0123456789abcdef";
  const Secret derived = derive("id");
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    text += digits[derived[i] >> 4];
    text += digits[derived[i] & 15];
  }
  return text;
}

}  // namespace dockherd::trust
