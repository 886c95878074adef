#include "engine_api/placement_filter.hpp"

#include <gmock/gmock.h>

namespace dockherd::engine_api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string web_id = "87c4376856a8" + std::string(52, '0');
const std::string db_id = "db00000000ff" + std::string(52, '1');

HostFacts host(const std::string& name) {
  HostFacts facts;
  facts.id = "id-of-" + name;
  facts.name = name;
  return facts;
}

/// h1 has disks, web and redis; h2 has ssd, db and mysql; h3 has nothing.
std::vector<HostFacts> three_hosts() {
  std::vector<HostFacts> hosts{host("h1"), host("h2"), host("h3")};
  hosts[0].labels = {{"storage", "disk"}, {"zone", "a"}, {"com.example.rack", "r1"}};
  hosts[1].labels = {{"storage", "ssd"}, {"zone", "b"}};
  hosts[0].operating_system = "Debian GNU/Linux 12 (bookworm)";
  hosts[0].os_type = "linux";
  hosts[0].architecture = "x86_64";
  hosts[0].kernel_version = "6.1.0-13-amd64";
  hosts[0].storage_driver = "overlay2";
  hosts[1].storage_driver = "btrfs";
  hosts[1].architecture = "aarch64";
  hosts[0].containers = {{web_id, {"/web", "/front/w"}, {{"tier", "front"}}}};
  hosts[1].containers = {{db_id, {"db"}, {{"tier", "back"}}}};
  hosts[0].images = {"sha256:06a1f75304ba" + std::string(52, '2'), "redis:latest", "redis:7",
                     "redis@sha256:" + std::string(64, '3')};
  hosts[1].images = {"sha256:4444444444ff" + std::string(52, '4'), "repo:5000/team/mysql:8"};
  return hosts;
}

CreateRules rules_of(std::string_view text) {
  json body = parse_json(text).value();
  return read_create_rules(body).value();
}

CreateRules with_env(std::vector<std::string> env) {
  json body{{"Env", std::move(env)}};
  return read_create_rules(body).value();
}

std::vector<std::string> names(const FilterOutcome& outcome, const std::vector<HostFacts>& hosts) {
  std::vector<std::string> names;
  for (const std::size_t index : outcome.fitting) names.push_back(hosts[index].name);
  return names;
}

/// The hosts that fit; what is soft must not have been dropped.
std::vector<std::string> fitting(const CreateRules& rules) {
  const auto hosts = three_hosts();
  const FilterOutcome outcome = filter_hosts(rules, hosts);
  EXPECT_FALSE(outcome.soft_dropped);
  EXPECT_EQ(outcome.fitting.size() + outcome.refusals.size(), hosts.size());
  return names(outcome, hosts);
}

struct RuleCase {
  const char* rule;
  std::vector<std::string> fitting;
};

void check(const std::vector<RuleCase>& cases) {
  for (const RuleCase& one : cases)
    EXPECT_EQ(fitting(with_env({one.rule})), one.fitting) << one.rule;
}

TEST(PlacementFilter, without_rules_every_host_in_the_pool_with_a_daemon_fits) {
  auto hosts = three_hosts();
  EXPECT_THAT(names(filter_hosts({}, hosts), hosts), ElementsAre("h1", "h2", "h3"));
  hosts[0].in_pool = false;
  hosts[1].daemon_up = false;
  hosts[2].refusal = "port 80/tcp is taken";
  const FilterOutcome outcome = filter_hosts({}, hosts);
  EXPECT_THAT(outcome.fitting, IsEmpty());
  EXPECT_EQ(no_host_text(outcome),
            "no host fits: h1: out of the pool; h2: daemon down; h3: port 80/tcp is taken");
  EXPECT_EQ(no_host_text(filter_hosts({}, {})), "no host fits: none is known");
}

