#include "engine_api/reservation.hpp"

#include <gmock/gmock.h>

namespace dockherd::engine_api {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t mib = 1024 * 1024;
constexpr std::int64_t cpu = 1'000'000'000;
constexpr double five_percent = 0.05;

json document(const char* text) {
  return parse_json(text).value();
}

PortClaim tcp(std::uint16_t port, std::string ip = "") {
  return {std::move(ip), port, port, "tcp"};
}

PortClaim range(std::uint16_t first, std::uint16_t last, std::string ip = "") {
  return {std::move(ip), first, last, "tcp"};
}

Reservation memory(std::int64_t bytes) {
  return {bytes, 0, {}};
}

Reservation cpus(std::int64_t nano) {
  return {0, nano, {}};
}

Reservation ports(std::vector<PortClaim> claims) {
  return {0, 0, std::move(claims)};
}

// Reading.

TEST(Reservation, memory_and_cpus_are_read_as_docker_writes_them) {
  const struct {
    const char* host_config;
    std::int64_t memory_bytes;
    std::int64_t nano_cpus;
  } cases[] = {
      {R"({})", 0, 0},
      {R"(null)", 0, 0},
      {R"([1])", 0, 0},
      {R"({"Memory":1048576,"NanoCpus":1500000000})", mib, 1'500'000'000},
      {R"({"memory":1048576,"NANOCPUS":5})", mib, 5},
      {R"({"Memory":0,"NanoCpus":0,"CpuShares":0})", 0, 0},
      {R"({"Memory":-1,"NanoCpus":-7,"CpuShares":-2})", 0, 0},
      {R"({"Memory":null,"NanoCpus":"2","CpuShares":[]})", 0, 0},
      {R"({"Memory":1.5,"NanoCpus":1e9})", 0, 0},
  };
  for (const auto& one : cases) {
    const Reservation read = reservation_of(document(one.host_config));
    EXPECT_EQ(read.memory_bytes, one.memory_bytes) << one.host_config;
    EXPECT_EQ(read.nano_cpus, one.nano_cpus) << one.host_config;
  }
}

TEST(Reservation, small_shares_are_cpus_as_in_classic_swarm_and_large_ones_dockers_weights) {
  const auto cpus_of = [](const char* text) { return reservation_of(document(text)).nano_cpus; };
  EXPECT_EQ(cpus_of(R"({"CpuShares":1})"), cpu);
  EXPECT_EQ(cpus_of(R"({"CpuShares":2})"), 2 * cpu);
  EXPECT_EQ(cpus_of(R"({"CpuShares":127})"), 127 * cpu);
  EXPECT_EQ(cpus_of(R"({"CpuShares":128})"), 0);
  EXPECT_EQ(cpus_of(R"({"CpuShares":1024})"), 0);
  EXPECT_EQ(cpus_of(R"({"CpuShares":2,"NanoCpus":500000000})"), cpu / 2);
}

TEST(Reservation, a_promise_beyond_reason_does_not_overflow_sums) {
  const Reservation huge =
      reservation_of(document(R"({"Memory":18446744073709551615,"NanoCpus":9223372036854775807})"));
  EXPECT_GT(huge.memory_bytes, 1024 * 1024 * mib);
  EXPECT_GT(huge.nano_cpus, 10'000 * cpu);
  ReservationLedger ledger;
  for (int i = 0; i < 10'000; ++i) ledger.put(std::to_string(i), huge, true);
  EXPECT_GT(ledger.totals().memory_bytes, 0);
  for (int i = 0; i < 10'000; ++i) ledger.remove(std::to_string(i));
  EXPECT_EQ(ledger.totals().memory_bytes, 0);
  EXPECT_EQ(ledger.totals().nano_cpus, 0);
}

TEST(Reservation, published_ports_are_read_with_address_range_and_protocol) {
  const struct {
    const char* bindings;
    std::vector<PortClaim> claims;
  } cases[] = {
      {R"({"80/tcp":[{"HostPort":"8080"}]})", {tcp(8080)}},
      {R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})", {tcp(8080)}},
      {R"({"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]})", {tcp(8080)}},
      {R"({"80/tcp":[{"HostIp":"::","HostPort":"8080"}]})", {tcp(8080)}},
      {R"({"80/tcp":[{"HostIp":"10.0.0.1","HostPort":"8080"}]})", {tcp(8080, "10.0.0.1")}},
      {R"({"80":[{"HostPort":"8080"}]})", {tcp(8080)}},
      {R"({"53/UDP":[{"hostport":"53"}]})", {{"", 53, 53, "udp"}}},
      {R"({"80/tcp":[{"HostPort":"8000-8010"}]})", {range(8000, 8010)}},
      {R"({"80/tcp":[{"HostPort":"1"},{"HostPort":"2"}],"81/tcp":[{"HostPort":"65535"}]})",
       {tcp(1), tcp(2), tcp(65535)}},
      {R"({"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"1"},{"HostIp":"::","HostPort":"1"}]})",
       {tcp(1)}},
      // The daemon chooses.
      {R"({"80/tcp":[{"HostPort":""}]})", {}},
      {R"({"80/tcp":[{"HostPort":"0"}]})", {}},
      {R"({"80/tcp":[{}]})", {}},
      {R"({"80/tcp":null})", {}},
      {R"({"80/tcp":[]})", {}},
      // The daemon refuses.
      {R"({"80/tcp":[{"HostPort":"65536"}]})", {}},
      {R"({"80/tcp":[{"HostPort":"-1"}]})", {}},
      {R"({"80/tcp":[{"HostPort":"9-8"}]})", {}},
      {R"({"80/tcp":[{"HostPort":"8-"}]})", {}},
      {R"({"80/tcp":[{"HostPort":" 8"}]})", {}},
      {R"({"80/tcp":[{"HostPort":"8x"}]})", {}},
      {R"({"80/tcp":[{"HostPort":8080}]})", {}},
      {R"({"80/tcp":["8080"]})", {}},
      {R"({"80/tcp":"8080"})", {}},
      {R"(["80/tcp"])", {}},
      {R"("80")", {}},
  };
  for (const auto& one : cases) {
    const json host_config{{"PortBindings", document(one.bindings)}};
    EXPECT_EQ(reservation_of(host_config).ports, one.claims) << one.bindings;
  }
}

