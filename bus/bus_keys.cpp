#include "bus/bus_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <zmq.h>

#include <algorithm>
#include <stdexcept>

namespace dockherd::bus {

namespace {

constexpr std::size_t z85_bytes = 41;  // Of 32 bytes, with the zero at its end.

CurveKeyPair pair_of(const CurveKey& secret) {
  CurveKeyPair pair;
  pair.secret_key = secret;
  std::array<char, z85_bytes> secret_text{};
  std::array<char, z85_bytes> public_text{};
  zmq_z85_encode(secret_text.data(), secret.data(), secret.size());
  const bool made = zmq_curve_public(public_text.data(), secret_text.data()) == 0;
  OPENSSL_cleanse(secret_text.data(), secret_text.size());
  if (!made) throw std::runtime_error("libzmq was built without CURVE");
  zmq_z85_decode(pair.public_key.data(), public_text.data());
  return pair;
}

CurveKeyPair new_pair() {
  CurveKey secret{};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
    throw std::runtime_error("the system has no random numbers");
  }
  return pair_of(secret);
}

}  // namespace

NodeId node_of(std::string_view public_key) {
  std::array<std::uint8_t, 32> digest{};
  EVP_Digest(public_key.data(), public_key.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  NodeId::Bytes bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return NodeId(bytes);
}

BusKeys::BusKeys(trust::HerdKeys herd_keys) : herd_keys_(std::move(herd_keys)), own_(new_pair()) {
  for (const trust::HerdKey& key : herd_keys_) servers_.push_back(pair_of(key.derive("bus")));
}

BusKeys::BeaconTag BusKeys::beacon_tag(std::string_view beacon) const {
  const trust::Secret whole = herd_keys_.front().derive("beacon", beacon);
  BeaconTag tag{};
  std::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

bool BusKeys::is_beacon_tag(std::string_view beacon, std::string_view tag) const {
  bool fits = false;
  for (const trust::HerdKey& key : herd_keys_) {
    const trust::Secret whole = key.derive("beacon", beacon);
    if (tag.size() == sizeof(BeaconTag) &&
        CRYPTO_memcmp(whole.data(), tag.data(), tag.size()) == 0) {
      fits = true;
    }
  }
  return fits;
}

}  // namespace dockherd::bus
