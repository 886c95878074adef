#include "bus/curve.hpp"

#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace dockherd::bus {

namespace {

constexpr const char* zap_domain = "dockherd";

void set_key(zmq::socket_t& socket, int option, const CurveKey& key) {
  if (zmq_setsockopt(socket.handle(), option, key.data(), key.size()) != 0) throw zmq::error_t();
}

}  // namespace

void serve_with(zmq::socket_t& server, const BusKeys& keys) {
  server.set(zmq::sockopt::curve_server, true);
  set_key(server, ZMQ_CURVE_SECRETKEY, keys.server().secret_key);
  server.set(zmq::sockopt::zap_domain, zap_domain);
}

void connect_with(zmq::socket_t& client, const BusKeys& keys, unsigned attempt) {
  set_key(client, ZMQ_CURVE_SERVERKEY, keys.server_at_try(attempt));
  set_key(client, ZMQ_CURVE_PUBLICKEY, keys.own().public_key);
  set_key(client, ZMQ_CURVE_SECRETKEY, keys.own().secret_key);
}

std::string link_nonce() {
  std::array<unsigned char, link_nonce_bytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("the system has no random numbers");
  }
  return {bytes.begin(), bytes.end()};
}

bool is_senders_own(zmq::message_t& message, const NodeId& node) {
  const char* user = zmq_msg_gets(message.handle(), "User-Id");
  return user != nullptr && NodeId::from_hex(user) == node;
}

}  // namespace dockherd::bus