TEST(Reservation, of_more_ports_than_there_are_the_first_are_claimed) {
  json bindings = json::array();
  for (int i = 0; i < 66'000; ++i) {
    const std::string ip = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    bindings.push_back({{"HostIp", ip}, {"HostPort", "80"}});
  }
  const json host_config{{"PortBindings", {{"80/tcp", bindings}}}};
  EXPECT_TRUE(claims_too_many_ports(host_config));
  const Reservation reservation = reservation_of(host_config);
  EXPECT_EQ(reservation.ports.size(), most_claimed_ports);
  ReservationLedger ledger;
  ledger.put("a", reservation, true);
  EXPECT_NE(ledger.why_not(ports({tcp(80, "10.0.1.1")}), Capacity(), 0, {}), std::nullopt);
  EXPECT_EQ(ledger.why_not(ports({tcp(80, "10.9.1.1")}), Capacity(), 0, {}), std::nullopt);
  ledger.remove("a");
  EXPECT_EQ(ledger.why_not(ports({tcp(80)}), Capacity(), 0, {}), std::nullopt);
}

TEST(Reservation, a_container_without_a_network_of_its_own_claims_no_ports) {
  for (const char* mode : {"host", "none", "container:web"}) {
    json host_config = document(R"({"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}})");
    host_config["networkmode"] = mode;
    EXPECT_THAT(reservation_of(host_config).ports, IsEmpty()) << mode;
  }
  for (const char* mode : {"", "default", "bridge", "front", "hosts"}) {
    json host_config = document(R"({"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}})");
    host_config["NetworkMode"] = mode;
    EXPECT_THAT(reservation_of(host_config).ports, ElementsAre(tcp(8080))) << mode;
  }
}

