// Two transports, or a transport and raw sockets, over loopback.
#include "bus/zmq_transport.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/limits.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using testing::ElementsAre;

std::unique_ptr<ZmqTransport> open_transport(asio::io_context& loop, const NodeId& self) {
  auto opened =
      ZmqTransport::open(loop.get_executor(), self, ZmqTransportSettings(), null_logger());
  return std::move(opened).value();
}

struct TransportNode {
  TransportNode(asio::io_context& loop, std::uint8_t number)
      : id(test_node(number)), transport(open_transport(loop, id)) {
    transport->start(listener);
  }

  NodeId id;
  RecordingTransportListener listener;
  std::unique_ptr<ZmqTransport> transport;
};

Frames frames_of(std::initializer_list<std::string> frames) {
  return frames;
}

class Transports : public testing::Test {
 protected:
  asio::io_context loop{1};
  TransportNode one{loop, 1};
  TransportNode two{loop, 2};
};

TEST_F(Transports, a_message_arrives_with_its_sender_and_content) {
  ASSERT_TRUE(one.transport->connect(two.id, two.transport->endpoint()));
  EXPECT_TRUE(one.transport->send(two.id, frames_of({"first", ""})));
  ASSERT_TRUE(run_until(loop, [&] { return two.listener.count == 1; }));
  EXPECT_EQ(two.listener.messages[0].from, one.id);
  EXPECT_THAT(two.listener.messages[0].frames, ElementsAre("first", ""));
}

TEST_F(Transports, an_endpoint_that_is_no_ipv4_address_and_port_is_refused) {
  for (const char* endpoint : {"", "tcp://", "tcp://host:1", "tcp://1.2.3.4", "tcp://1.2.3.4:",
                               "tcp://1.2.3.4:0", "tcp://1.2.3.4:65536", "tcp://1.2.3.4:1x",
                               "inproc://a", "ipc://a", "tcp://*:5", "tcp://1.2.3.4:5;1.2.3.4:6"}) {
    EXPECT_FALSE(one.transport->connect(two.id, endpoint)) << endpoint;
  }
}

TEST_F(Transports, sending_without_a_link_fails) {
  EXPECT_FALSE(one.transport->send(two.id, frames_of({"x"})));
}

