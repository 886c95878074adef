#include "trust/token.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

namespace dockherd::trust {

namespace {

using Bytes = std::array<unsigned char, 32>;

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool is_same(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

std::string new_token() {
  Bytes bytes{};
  // Without random numbers there is no token that nobody could guess.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("the system has no random numbers");
  }
  std::string token = std::string(token_prefix) + hex(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return token;
}

std::string hash_of(std::string_view token) {
  Bytes digest{};
  EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return hex(digest);
}

std::optional<Principal> user_of_token(const Users& users, std::string_view token) {
  const std::string hash = hash_of(token);
  std::optional<Principal> found;
  for (const auto& [name, user] : users) {
    for (const StoredToken& stored : user.tokens) {
      if (is_same(stored.sha256, hash)) found = Principal{name, user.role};
    }
  }
  return found;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return std::nullopt;
  const bool is_bearer =
      std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char known, char given) {
        return known == (given >= 'A' && given <= 'Z' ? given - 'A' + 'a' : given);
      });
  if (!is_bearer) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  while (authorization.ends_with(' ')) authorization.remove_suffix(1);
  return authorization;
}

}  // namespace dockherd::trust
