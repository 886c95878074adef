// What our transport puts on the wire, against RFC 36, byte by byte, as a raw ROUTER sees it; and
// what a raw DEALER may send to us.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "bus/zmq_transport.hpp"
#include "bus/zre_codec.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

class ZreBytes : public testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        ZmqTransport::open(loop.get_executor(), self, ZmqTransportSettings(), null_logger());
    ASSERT_TRUE(opened.has_value());
    transport = std::move(opened).value();
    transport->start(listener);
    router.bind("tcp://127.0.0.1:*");
    ASSERT_TRUE(transport->connect(peer, router.get(zmq::sockopt::last_endpoint)));
  }

  /// Identity and frames of the next message that the raw ROUTER gets.
  Frames sent(const ZreMessage& message, Frames content = {}) {
    Frames frames{encode_zre(message)};
    for (std::string& frame : content) frames.push_back(std::move(frame));
    transport->send(peer, std::move(frames));
    Frames received;
    run_until(loop, [&] {
      std::vector<zmq::message_t> parts;
      if (!zmq::recv_multipart(router, std::back_inserter(parts), zmq::recv_flags::dontwait)) {
        return false;
      }
      for (const zmq::message_t& part : parts) received.push_back(part.to_string());
      return true;
    });
    return received;
  }

  const NodeId self = test_node(1);
  const NodeId peer = test_node(2);
  const std::string identity = '\x01' + std::string(self.raw());
  asio::io_context loop{1};
  RecordingTransportListener listener;
  std::unique_ptr<ZmqTransport> transport;
  zmq::context_t context;
  zmq::socket_t router{context, zmq::socket_type::router};
};

TEST_F(ZreBytes, hello) {
  ZreMessage message;
  message.kind = ZreKind::hello;
  message.sequence = 1;
  message.endpoint = "tcp://1.2.3.4:5";
  message.groups = {"ab", "c"};
  message.status = 2;
  message.name = "host";
  message.headers = {{"X-K", "value"}};
  EXPECT_THAT(sent(message), ElementsAre(identity,
                                         "\xAA\xA1\x01\x02\x00\x01"s  // id 1, version 2
                                         "\x0Ftcp://1.2.3.4:5"s       // string
                                         "\x00\x00\x00\x02"s          // strings
                                         "\x00\x00\x00\x02"s
                                         "ab"s  // longstr
                                         "\x00\x00\x00\x01"s
                                         "c"s                 // longstr
                                         "\x02"s              // status
                                         "\x04host"s          // string
                                         "\x00\x00\x00\x01"s  // hash
                                         "\x03X-K\x00\x00\x00\x05value"s));
}

TEST_F(ZreBytes, whisper_and_shout_carry_their_content_in_frames_that_follow) {
  ZreMessage message;
  message.kind = ZreKind::whisper;
  message.sequence = 0xFFFE;
  EXPECT_THAT(sent(message, {"{}"}), ElementsAre(identity, "\xAA\xA1\x02\x02\xFF\xFE"s, "{}"));
  message.kind = ZreKind::shout;
  message.sequence = 0xFFFF;
  message.group = "group";
  EXPECT_THAT(sent(message, {"one", "two"}),
              ElementsAre(identity, "\xAA\xA1\x03\x02\xFF\xFF\x05group"s, "one", "two"));
}

TEST_F(ZreBytes, join_leave_ping_ping_ok_and_goodbye) {
  ZreMessage message;
  message.sequence = 0;
  message.kind = ZreKind::join;
  message.group = "g";
  message.status = 255;
  EXPECT_THAT(sent(message), ElementsAre(identity, "\xAA\xA1\x04\x02\x00\x00\x01g\xFF"s));
  message.kind = ZreKind::leave;
  message.status = 0;
  EXPECT_THAT(sent(message), ElementsAre(identity, "\xAA\xA1\x05\x02\x00\x00\x01g\x00"s));
  message.kind = ZreKind::ping;
  EXPECT_THAT(sent(message), ElementsAre(identity, "\xAA\xA1\x06\x02\x00\x00"s));
  message.kind = ZreKind::ping_ok;
  EXPECT_THAT(sent(message), ElementsAre(identity, "\xAA\xA1\x07\x02\x00\x00"s));
  message.kind = ZreKind::goodbye;
  EXPECT_THAT(sent(message), ElementsAre(identity, "\xAA\xA1\x0A\x02\x00\x00"s));
}

TEST_F(ZreBytes, a_raw_dealer_with_a_peers_identity_is_heard) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::routing_id, '\x01' + std::string(peer.raw()));
  dealer.connect(transport->endpoint());
  dealer.send(zmq::buffer("\xAA\xA1\x06\x02\x00\x07"s));
  ASSERT_TRUE(run_until(loop, [&] { return listener.count == 1; }));
  EXPECT_EQ(listener.messages[0].from, peer);
  const auto decoded = decode_zre(listener.messages[0].frames[0]);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->kind, ZreKind::ping);
  EXPECT_EQ(decoded->sequence, 7);
}

TEST_F(ZreBytes, a_frame_over_the_limit_ends_its_connection_and_nothing_else) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::routing_id, '\x01' + std::string(peer.raw()));
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(transport->endpoint());
  dealer.send(zmq::message_t(17u << 20), zmq::send_flags::none);
  run_for(loop, std::chrono::milliseconds(200));
  EXPECT_EQ(listener.count, 0u);
  dealer.close();
  zmq::socket_t next(context, zmq::socket_type::dealer);
  next.set(zmq::sockopt::routing_id, '\x01' + std::string(peer.raw()));
  next.connect(transport->endpoint());
  next.send(zmq::str_buffer("x"));
  EXPECT_TRUE(run_until(loop, [&] { return listener.count == 1; }));
}

}  // namespace
}  // namespace dockherd::bus