TEST(PlacementFilter, a_node_is_known_by_name_and_by_id) {
  check({
      {"constraint:node==h2", {"h2"}},
      {"constraint:node==id-of-h2", {"h2"}},
      {"constraint:node!=h2", {"h1", "h3"}},
      {"constraint:node!=id-of-h2", {"h1", "h3"}},
      {"constraint:node==/^h[12]$/", {"h1", "h2"}},
      {"constraint:node==/^H1$/i", {"h1"}},
      {"constraint:node!=/^h[12]$/", {"h3"}},
      {"constraint:node==h*", {"h1", "h2", "h3"}},
  });
}

TEST(PlacementFilter, constraints_are_labels_of_engines_and_what_they_are_made_of) {
  check({
      {"constraint:storage==ssd", {"h2"}},
      {"constraint:storage==*", {"h1", "h2"}},
      {"constraint:storage==/.*/", {"h1", "h2"}},
      {"constraint:storage!=ssd", {"h1", "h3"}},
      {"constraint:Storage!=ssd", {"h1", "h2", "h3"}},
      {"constraint:com.example.rack==r*", {"h1"}},
      {"constraint:storagedriver==overlay2", {"h1"}},
      {"constraint:storagedriver==*", {"h1", "h2"}},
      {"constraint:operatingsystem==/debian/i", {"h1"}},
      {"constraint:operatingsystem==Debian*", {"h1"}},
      {"constraint:ostype==linux", {"h1"}},
      {"constraint:architecture==aarch64", {"h2"}},
      {"constraint:kernelversion==6.*", {"h1"}},
  });
}

TEST(PlacementFilter, a_label_of_the_engine_hides_what_is_known_of_it) {
  auto hosts = three_hosts();
  hosts[0].labels["storagedriver"] = "fast";
  const auto rules = with_env({"constraint:storagedriver==fast"});
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h1"));
}

TEST(PlacementFilter, a_whitelist_names_hosts) {
  check({
      {"whitelist:node==h1|h3", {"h1", "h3"}},
      {"whitelist:node==id-of-h1|h3", {"h1", "h3"}},
      {"whitelist:node!=h1|h3", {"h2"}},
      {"whitelist:any==h2", {"h2"}},
  });
}

TEST(PlacementFilter, an_affinity_leads_to_a_container_by_name_or_id) {
  check({
      {"affinity:container==web", {"h1"}},
      {"affinity:container==h1/web", {"h1"}},
      {"affinity:container==87c4376856a8", {"h1"}},
      {"affinity:container==87c437", {"h1"}},
      {"affinity:container==/^w/", {"h1"}},
      {"affinity:container==*b", {"h1", "h2"}},
      {"affinity:container!=web", {"h2", "h3"}},
      {"affinity:container!=h2/web", {"h1", "h2", "h3"}},
      {"affinity:container!=87c4376856a8", {"h2", "h3"}},
      {"affinity:container!=/./", {"h3"}},
      {"affinity:container!=/h1/", {"h1", "h2", "h3"}},
      // Too short for an id: a name that nobody has.
      {"affinity:container!=87c43", {"h1", "h2", "h3"}},
  });
  EXPECT_THAT(fitting(with_env({"affinity:container==" + web_id})), ElementsAre("h1"));
  EXPECT_THAT(fitting(with_env({"affinity:container==h2/web"})), IsEmpty());
}

TEST(PlacementFilter, an_affinity_leads_to_an_image_by_id_tag_or_repository) {
  check({
      {"affinity:image==redis", {"h1"}},
      {"affinity:image==redis:7", {"h1"}},
      {"affinity:image==redis:*", {"h1"}},
      {"affinity:image==06a1f75304ba", {"h1"}},
      {"affinity:image==sha256:06a1f75304ba*", {"h1"}},
      {"affinity:image==repo:5000/team/mysql", {"h2"}},
      {"affinity:image==repo:5000/team/mysql:8", {"h2"}},
      {"affinity:image==/mysql/", {"h2"}},
      {"affinity:image!=redis", {"h2", "h3"}},
      {"affinity:image!=/redis|mysql/", {"h3"}},
  });
  EXPECT_THAT(fitting(with_env({"affinity:image==redis:6"})), IsEmpty());
  EXPECT_THAT(fitting(with_env({"affinity:image==repo"})), IsEmpty());
}

