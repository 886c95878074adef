#include "bus/zap_handler.hpp"

#include <utility>

#include "bus/bus_keys.hpp"

namespace dockherd::bus {

namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
constexpr int requests_per_turn = 64;
// RFC 27: version, request id, domain, address, identity, mechanism, and CURVE's public key.
constexpr std::size_t id_at = 1;
constexpr std::size_t mechanism_at = 5;
constexpr std::size_t key_at = 6;
constexpr std::size_t frames_with_key = 7;
constexpr std::size_t key_bytes = 32;

}  // namespace

ZapHandler::ZapHandler(asio::any_io_executor executor, zmq::context_t& context)
    : socket_(std::move(executor), context, zmq::socket_type::rep) {
  socket_.raw().bind(zap_endpoint);
  socket_.watch([this] { take_turn(); });
}

void ZapHandler::take_turn() {
  zmq::message_t part;
  for (int i = 0; i < requests_per_turn && socket_.receive(part); ++i) {
    std::vector<std::string> request = {part.to_string()};
    while (part.more() && socket_.receive(part)) request.push_back(part.to_string());
    answer(request);
  }
  socket_.look_again();
}

void ZapHandler::answer(const std::vector<std::string>& request) {
  const bool is_curve = request.size() == frames_with_key && request[mechanism_at] == "CURVE" &&
                        request[key_at].size() == key_bytes;
  ++(is_curve ? admitted_ : denied_);
  const std::string id = request.size() > id_at ? request[id_at] : std::string();
  const std::string user = is_curve ? node_of(request[key_at]).hex() : std::string();
  const std::string frames[] = {"1.0", id, is_curve ? "200" : "400", "", user, ""};
  for (std::size_t i = 0; i < std::size(frames); ++i) {
    zmq::message_t frame(frames[i].data(), frames[i].size());
    socket_.send(frame, i + 1 < std::size(frames));
  }
}

}  // namespace dockherd::bus
