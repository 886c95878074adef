// One Membership and the peers that a test plays: events go in by name, what it does comes out as
// words.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "bus/envelope.hpp"
#include "bus/membership.hpp"

namespace dockherd::bus::membership_tests {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

inline NodeId node(std::uint8_t number) {
  NodeId::Bytes raw{};
  raw[0] = number;
  return NodeId(raw);
}

inline std::string endpoint_of(int number) {
  return "tcp://10.0.0." + std::to_string(number) + ":49152";
}

inline std::string describe(const Frames& frames) {
  const auto message = decode_zre(frames.front());
  if (!message) return "?";
  static constexpr const char* names[] = {"",     "HELLO",   "WHISPER", "SHOUT",  "JOIN",   "LEAVE",
                                          "PING", "PING-OK", "ELECT",   "LEADER", "GOODBYE"};
  return std::string(names[static_cast<int>(message->kind)]) + " " +
         std::to_string(message->sequence);
}

inline std::string describe(const MembershipAction& action) {
  if (const auto* a = std::get_if<Connect>(&action)) return "connect " + a->endpoint.substr(6, 8);
  if (std::holds_alternative<Disconnect>(action)) return "disconnect";
  if (const auto* a = std::get_if<Send>(&action)) return describe(a->frames);
  if (std::holds_alternative<PeerJoined>(action)) return "joined";
  if (const auto* a = std::get_if<PeerLost>(&action)) return "lost: " + a->reason;
  if (const auto* a = std::get_if<PeerRefused>(&action)) return "refused: " + a->reason;
  if (std::holds_alternative<SessionRenewed>(action)) return "renewed";
  if (const auto* a = std::get_if<WhisperReceived>(&action)) return "whisper " + a->text;
  return "shout " + std::get<ShoutReceived>(action).text;
}

class MembershipTest : public testing::Test {
 protected:
  static MembershipSettings settings() {
    MembershipSettings made;
    made.id = node(1);
    made.name = "self";
    made.endpoint = endpoint_of(1);
    made.herd = "h";
    made.headers = {{std::string(header_version), "1"}};
    return made;
  }

  static ZreMessage hello(int number) {
    ZreMessage message;
    message.kind = ZreKind::hello;
    message.sequence = 1;
    message.endpoint = endpoint_of(number);
    message.name = "peer";
    return message;
  }

  static ZreMessage agent_hello(int number, const std::string& herd = "h") {
    ZreMessage message = hello(number);
    message.headers = {{std::string(header_version), "1"}, {std::string(header_herd), herd}};
    return message;
  }

  std::vector<std::string> taken() {
    std::vector<std::string> texts;
    for (const MembershipAction& action : membership.take_actions()) {
      texts.push_back(describe(action));
    }
    return texts;
  }

  std::vector<std::string> receive(const NodeId& from, const ZreMessage& message,
                                   const std::string& content = "") {
    Frames frames{encode_zre(message)};
    if (!content.empty()) frames.push_back(content);
    membership.message(from, std::move(frames), now);
    return taken();
  }

  std::vector<std::string> receive(const NodeId& from, ZreKind kind, std::uint16_t sequence,
                                   const std::string& group = "", const std::string& text = "") {
    ZreMessage message;
    message.kind = kind;
    message.sequence = sequence;
    message.group = group;
    return receive(from, message, text);
  }

  std::vector<std::string> sight(int number) {
    membership.sighting(node(static_cast<std::uint8_t>(number)), endpoint_of(number), now);
    return taken();
  }

  std::vector<std::string> tick_after(Duration time) {
    now += time;
    membership.tick(now);
    return taken();
  }

  /// Ticks whenever it is due.
  std::vector<std::string> run_for(Duration time) {
    const TimePoint end = now + time;
    std::vector<std::string> all;
    while (membership.next_deadline() <= end) {
      now = std::max(now, membership.next_deadline());
      for (std::string& each : tick_after(0s)) all.push_back(std::move(each));
    }
    now = end;
    return all;
  }

  /// Peer 2, foreign, ready, long enough for its HELLO not to be fresh.
  void have_peer() {
    receive(node(2), hello(2));
    now += 3s;
  }

  TimePoint now = TimePoint{} + 100s;
  Membership membership{settings(), 1};
};

}  // namespace dockherd::bus::membership_tests