TEST(PlacementFilter, an_affinity_leads_to_containers_with_a_label) {
  check({
      {"affinity:tier==front", {"h1"}},
      {"affinity:tier==*", {"h1", "h2"}},
      {"affinity:tier!=front", {"h2", "h3"}},
      {"affinity:tier!=*", {"h3"}},
      {"affinity:colour!=red", {"h1", "h2", "h3"}},
  });
  EXPECT_THAT(fitting(with_env({"affinity:colour==*"})), IsEmpty());
}

TEST(PlacementFilter, all_rules_count_and_each_host_is_told_the_first_that_it_does_not_meet) {
  const auto hosts = three_hosts();
  const FilterOutcome outcome =
      filter_hosts(with_env({"constraint:storage==ssd", "constraint:zone==a", "affinity:image==x",
                             "whitelist:node==h1|h2"}),
                   hosts);
  EXPECT_EQ(no_host_text(outcome),
            "no host fits: h1: constraint storage==ssd not met; h2: constraint zone==a not met; "
            "h3: constraint storage==ssd not met");
  EXPECT_EQ(no_host_text(filter_hosts(with_env({"whitelist:node==h9|h8"}), hosts)),
            "no host fits: h1: whitelist node==h9|h8 not met; h2: whitelist node==h9|h8 not met; "
            "h3: whitelist node==h9|h8 not met");
  EXPECT_EQ(
      no_host_text(filter_hosts(with_env({"constraint:node!=h3", "affinity:image==x"}), hosts)),
      "no host fits: h1: affinity image==x not met; h2: affinity image==x not met; "
      "h3: constraint node!=h3 not met");
}

TEST(PlacementFilter, soft_rules_hold_where_they_can) {
  check({
      {"constraint:storage==~ssd", {"h2"}},
      {"affinity:container==~web", {"h1"}},
      {"affinity:container!=~/./", {"h3"}},
      {"whitelist:node==~h3", {"h3"}},
  });
}

TEST(PlacementFilter, soft_rules_are_dropped_together_when_they_leave_no_host) {
  const auto hosts = three_hosts();
  const auto rules =
      with_env({"constraint:storage==~ssd", "affinity:container==~web", "constraint:node!=h3"});
  const FilterOutcome outcome = filter_hosts(rules, hosts);
  EXPECT_TRUE(outcome.soft_dropped);
  EXPECT_THAT(names(outcome, hosts), ElementsAre("h1", "h2"));
}

TEST(PlacementFilter, what_binds_a_container_stays_when_soft_rules_are_dropped) {
  auto hosts = three_hosts();
  hosts[1].volumes = {"data"};
  const char* soft = R"({"Env":["constraint:node==~h3"],"HostConfig":)";
  for (const char* host_config : {R"({"VolumesFrom":["db"]})", R"({"Binds":["data:/data"]})"}) {
    const FilterOutcome outcome =
        filter_hosts(rules_of(std::string(soft) + host_config + "}"), hosts);
    EXPECT_TRUE(outcome.soft_dropped) << host_config;
    EXPECT_THAT(names(outcome, hosts), ElementsAre("h2")) << host_config;
  }
}

TEST(PlacementFilter, soft_rules_are_no_reason_against_a_host) {
  const auto hosts = three_hosts();
  const FilterOutcome outcome =
      filter_hosts(with_env({"constraint:storage==~ssd", "constraint:node==h9"}), hosts);
  EXPECT_TRUE(outcome.soft_dropped);
  EXPECT_EQ(no_host_text(outcome),
            "no host fits: h1: constraint node==h9 not met; h2: constraint node==h9 not met; "
            "h3: constraint node==h9 not met");
}