TEST_F(Transports, a_burst_of_100000_messages_arrives_in_order) {
  two.listener.keep = true;
  one.transport->connect(two.id, two.transport->endpoint());
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(one.transport->send(two.id, frames_of({std::to_string(i), "body"})));
  }
  ASSERT_TRUE(run_until(
      loop, [&] { return two.listener.count == 100'000; }, std::chrono::seconds(60)))
      << two.listener.count;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(two.listener.messages[static_cast<std::size_t>(i)].frames[0], std::to_string(i));
  }
}

TEST_F(Transports, bursts_both_ways_do_not_stall_each_other) {
  one.listener.keep = two.listener.keep = false;
  one.transport->connect(two.id, two.transport->endpoint());
  two.transport->connect(one.id, one.transport->endpoint());
  // Each message is answered by one from inside the callback until enough have gone round.
  one.listener.then = [&](const NodeId& from) {
    if (one.listener.count < 20'000) one.transport->send(from, frames_of({"ping"}));
  };
  two.listener.then = [&](const NodeId& from) { two.transport->send(from, frames_of({"pong"})); };
  for (int i = 0; i < 500; ++i) one.transport->send(two.id, frames_of({"ping"}));
  EXPECT_TRUE(run_until(
      loop, [&] { return one.listener.count >= 20'000; }, std::chrono::seconds(60)))
      << one.listener.count;
}

TEST_F(Transports, messages_wait_for_a_peer_that_listens_later) {
  ZmqTransportSettings settings;
  settings.port_low = settings.port_high = 61'234;
  const auto open = [&] {
    return std::move(
        ZmqTransport::open(loop.get_executor(), test_node(3), settings, null_logger()).value());
  };
  const std::string endpoint = open()->endpoint();  // Closed at once: nobody listens there.
  one.transport->connect(test_node(3), endpoint);
  one.transport->send(test_node(3), frames_of({"early"}));
  run_for(loop, std::chrono::milliseconds(300));
  const auto late = open();
  RecordingTransportListener late_listener;
  late->start(late_listener);
  EXPECT_TRUE(run_until(loop, [&] { return late_listener.count == 1; }));
  EXPECT_TRUE(one.listener.closed.empty());
}

TEST_F(Transports, disconnecting_lets_queued_messages_leave) {
  one.transport->connect(two.id, two.transport->endpoint());
  one.transport->send(two.id, frames_of({"hello"}));
  ASSERT_TRUE(run_until(loop, [&] { return two.listener.count == 1; }));
  one.transport->send(two.id, frames_of({"goodbye"}));
  one.transport->disconnect(two.id);
  EXPECT_TRUE(run_until(loop, [&] { return two.listener.count == 2; }));
  EXPECT_FALSE(one.transport->send(two.id, frames_of({"x"})));
  EXPECT_TRUE(one.listener.closed.empty());
}

TEST_F(Transports, a_peer_that_stops_is_reported_once) {
  auto third = std::make_unique<TransportNode>(loop, 3);
  one.transport->connect(third->id, third->transport->endpoint());
  one.transport->send(third->id, frames_of({"hello"}));
  ASSERT_TRUE(run_until(loop, [&] { return third->listener.count == 1; }));
  third.reset();
  ASSERT_TRUE(run_until(loop, [&] { return !one.listener.closed.empty(); }));
  run_for(loop, std::chrono::milliseconds(400));
  ASSERT_EQ(one.listener.closed.size(), 1u);
  EXPECT_EQ(one.listener.closed[0].first, test_node(3));
  EXPECT_FALSE(one.transport->send(test_node(3), frames_of({"x"})));
}

TEST_F(Transports, a_long_used_link_that_breaks_is_reported) {
  auto third = std::make_unique<TransportNode>(loop, 3);
  one.transport->connect(third->id, third->transport->endpoint());
  for (int i = 0; i < 5'000; ++i) one.transport->send(third->id, frames_of({"x"}));
  ASSERT_TRUE(run_until(loop, [&] { return third->listener.count == 5'000; }));
  third.reset();
  // Sending on may swallow the sign of the break; it is found all the same.
  for (int i = 0; i < 1'000; ++i) one.transport->send(test_node(3), frames_of({"x"}));
  EXPECT_TRUE(run_until(loop, [&] { return !one.listener.closed.empty(); }));
}

TEST_F(Transports, a_peer_that_drops_us_but_lives_is_reported) {
  one.transport->connect(two.id, two.transport->endpoint());
  two.transport->connect(one.id, one.transport->endpoint());
  one.transport->send(two.id, frames_of({"hello"}));
  two.transport->send(one.id, frames_of({"hello"}));
  ASSERT_TRUE(run_until(loop, [&] { return one.listener.count == 1 && two.listener.count == 1; }));
  run_for(loop, std::chrono::milliseconds(1'100));  // A young link is not judged by it.
  two.transport->disconnect(one.id);
  ASSERT_TRUE(run_until(loop, [&] { return !one.listener.closed.empty(); }));
  EXPECT_EQ(one.listener.closed[0].first, two.id);
}

TEST_F(Transports, a_peer_that_replaces_its_link_is_not_reported) {
  one.transport->connect(two.id, two.transport->endpoint());
  two.transport->connect(one.id, one.transport->endpoint());
  one.transport->send(two.id, frames_of({"hello"}));
  two.transport->send(one.id, frames_of({"hello"}));
  ASSERT_TRUE(run_until(loop, [&] { return one.listener.count == 1 && two.listener.count == 1; }));
  run_for(loop, std::chrono::milliseconds(1'100));
  // Handover: the same identity from another connection.
  for (std::size_t round = 2; round < 6; ++round) {
    two.transport->connect(one.id, one.transport->endpoint());
    two.transport->send(one.id, frames_of({"again"}));
    ASSERT_TRUE(run_until(loop, [&] { return one.listener.count == round; }));
  }
  run_for(loop, std::chrono::milliseconds(500));
  EXPECT_TRUE(one.listener.closed.empty());
}

TEST_F(Transports, stopping_from_inside_a_callback_is_safe) {
  one.transport->connect(two.id, two.transport->endpoint());
  two.listener.then = [&](const NodeId&) { two.transport->stop(); };
  for (int i = 0; i < 100; ++i) one.transport->send(two.id, frames_of({"x"}));
  EXPECT_TRUE(run_until(loop, [&] { return !one.listener.closed.empty(); }));
  EXPECT_EQ(two.listener.count, 1u);
}

TEST_F(Transports, destroying_one_with_work_queued_on_the_loop_is_safe) {
  one.transport->connect(two.id, two.transport->endpoint());
  for (int i = 0; i < 100; ++i) one.transport->send(two.id, frames_of({"x"}));
  ASSERT_TRUE(run_until(loop, [&] { return two.listener.count > 0; }));
  two.transport.reset();
  one.transport.reset();
  run_for(loop, std::chrono::milliseconds(50));
}

TEST_F(Transports, a_dealer_without_a_peers_identity_is_dropped_and_counted) {
  zmq::context_t context;
  for (const std::string& identity :
       {std::string("short"), '\x02' + std::string(16, 'x'), '\x01' + std::string(17, 'x')}) {
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::routing_id, identity);
    dealer.set(zmq::sockopt::linger, 1000);
    dealer.connect(one.transport->endpoint());
    dealer.send(zmq::str_buffer("x"));
  }
  EXPECT_TRUE(run_until(loop, [&] { return one.transport->dropped() == 3; }));
  EXPECT_EQ(one.listener.count, 0u);
}

TEST_F(Transports, a_peer_that_does_not_read_costs_no_more_than_the_bound) {
  // A ROUTER that never reads: the connection is up, the messages stay here.
  zmq::context_t context;
  zmq::socket_t stuck(context, zmq::socket_type::router);
  stuck.set(zmq::sockopt::rcvhwm, 1);
  stuck.bind("tcp://127.0.0.1:*");
  one.transport->connect(two.id, stuck.get(zmq::sockopt::last_endpoint));
  const std::string megabyte(1u << 20, 'x');
  std::size_t accepted = 0;
  while (one.listener.closed.empty() && accepted < 200) {
    if (one.transport->send(two.id, frames_of({"head", megabyte}))) ++accepted;
    run_for(loop, std::chrono::milliseconds(1));
  }
  ASSERT_EQ(one.listener.closed.size(), 1u);
  EXPECT_EQ(one.listener.closed[0].first, two.id);
  // The bound, and what the two kernels' buffers and libzmq took meanwhile.
  EXPECT_GE(accepted, limits::bus_peer_queue_bytes >> 20);
  EXPECT_LT(accepted, 2 * (limits::bus_peer_queue_bytes >> 20));
}

TEST_F(Transports, small_messages_to_a_peer_that_does_not_read_are_bounded_too) {
  zmq::context_t context;
  zmq::socket_t stuck(context, zmq::socket_type::router);
  stuck.set(zmq::sockopt::rcvhwm, 1);
  stuck.bind("tcp://127.0.0.1:*");
  one.transport->connect(two.id, stuck.get(zmq::sockopt::last_endpoint));
  const std::string kilobytes(4'000, 'x');
  for (int i = 0; i < 20'000 && one.listener.closed.empty(); ++i) {
    one.transport->send(two.id, frames_of({"head", kilobytes}));
    if (i % 100 == 0) loop.poll();
  }
  EXPECT_TRUE(run_until(loop, [&] { return !one.listener.closed.empty(); }));
}

TEST_F(Transports, a_full_link_resumes_when_the_peer_reads_again) {
  zmq::context_t context;
  zmq::socket_t slow(context, zmq::socket_type::router);
  slow.set(zmq::sockopt::rcvhwm, 1);
  slow.set(zmq::sockopt::rcvtimeo, 10'000);
  slow.bind("tcp://127.0.0.1:*");
  one.transport->connect(two.id, slow.get(zmq::sockopt::last_endpoint));
  constexpr int messages = 3'000;
  const std::string body(8'000, 'x');
  for (int i = 0; i < messages; ++i) {
    ASSERT_TRUE(one.transport->send(two.id, frames_of({std::to_string(i), body})));
  }
  run_for(loop, std::chrono::milliseconds(500));
  EXPECT_TRUE(one.listener.closed.empty());  // Full is not broken.
  int received = 0;
  std::atomic<bool> reader_ended = false;
  std::thread reader([&] {
    for (; received < messages; ++received) {
      zmq::message_t identity;
      zmq::message_t number;
      zmq::message_t rest;
      if (!slow.recv(identity) || !slow.recv(number) || !slow.recv(rest)) break;
      if (number.to_string() != std::to_string(received)) break;
    }
    reader_ended = true;
  });
  EXPECT_TRUE(run_until(
      loop, [&] { return reader_ended.load(); }, std::chrono::seconds(60)));
  reader.join();
  EXPECT_EQ(received, messages);
  EXPECT_TRUE(one.listener.closed.empty());
}

/// Tells its parent its endpoint, then one byte when it has heard from somebody. Ends with the
/// parent, or by a signal.
[[noreturn]] void be_a_peer(int to_parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  asio::io_context loop(1);
  TransportNode node(loop, 7);
  const std::string endpoint = node.transport->endpoint();
  bool told = write(to_parent, endpoint.data(), endpoint.size()) > 0;
  node.listener.then = [&](const NodeId&) { told = told && write(to_parent, "!", 1) == 1; };
  run_until(
      loop, [&] { return !told; }, std::chrono::seconds(60));
  _exit(1);
}

TEST(ZmqTransport, a_killed_process_is_noticed_by_its_closed_connections) {
  int to_parent[2];
  ASSERT_EQ(pipe2(to_parent, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) be_a_peer(to_parent[1]);
  close(to_parent[1]);  // What is read ends with the child.
  char text[64] = {};
  ASSERT_GT(read(to_parent[0], text, sizeof text - 1), 0);

  asio::io_context loop(1);
  TransportNode parent(loop, 1);
  parent.transport->connect(test_node(7), text);
  parent.transport->send(test_node(7), frames_of({"hello"}));
  const auto heard = [&] {
    pollfd answer{to_parent[0], POLLIN, 0};
    return poll(&answer, 1, 0) == 1;
  };
  ASSERT_TRUE(run_until(loop, heard));
  EXPECT_EQ(read(to_parent[0], text, 1), 1);
  EXPECT_TRUE(parent.listener.closed.empty());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(run_until(loop, [&] { return parent.listener.closed.size() == 1; }));
  close(to_parent[0]);
}

TEST(ZmqTransport, an_address_of_another_machine_cannot_be_opened) {
  asio::io_context loop(1);
  ZmqTransportSettings settings;
  settings.address = "192.0.2.1";
  const auto opened =
      ZmqTransport::open(loop.get_executor(), test_node(1), settings, null_logger());
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().code, errc::bad_config);
}

TEST(ZmqTransport, the_advertised_address_replaces_the_bound_one) {
  asio::io_context loop(1);
  ZmqTransportSettings settings;
  settings.advertised = "192.0.2.7";
  auto opened = ZmqTransport::open(loop.get_executor(), test_node(1), settings, null_logger());
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(opened.value()->endpoint().starts_with("tcp://192.0.2.7:"));
}

}  // namespace
}  // namespace dockherd::bus