TEST(Reservation, of_an_inspection_has_the_real_ports_where_there_are_some) {
  const char* running = R"({"HostConfig":{"Memory":5,"PortBindings":{
      "80/tcp":[{"HostPort":"8000-8010"}],"81/tcp":[{"HostPort":""}]}},
      "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8003"},
      {"HostIp":"::","HostPort":"8003"}],"81/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"}],
      "443/tcp":null}}})";
  const Reservation of_running = reservation_of_inspection(document(running));
  EXPECT_EQ(of_running.memory_bytes, 5);
  EXPECT_THAT(of_running.ports, UnorderedElementsAre(tcp(8003), tcp(32768)));

  const char* created = R"({"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}},
                            "NetworkSettings":{"Ports":{}}})";
  EXPECT_THAT(reservation_of_inspection(document(created)).ports, ElementsAre(tcp(8080)));
  EXPECT_EQ(reservation_of_inspection(document("{}")), Reservation());
  EXPECT_EQ(reservation_of_inspection(document("[]")), Reservation());
}

TEST(Reservation, a_stopped_container_gives_its_ports_free_and_a_dead_one_everything) {
  for (const char* state : {"created", "running", "paused", "restarting"}) {
    EXPECT_TRUE(holds_ports(state)) << state;
    EXPECT_TRUE(holds_resources(state)) << state;
  }
  EXPECT_FALSE(holds_ports("exited"));
  EXPECT_TRUE(holds_resources("exited"));
  for (const char* state : {"dead", "removing"}) {
    EXPECT_FALSE(holds_ports(state)) << state;
    EXPECT_FALSE(holds_resources(state)) << state;
  }
}

TEST(Reservation, slots_are_a_label_of_the_engine_and_ignored_when_they_are_no_number) {
  EXPECT_EQ(container_slots({}), std::nullopt);
  EXPECT_EQ(container_slots({{"slots", "3"}}), std::nullopt);
  EXPECT_THAT(container_slots({{"containerslots", "3"}}), Optional(3u));
  EXPECT_THAT(container_slots({{"containerslots", "0"}}), Optional(0u));
  EXPECT_THAT(container_slots({{"containerslots", "-1"}}), Optional(0u));
  for (const char* text : {"", "many", "3.5", "3 ", "99999999999999999999"}) {
    EXPECT_EQ(container_slots({{"containerslots", text}}), std::nullopt) << text;
  }
}

// The ledger.

TEST(ReservationLedger, sums_what_its_containers_were_promised) {
  ReservationLedger ledger;
  ledger.put("a", {100, 10, {}}, true);
  ledger.put("b", {200, 20, {}}, false);
  EXPECT_EQ(ledger.totals().memory_bytes, 300);
  EXPECT_EQ(ledger.totals().nano_cpus, 30);
  EXPECT_EQ(ledger.totals().containers, 2u);
  ledger.put("a", {1, 1, {}}, true);  // Updated.
  EXPECT_EQ(ledger.totals().memory_bytes, 201);
  EXPECT_EQ(ledger.totals().nano_cpus, 21);
  EXPECT_EQ(ledger.totals().containers, 2u);
  EXPECT_TRUE(ledger.contains("a"));
  ledger.remove("a");
  ledger.remove("a");
  ledger.remove("unknown");
  EXPECT_FALSE(ledger.contains("a"));
  EXPECT_EQ(ledger.totals().memory_bytes, 200);
  EXPECT_EQ(ledger.totals().containers, 1u);
  ledger.clear();
  EXPECT_EQ(ledger.totals().memory_bytes, 0);
  EXPECT_EQ(ledger.totals().containers, 0u);
}