TEST(PlacementFilter, soft_rules_are_dropped_when_the_host_that_they_lead_to_refuses) {
  auto hosts = three_hosts();
  hosts[1].refusal = "memory: 1 GiB of 1 GiB are promised, 1 GiB more asked, overcommit 5 %";
  const FilterOutcome outcome = filter_hosts(with_env({"constraint:storage==~ssd"}), hosts);
  EXPECT_TRUE(outcome.soft_dropped);
  EXPECT_THAT(names(outcome, hosts), ElementsAre("h1", "h3"));
}

TEST(PlacementFilter, a_container_goes_where_those_are_that_it_depends_on) {
  const struct {
    const char* host_config;
    std::vector<std::string> fitting;
  } cases[] = {
      {R"({"NetworkMode":"container:web"})", {"h1"}},
      {R"({"NetworkMode":"container:h1/web"})", {"h1"}},
      {R"({"NetworkMode":"container:id-of-h1/web"})", {"h1"}},
      {R"({"IpcMode":"container:87c4376856a8"})", {"h1"}},
      {R"({"IpcMode":"container:8"})", {"h1"}},
      {R"({"VolumesFrom":["db:ro"]})", {"h2"}},
      {R"({"Links":["web:w"]})", {"h1"}},
      // A name counts before the beginning of an id.
      {R"({"VolumesFrom":["db"]})", {"h2"}},
      // The daemon says that there is none.
      {R"({"VolumesFrom":["nobody"]})", {"h1", "h2", "h3"}},
      {R"({"VolumesFrom":["h2/web"]})", {"h1", "h2", "h3"}},
      {R"({"VolumesFrom":["WEB"]})", {"h1", "h2", "h3"}},
  };
  for (const auto& one : cases) {
    const std::string body = std::string(R"({"HostConfig":)") + one.host_config + "}";
    EXPECT_EQ(fitting(rules_of(body)), one.fitting) << one.host_config;
  }
}

TEST(PlacementFilter, a_name_counts_before_the_beginning_of_an_id_on_another_host) {
  auto hosts = three_hosts();
  hosts[2].containers = {{"87c4" + std::string(60, '5'), {"/87c4376856a8"}, {}}};
  const auto rules = rules_of(R"({"HostConfig":{"VolumesFrom":["87c4376856a8"]}})");
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h3"));
}

TEST(PlacementFilter, dependencies_on_two_hosts_leave_none) {
  const auto hosts = three_hosts();
  const auto rules = rules_of(R"({"HostConfig":{"VolumesFrom":["web"],"Links":["db:d"]}})");
  EXPECT_EQ(no_host_text(filter_hosts(rules, hosts)),
            "no host fits: h1: container db is on h2; h2: container web is on h1; "
            "h3: container web is on h1");
}

TEST(PlacementFilter, a_dependency_on_a_host_that_takes_nothing_leaves_none) {
  auto hosts = three_hosts();
  hosts[0].in_pool = false;
  const auto rules = rules_of(R"({"HostConfig":{"VolumesFrom":["web"]}})");
  EXPECT_EQ(no_host_text(filter_hosts(rules, hosts)),
            "no host fits: h1: out of the pool; h2: container web is on h1; "
            "h3: container web is on h1");
}

TEST(PlacementFilter, links_on_a_network_of_ones_own_lead_and_do_not_bind) {
  const auto hosts = three_hosts();
  const auto to_one = rules_of(
      R"({"NetworkingConfig":{"EndpointsConfig":{"n":{"Links":["db:d","db:db_1","gone:g"]}}}})");
  EXPECT_THAT(names(filter_hosts(to_one, hosts), hosts), ElementsAre("h2"));
  const auto to_two =
      rules_of(R"({"NetworkingConfig":{"EndpointsConfig":{"n":{"Links":["db:d","web:w"]}}}})");
  const FilterOutcome outcome = filter_hosts(to_two, hosts);
  EXPECT_TRUE(outcome.soft_dropped);
  EXPECT_THAT(names(outcome, hosts), ElementsAre("h1", "h2", "h3"));
}

