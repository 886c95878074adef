// What daemons answer may be cut off, garbled or from a version that nobody knows. Nothing of it
// may throw, and what is made of it is JSON.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/json_reader.hpp"
#include "engine_api/container_view.hpp"
#include "engine_api/event_merge.hpp"
#include "engine_api/merge_images.hpp"
#include "engine_api/merge_info.hpp"
#include "engine_api/merge_networks.hpp"
#include "engine_api/merge_prune.hpp"
#include "engine_api/merge_version.hpp"
#include "engine_api/merge_volumes.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/progress_lines.hpp"

namespace dockherd::engine_api {
namespace {

const std::vector<std::string>& good_answers() {
  static const std::vector<std::string> answers = {
      R"([{"Containers":2,"Created":17,"Id":"sha256:81","RepoDigests":null,"RepoTags":["b:1"],"Size":9}])",
      R"([{"Name":"n1","Id":"cd","Scope":"local","Containers":{},"Labels":{"a":"b"}}])",
      R"({"Name":"n1","Id":"cd","Scope":"local","Containers":{"69":{"Name":"db"}},"Labels":{}})",
      R"({"Volumes":[{"Name":"v","Labels":null,"UsageData":{"RefCount":1,"Size":-1}}],"Warnings":["w"]})",
      R"({"ContainersDeleted":["98"],"SpaceReclaimed":5})",
      R"({"LayersSize":1,"Images":[{"Id":"a","Size":1}],"Containers":[{"Id":"1","Names":["/a"]}]})",
      R"({"ID":"x","Containers":3,"Plugins":{"Log":["a"]},"Driver":"o","Labels":["a=b"],"Warnings":null})",
      R"({"Components":[{"Name":"Engine","Details":{"Os":"l"}}],"Version":"20.10","ApiVersion":"1.41"})",
      R"({"Type":"container","Action":"start","Actor":{"ID":"6","Attributes":{"a":"b"}},"timeNano":17})",
      R"({"status":"Downloading","progressDetail":{"current":1},"id":"ab"})",
      R"({"errorDetail":{"code":1,"message":"no"},"error":"no"})",
      R"({"Id":"1","Name":"/a","NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"::","HostPort":"8"}]}}})",
      R"([{"Id":"1","Names":["/a"],"Created":5,"Ports":[{"IP":"0.0.0.0"}],"Labels":{"a":"b"}}])",
  };
  return answers;
}

NodeView plain_h1() {
  NodeView node;
  node.name = "h1";
  node.ip = "10.0.0.11";
  return node;
}

/// Everything that answers what it was told with JSON of its own.
const std::vector<std::function<std::string(const std::string&)>>& readers() {
  using Answers = std::vector<HostAnswer>;
  const auto beside_a_good_one = [](const std::string& body, auto merge) {
    const Answers answers = {{"h1", 200, body}, {"h2", 200, body}};
    return merge(std::span<const HostAnswer>(answers)).body;
  };
  static const std::vector<std::function<std::string(const std::string&)>> list = {
      [=](const std::string& body) { return beside_a_good_one(body, merge_images); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_image_deletes); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_networks); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_network_inspections); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_volumes); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_volume_inspections); },
      [=](const std::string& body) { return beside_a_good_one(body, merge_prunes); },
      [=](const std::string& body) {
        return beside_a_good_one(body, [](std::span<const HostAnswer> answers) {
          return merge_disk_usages(answers, std::vector<NodeView>{plain_h1()},
                                   NameStyle::node_prefixed);
        });
      },
      [=](const std::string& body) {
        return beside_a_good_one(
            body, [](std::span<const HostAnswer> answers) { return merge_version(answers, {}); });
      },
      [](const std::string& body) {
        std::vector<NodeInfo> nodes(2);
        for (NodeInfo& node : nodes) {
          node.status = NodeInfo::Status::healthy;
          node.info = body;
        }
        return merge_info(nodes, {}).body;
      },
      [](const std::string& body) {
        const std::string told = herd_event(body, plain_h1());
        return told.empty() ? "null" : told;
      },
      [](const std::string& body) {
        ProgressRelabel progress("h1");
        std::string lines = progress.feed(body + "\n");
        return lines.empty() ? "null" : lines.substr(0, lines.find('\n'));
      },
  };
  return list;
}

/// One byte changed, taken out or doubled, or the end cut off.
std::string garbled(std::string text, std::mt19937& random) {
  constexpr std::string_view bytes = "{}[]\",:0-9\\\xff n";
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  const std::size_t at = below(text.size());
  switch (below(4)) {
    case 0:
      text[at] = bytes[below(bytes.size())];
      break;
    case 1:
      text.erase(at, 1 + below(8));
      break;
    case 2:
      text.insert(at, text, below(text.size()), 1 + below(20));
      break;
    default:
      text.resize(at);
  }
  return text;
}

TEST(GarbledAnswers, throw_nothing_and_make_no_broken_json) {
  std::mt19937 random(20'240'601);
  for (int round = 0; round < 200; ++round) {
    for (const std::string& good : good_answers()) {
      const std::string body = garbled(good, random);
      for (std::size_t reader = 0; reader < readers().size(); ++reader) {
        const std::string answer = readers()[reader](body);
        // An error of a daemon passes as it is, but there was none.
        EXPECT_TRUE(is_json(answer))
            << "reader " << reader << " of " << body << "\ngave " << answer;
      }
    }
  }
}

TEST(GarbledAnswers, that_are_passed_on_unparsed_throw_nothing) {
  std::mt19937 random(20'240'602);
  for (int round = 0; round < 500; ++round) {
    for (const std::string& good : good_answers()) {
      const std::string body = garbled(good, random);
      const std::string entry = herd_list_entry(body, plain_h1(), NameStyle::node_prefixed);
      const std::string inspection = herd_inspection(body, plain_h1());
      created_of(body);
      const std::vector<ListOfHost> lists = {{"h1", body}, {"h2", "[]"}};
      const std::string list = merge_lists(lists, std::nullopt).body;
      if (!is_json(body)) continue;
      EXPECT_TRUE(is_json(entry)) << body;
      EXPECT_TRUE(is_json(inspection)) << body;
      EXPECT_TRUE(is_json(list)) << body;
    }
  }
}

}  // namespace
}  // namespace dockherd::engine_api