TEST(ReservationLedger, memory_goes_up_to_the_hosts_and_the_overcommit) {
  const Capacity host{1000 * mib, 0};
  ReservationLedger ledger;
  ledger.put("a", memory(900 * mib), true);
  EXPECT_EQ(ledger.why_not(memory(100 * mib), host, 0, {}), std::nullopt);
  EXPECT_EQ(ledger.why_not(memory(150 * mib), host, five_percent, {}), std::nullopt);
  EXPECT_THAT(
      ledger.why_not(memory(150 * mib + 1), host, five_percent, {}),
      Optional(Eq("memory: 900 MiB of 1000 MiB are promised, 150 MiB more asked, overcommit 5 %")));
  EXPECT_THAT(
      ledger.why_not(memory(1536 * mib), host, 0.125, {}),
      Optional(
          Eq("memory: 900 MiB of 1000 MiB are promised, 1.5 GiB more asked, overcommit 12.5 %")));
  EXPECT_NE(ledger.why_not(memory(1), {900 * mib, 0}, 0, {}), std::nullopt);
  EXPECT_NE(ledger.why_not(memory(101 * mib), {2000 * mib, 0}, -0.5, {}), std::nullopt);
}

TEST(ReservationLedger, who_asks_for_no_memory_fits_a_full_host) {
  ReservationLedger ledger;
  ledger.put("a", {4000 * mib, 90 * cpu, {}}, true);
  EXPECT_EQ(ledger.why_not({}, {1000 * mib, 4 * cpu}, 0, {}), std::nullopt);
}

TEST(ReservationLedger, of_a_host_whose_size_is_not_known_refuses_nothing) {
  EXPECT_EQ(ReservationLedger().why_not({4000 * mib, 90 * cpu, {}}, {}, 0, {}), std::nullopt);
}

TEST(ReservationLedger, cpus_go_up_to_the_hosts_and_the_overcommit) {
  const Capacity host{0, 4 * cpu};
  ReservationLedger ledger;
  ledger.put("a", cpus(3 * cpu + cpu / 2), true);
  EXPECT_EQ(ledger.why_not(cpus(cpu / 2), host, 0, {}), std::nullopt);
  EXPECT_EQ(ledger.why_not(cpus(cpu / 2 + cpu / 5), host, five_percent, {}), std::nullopt);
  EXPECT_THAT(ledger.why_not(cpus(cpu), host, five_percent, {}),
              Optional(Eq("CPUs: 3.5 of 4 are promised, 1 more asked, overcommit 5 %")));
}

TEST(ReservationLedger, slots_count_every_container) {
  ReservationLedger ledger;
  EXPECT_EQ(ledger.why_not({}, {}, 0, 1), std::nullopt);
  EXPECT_THAT(ledger.why_not({}, {}, 0, 0), Optional(Eq("containerslots=0 are full")));
  ledger.put("a", {}, false);
  ledger.put("b", {}, true);
  EXPECT_EQ(ledger.why_not({}, {}, 0, 3), std::nullopt);
  EXPECT_THAT(ledger.why_not({}, {}, 0, 2), Optional(Eq("containerslots=2 are full")));
}

TEST(ReservationLedger, a_port_is_taken_by_address_and_protocol) {
  const struct {
    PortClaim held;
    PortClaim asked;
    const char* refused;  // Nothing: it fits.
  } cases[] = {
      {tcp(80), tcp(80), "port 80/tcp is taken"},
      {tcp(80), tcp(81), nullptr},
      {tcp(80), {"", 80, 80, "udp"}, nullptr},
      {{"", 53, 53, "udp"}, {"", 53, 53, "udp"}, "port 53/udp is taken"},
      {tcp(80), tcp(80, "10.0.0.1"), "port 10.0.0.1:80/tcp is taken"},
      {tcp(80, "10.0.0.1"), tcp(80), "port 80/tcp is taken"},
      {tcp(80, "10.0.0.1"), tcp(80, "10.0.0.1"), "port 10.0.0.1:80/tcp is taken"},
      {tcp(80, "10.0.0.1"), tcp(80, "10.0.0.2"), nullptr},
      {tcp(80, "::1"), tcp(80, "::1"), "port [::1]:80/tcp is taken"},
  };
  for (const auto& one : cases) {
    ReservationLedger ledger;
    ledger.put("a", ports({one.held}), true);
    const auto refused = ledger.why_not(ports({one.asked}), {}, 0, {});
    if (one.refused == nullptr) {
      EXPECT_EQ(refused, std::nullopt);
    } else {
      EXPECT_THAT(refused, Optional(Eq(one.refused)));
    }
  }
}