TEST(PlacementFilter, a_volume_on_one_host_only_pulls_the_container_there) {
  auto hosts = three_hosts();
  const auto rules = rules_of(R"({"HostConfig":{"Binds":["data:/data","logs:/logs"]}})");
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h1", "h2", "h3"));
  hosts[1].volumes = {"data", "other"};
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h2"));
  hosts[0].volumes = {"data"};
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h1", "h2", "h3"));
  hosts[2].volumes = {"logs"};
  EXPECT_THAT(names(filter_hosts(rules, hosts), hosts), ElementsAre("h3"));
  hosts[2].volumes = {"logs", "data"};
  hosts[2].daemon_up = false;
  EXPECT_EQ(no_host_text(filter_hosts(rules, hosts)),
            "no host fits: h1: volume logs is on h3 only; h2: volume logs is on h3 only; "
            "h3: daemon down");
}

TEST(PlacementFilter, says_what_has_to_be_known_of_hosts) {
  const struct {
    const char* body;
    bool containers, labels, images, volumes;
  } cases[] = {
      {R"({})", false, false, false, false},
      {R"({"Env":["constraint:node==h1","whitelist:node==h1"]})", false, false, false, false},
      {R"({"Env":["affinity:image==~redis"]})", false, false, true, false},
      {R"({"Env":["affinity:container!=web"]})", true, false, false, false},
      {R"({"Env":["affinity:tier==front"]})", true, true, false, false},
      {R"({"HostConfig":{"PidMode":"container:web"}})", true, false, false, false},
      {R"({"NetworkingConfig":{"EndpointsConfig":{"n":{"Links":["web"]}}}})", true, false, false,
       false},
      {R"({"HostConfig":{"Binds":["data:/data"]}})", false, false, false, true},
  };
  for (const auto& one : cases) {
    const CreateRules rules = rules_of(one.body);
    EXPECT_EQ(needs_containers(rules), one.containers) << one.body;
    EXPECT_EQ(needs_container_labels(rules), one.labels) << one.body;
    EXPECT_EQ(needs_images(rules), one.images) << one.body;
    EXPECT_EQ(needs_volumes(rules), one.volumes) << one.body;
  }
}

TEST(HasImage, finds_it_as_a_daemon_does) {
  const std::string digest = "@sha256:" + std::string(64, '3');
  const std::set<std::string> images{"sha256:06a1f75304ba" + std::string(52, '2'),
                                     "redis:latest",
                                     "redis:7",
                                     "redis" + digest,
                                     "repo:5000/team/mysql:8",
                                     "team/app:latest"};
  const struct {
    std::string reference;
    bool found;
  } cases[] = {
      {"redis", true},
      {"redis:latest", true},
      {"redis:7", true},
      {"redis:6", false},
      {"docker.io/library/redis", true},
      {"docker.io/redis:7", true},
      {"index.docker.io/team/app", true},
      {"library/redis:7", true},
      {"redis" + digest, true},
      {"redis:9" + digest, true},
      {"other" + digest, false},
      {"repo:5000/team/mysql", false},
      {"repo:5000/team/mysql:8", true},
      {"mysql", false},
      {"06a1f75304ba", true},
      {"06a1", true},
      {"sha256:06a1f75304ba" + std::string(52, '2'), true},
      {"sha256:06a1f", true},
      {"16a1f75304ba", false},
      {"ffff", false},
      {"sha256:", false},
      {"", false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(has_image(images, one.reference), one.found) << one.reference;
  }
}

}  // namespace
}  // namespace dockherd::engine_api
