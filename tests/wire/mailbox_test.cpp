// What the mailbox makes of odd messages and of the connections that they come by.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include "base/limits.hpp"
#include "bus/zmq_transport.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using testing::ElementsAre;

class MailboxTest : public testing::Test {
 protected:
  MailboxTest() {
    transport = std::move(
        ZmqTransport::open(loop.get_executor(), test_node(1), ZmqTransportSettings(), null_logger())
            .value());
    transport->start(listener);
    dealer.set(zmq::sockopt::routing_id, '\x01' + std::string(test_node(2).raw()));
    dealer.set(zmq::sockopt::linger, 0);
    dealer.connect(transport->endpoint());
  }

  void send(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      dealer.send(zmq::buffer(frames[i]), flags);
    }
  }
  const Frames& received(std::size_t number) { return listener.messages.at(number).frames; }

  /// Connections to the mailbox that the kernel asks now and then.
  int connections_kept_alive() const {
    const auto mailbox =
        std::stoi(transport->endpoint().substr(transport->endpoint().rfind(':') + 1));
    int found = 0;
    rlimit most{};
    getrlimit(RLIMIT_NOFILE, &most);
    for (int fd = 0; fd < static_cast<int>(std::min<rlim_t>(most.rlim_cur, 4096)); ++fd) {
      sockaddr_in local{};
      socklen_t size = sizeof local;
      if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
      if (local.sin_family != AF_INET || ntohs(local.sin_port) != mailbox) continue;
      int listening = 0;
      int kept_alive = 0;
      size = sizeof listening;
      getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
      getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &kept_alive, &size);
      if (listening == 0 && kept_alive != 0) ++found;
    }
    return found;
  }

  asio::io_context loop{1};
  RecordingTransportListener listener;
  std::unique_ptr<ZmqTransport> transport;
  zmq::context_t context;
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
};

TEST_F(MailboxTest, a_message_of_any_number_of_frames_is_delivered_with_its_first_two) {
  send(Frames(100, "x"));
  send({"alone"});
  send({"head", "content"});
  ASSERT_TRUE(run_until(loop, [&] { return listener.count == 3; }));
  EXPECT_THAT(received(0), ElementsAre("x", "x"));
  EXPECT_THAT(received(1), ElementsAre("alone"));
  EXPECT_THAT(received(2), ElementsAre("head", "content"));
  EXPECT_EQ(transport->dropped(), 0u);
}

TEST_F(MailboxTest, content_that_is_too_large_is_left_out_and_the_message_counts) {
  send({"head", std::string(limits::bus_message_bytes, 'x')});
  send({"next", "content"});
  ASSERT_TRUE(run_until(loop, [&] { return listener.count == 2; }));
  EXPECT_THAT(received(0), ElementsAre("head"));
  EXPECT_THAT(received(1), ElementsAre("next", "content"));
}

TEST_F(MailboxTest, the_address_of_a_peer_is_that_of_its_connection) {
  EXPECT_EQ(transport->address_of(test_node(2)), "");
  send({"hello"});
  ASSERT_TRUE(run_until(loop, [&] { return listener.count == 1; }));
  EXPECT_EQ(transport->address_of(test_node(2)), "127.0.0.1");
  dealer.close();
  EXPECT_TRUE(run_until(loop, [&] { return transport->address_of(test_node(2)).empty(); }));
}

TEST_F(MailboxTest, connections_of_vanished_machines_do_not_stay_for_ever) {
  send({"hello"});
  ASSERT_TRUE(run_until(loop, [&] { return listener.count == 1; }));
  EXPECT_EQ(connections_kept_alive(), 1);
}

}  // namespace
}  // namespace dockherd::bus