TEST(ReservationLedger, a_range_is_taken_when_each_of_its_ports_is) {
  ReservationLedger ledger;
  ledger.put("a", ports({tcp(8000), tcp(8002)}), true);
  EXPECT_EQ(ledger.why_not(ports({range(8000, 8002)}), {}, 0, {}), std::nullopt);
  ledger.put("b", ports({tcp(8001, "10.0.0.1")}), true);
  EXPECT_THAT(ledger.why_not(ports({range(8000, 8002)}), {}, 0, {}),
              Optional(Eq("ports 8000-8002/tcp are all taken")));
  EXPECT_EQ(ledger.why_not(ports({range(8000, 8002, "10.0.0.2")}), {}, 0, {}), std::nullopt);
  EXPECT_EQ(ledger.why_not(ports({range(8000, 8003)}), {}, 0, {}), std::nullopt);
}

TEST(ReservationLedger, a_range_ends_at_the_last_port_there_is) {
  ReservationLedger ledger;
  ledger.put("a", ports({tcp(65535)}), true);
  EXPECT_EQ(ledger.why_not(ports({range(65534, 65535)}), {}, 0, {}), std::nullopt);
  ledger.put("b", ports({tcp(65534)}), true);
  EXPECT_NE(ledger.why_not(ports({range(65534, 65535)}), {}, 0, {}), std::nullopt);
}

TEST(ReservationLedger, a_range_that_is_held_takes_no_port_that_is_known) {
  ReservationLedger ledger;
  ledger.put("a", ports({range(8000, 8001)}), true);
  EXPECT_EQ(ledger.why_not(ports({tcp(8000)}), {}, 0, {}), std::nullopt);
  ledger.remove("a");
  EXPECT_EQ(ledger.why_not(ports({tcp(8000)}), {}, 0, {}), std::nullopt);
}

TEST(ReservationLedger, one_taken_port_of_several_is_enough) {
  ReservationLedger ledger;
  ledger.put("a", ports({tcp(443)}), true);
  EXPECT_THAT(ledger.why_not(ports({tcp(80), tcp(443)}), {}, 0, {}),
              Optional(Eq("port 443/tcp is taken")));
}

TEST(ReservationLedger, a_port_is_free_again_when_its_last_holder_is_gone) {
  ReservationLedger ledger;
  ledger.put("a", ports({tcp(80), tcp(81)}), true);
  ledger.put("b", ports({tcp(80)}), true);  // Both waited for their start.
  ledger.put("c", ports({tcp(82)}), false);
  EXPECT_EQ(ledger.why_not(ports({tcp(82)}), {}, 0, {}), std::nullopt);
  ledger.put("a", ports({tcp(80), tcp(81)}), false);  // Stopped.
  EXPECT_EQ(ledger.why_not(ports({tcp(81)}), {}, 0, {}), std::nullopt);
  EXPECT_NE(ledger.why_not(ports({tcp(80)}), {}, 0, {}), std::nullopt);
  ledger.remove("b");
  EXPECT_EQ(ledger.why_not(ports({tcp(80)}), {}, 0, {}), std::nullopt);
}

}  // namespace
}  // namespace dockherd::engine_api
