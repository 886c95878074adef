#include "tests/sim/checkers.hpp"

#include <algorithm>

#include "base/json_reader.hpp"

namespace dockherd::sim {

using namespace std::chrono_literals;

namespace {

std::string title(const VerbRecord& record) {
  return "verb " + std::to_string(record.number) + " (" + record.action + " at host" +
         std::to_string(record.host) + ", " +
         std::to_string(record.issued.time_since_epoch() / 1ms) + " ms)";
}

struct Account {
  std::int64_t asked = 0, created = 0, failed = 0, unknown = 0;
  std::vector<std::string> ids;  // Of those created.
};

/// The id in one envelope of a create.
std::string id_of(const json& envelope) {
  if (!envelope.is_object() || !envelope.contains("Response")) return {};
  const json& response = envelope["Response"];
  if (!response.is_object() || !response.contains("Body")) return {};
  const json& body = response["Body"];
  return body.is_object() ? body.value("Id", "") : "";
}

bool made_one(const json& envelope) {
  const int status = envelope.is_object() ? envelope.value("statusCode", 0) : 0;
  return status >= 200 && status < 400;
}

/// Errors that leave open whether a single create was done.
bool in_doubt(const json& envelope) {
  const std::string code = envelope.is_object() ? envelope.value("code", "") : "";
  return code == "daemon_lost" || code == "peer_lost" || code == "timeout" || code == "canceled" ||
         code == "internal";
}

Account read_single(const json& reply) {
  Account account;
  account.asked = 1;
  if (made_one(reply)) {
    account.created = 1;
    account.ids.push_back(id_of(reply));
  } else if (in_doubt(reply)) {
    account.unknown = 1;
  } else {
    account.failed = 1;
  }
  return account;
}

Account read_bulk(const json& reply) {
  Account account;
  const json& summary = reply["summary"];
  account.asked = summary.value("asked", std::int64_t{0});
  account.created = summary.value("created", std::int64_t{0});
  account.failed = summary.value("failed", std::int64_t{0});
  account.unknown = summary.value("unknown", std::int64_t{0});
  for (const json& envelope : reply.value("containers", json::array())) {
    if (made_one(envelope)) account.ids.push_back(id_of(envelope));
  }
  return account;
}

/// The most that existed at the same time.
int peak_of(const std::vector<MadeContainer>& made) {
  int peak = 0;
  for (const MadeContainer& at : made) {
    const auto exists = [&](const auto& c) { return c.made <= at.made && at.made < c.gone; };
    peak = std::max(peak, static_cast<int>(std::count_if(made.begin(), made.end(), exists)));
  }
  return peak;
}

void check_account(const VerbRecord& record, const Account& account,
                   const std::vector<MadeContainer>& made, Complaints& complaints) {
  const auto complain = [&](const std::string& what) {
    complaints.push_back(title(record) + ": " + what + " in " + record.body.substr(0, 1500));
  };
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  if (account.asked != record.asked) complain("asked is not " + text(record.asked));
  if (account.created + account.failed + account.unknown != account.asked) {
    complain("created + failed + unknown is not asked");
  }
  const std::set<std::string> reported(account.ids.begin(), account.ids.end());
  if (std::ssize(reported) != account.created) {
    complain(text(account.created) + " created, but " + text(std::ssize(reported)) + " ids");
  }
  std::set<std::string> ever;
  std::int64_t kept = 0;
  for (const MadeContainer& container : made) {
    ever.insert(container.id);
    if (reported.contains(container.id) || container.gone > record.answered) ++kept;
  }
  if (kept > account.created + account.unknown) {
    complain(text(kept) + " made, more than created and unknown");
  }
  for (const std::string& id : reported) {
    if (!ever.contains(id)) complain("reported as created, but never made: " + id);
  }
}

}  // namespace

Complaints check_answers(const Records& records) {
  Complaints complaints;
  for (const VerbRecord& record : records) {
    if (!record.exception.empty())
      complaints.push_back(title(record) + " threw " + record.exception);
    if (record.answers > 1) complaints.push_back(title(record) + " was answered more than once");
    if (record.node_ended) continue;
    if (record.answers == 0) {
      complaints.push_back(title(record) + " was never answered: " + record.request);
    } else if (record.answered > record.due) {
      complaints.push_back(
          title(record) + " was answered " + std::to_string((record.answered - record.due) / 1ms) +
          " ms after its deadline: " + record.request + " -> " + record.body.substr(0, 300));
    }
  }
  return complaints;
}

Complaints check_accounts(const Records& records, const MadeByVerb& made) {
  Complaints complaints;
  static const std::vector<MadeContainer> none;
  for (const VerbRecord& record : records) {
    if (record.asked == 0 || record.repeats != 0) continue;
    const auto found = made.find(std::to_string(record.number));
    const auto& mine = found == made.end() ? none : found->second;
    if (peak_of(mine) > record.asked) {
      complaints.push_back(title(record) + ": " + std::to_string(peak_of(mine)) +
                           " at the same time, asked " + std::to_string(record.asked));
    }
    if (record.answers == 0) continue;
    const auto reply = parse_json(record.body);
    if (!reply || !reply->is_object()) {
      complaints.push_back(title(record) + ": answer is not a JSON object");
      continue;
    }
    const bool bulk = reply->contains("summary");
    check_account(record, bulk ? read_bulk(*reply) : read_single(*reply), mine, complaints);
  }
  return complaints;
}

Complaints check_once(const Records& records, const MadeByVerb& made) {
  Complaints complaints;
  static const std::vector<MadeContainer> none;
  for (const VerbRecord& record : records) {
    if (record.repeats == 0) continue;
    const auto found = made.find(std::to_string(record.repeats));
    const auto& mine = found == made.end() ? none : found->second;
    if (record.repeats == record.number && peak_of(mine) > record.asked) {
      complaints.push_back(title(record) + ": " + std::to_string(peak_of(mine)) +
                           " at the same time under one key, asked " +
                           std::to_string(record.asked));
    }
    if (record.answers == 0) continue;
    const auto reply = parse_json(record.body);
    if (!reply || !reply->is_object()) {
      complaints.push_back(title(record) + ": answer is not a JSON object");
      continue;
    }
    const Account account = reply->contains("summary") ? read_bulk(*reply) : read_single(*reply);
    std::set<std::string> ever;
    for (const MadeContainer& container : mine) ever.insert(container.id);
    for (const std::string& id : account.ids) {
      if (!ever.contains(id)) {
        complaints.push_back(title(record) + ": reported, but not made under its key: " + id);
      }
    }
  }
  return complaints;
}

Complaints check_completed(const Records& records) {
  Complaints complaints;
  for (const VerbRecord& record : records) {
    if (record.status != 200) {
      complaints.push_back(title(record) + " was repeated on a calm herd and answered with " +
                           std::to_string(record.status) + " " + record.body.substr(0, 300));
    }
  }
  return complaints;
}

Complaints check_directories(const Directory& truth,
                             const std::map<std::string, Directory>& directories) {
  Complaints complaints;
  for (const auto& [hostname, directory] : directories) {
    for (const auto& [id, owner] : truth) {
      const auto found = directory.find(id);
      if (found == directory.end()) {
        complaints.push_back(hostname + " does not know container " + id.substr(0, 12) + " of " +
                             owner.short_hex());
      } else if (found->second != owner) {
        complaints.push_back(hostname + " takes " + found->second.short_hex() +
                             " for the owner of " + id.substr(0, 12) + ", which is " +
                             owner.short_hex());
      }
    }
    for (const auto& [id, owner] : directory) {
      if (truth.contains(id)) continue;
      complaints.push_back(hostname + " knows container " + id.substr(0, 12) + " of " +
                           owner.short_hex() + ", which no daemon has");
    }
  }
  return complaints;
}

Complaints check_collisions(const Collisions& truth,
                            const std::map<std::string, Collisions>& views) {
  Complaints complaints;
  for (const auto& [hostname, shown] : views) {
    for (const auto& [name, ids] : truth) {
      const auto found = shown.find(name);
      if (found == shown.end()) {
        complaints.push_back(hostname + " does not show that several hosts have the name " + name);
      } else if (found->second != ids) {
        complaints.push_back(hostname + " shows others than those that have the name " + name);
      }
    }
    for (const auto& [name, ids] : shown) {
      if (truth.contains(name)) continue;
      complaints.push_back(hostname + " shows the name " + name + ", which is not on two hosts");
    }
  }
  return complaints;
}

Complaints check_membership(const std::set<NodeId>& living,
                            const std::map<std::string, std::set<NodeId>>& views) {
  Complaints complaints;
  for (const auto& [hostname, view] : views) {
    for (const NodeId& id : living) {
      if (!view.contains(id)) {
        complaints.push_back(hostname + " does not see the living node " + id.short_hex());
      }
    }
    for (const NodeId& id : view) {
      if (!living.contains(id)) {
        complaints.push_back(hostname + " sees the ended node " + id.short_hex());
      }
    }
  }
  return complaints;
}

Complaints check_endpoints(const Directory& truth, const std::map<std::string, Endpoints>& views) {
  Complaints complaints;
  for (const auto& [hostname, endpoints] : views) {
    const auto complain = [&, at = hostname](const std::string& id, const std::string& what) {
      complaints.push_back(at + ": the endpoint of container " + id.substr(0, 12) + " " + what);
    };
    for (const auto& [id, owner] : truth) {
      const auto found = endpoints.find(id);
      if (found == endpoints.end() || found->second.empty()) {
        complain(id, "has no member");
      } else if (found->second != std::vector<NodeId>{owner}) {
        complain(id, "has others than " + owner.short_hex() + " for members");
      }
    }
    for (const auto& [id, members] : endpoints) {
      if (!members.empty() && !truth.contains(id)) complain(id, "has a member, but is gone");
    }
  }
  return complaints;
}

Complaints check_pool_views(const std::map<std::string, std::string>& states,
                            const std::map<std::string, std::string>& answers) {
  Complaints complaints;
  for (const auto& [asked, answer] : answers) {
    const auto reply = parse_json(answer);
    const json* nodes = nullptr;
    if (reply && reply->is_object() && reply->contains("nodes")) nodes = &(*reply)["nodes"];
    if (nodes == nullptr || !nodes->is_array()) {
      complaints.push_back(asked + " answers list-nodes with " + answer.substr(0, 200));
      continue;
    }
    std::map<std::string, std::string> view;
    for (const json& node : *nodes) view[node.value("hostname", "")] = node.value("state", "");
    if (view == states && nodes->size() == states.size()) continue;
    complaints.push_back(asked + " sees the pool as " + dump_json(view) + ", which is " +
                         dump_json(states));
  }
  return complaints;
}

Complaints check_left_out(const std::string& hostname,
                          const std::map<std::string, std::size_t>& shares) {
  const auto found = shares.find(hostname);
  if (found == shares.end() || found->second == 0) return {};
  return {hostname + " is out of the pool and got containers: " + dump_json(shares)};
}

Complaints check_successes(const Records& records) {
  Complaints complaints;
  for (const VerbRecord& record : records) {
    if (record.status == 200) continue;
    complaints.push_back(title(record) + " got " + std::to_string(record.status) +
                         " on a calm herd: " + record.request + " -> " +
                         record.body.substr(0, 500));
  }
  return complaints;
}

Complaints check_inspection(const VerbRecord& record, const std::string& id) {
  Complaints complaints = check_successes({record});
  if (!complaints.empty()) return complaints;
  const auto reply = parse_json(record.body);
  if (reply && id_of(*reply) == id) return {};
  return {title(record) + " was not about " + id.substr(0, 12) + ": " + record.request + " -> " +
          record.body.substr(0, 500)};
}

Complaints check_deletion(const VerbRecord& record, const std::string& id, const Directory& truth) {
  Complaints complaints = check_successes({record});
  if (truth.contains(id)) {
    complaints.push_back(title(record) + " left " + id.substr(0, 12) +
                         " where it was: " + record.request + " -> " + record.body.substr(0, 500));
  }
  return complaints;
}

Complaints check_list(const VerbRecord& record, const Directory& truth) {
  Complaints complaints = check_successes({record});
  if (!complaints.empty()) return complaints;
  const auto reply = parse_json(record.body);
  std::map<std::string, int> listed;
  if (reply) {
    const json list = reply->value(json::json_pointer("/Response/Body"), json::array());
    for (const json& entry : list) ++listed[entry.value("Id", "")];
  }
  for (const auto& [id, owner] : truth) {
    if (listed[id] == 1) continue;
    complaints.push_back(title(record) + " has container " + id.substr(0, 12) + " " +
                         std::to_string(listed[id]) + " times");
  }
  for (const auto& [id, times] : listed) {
    if (truth.contains(id)) continue;
    complaints.push_back(title(record) + " has container " + id.substr(0, 12) +
                         ", which no daemon has");
  }
  return complaints;
}

Complaints check_sends(const std::vector<std::string>& sends_to_lost_peers) {
  return sends_to_lost_peers;
}

Complaints check_balance(const std::map<std::string, std::size_t>& counts) {
  if (counts.empty()) return {};
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [low, high] = std::minmax_element(counts.begin(), counts.end(), less);
  if (high->second - low->second <= 1) return {};
  return {"counts differ by more than one: " + dump_json(counts)};
}

Complaints check_shares(int verb, int asked, const std::map<std::string, std::size_t>& shares) {
  const auto hosts = static_cast<int>(shares.size());
  for (const auto& [hostname, share] : shares) {
    const auto count = static_cast<int>(share);
    if (count == asked / hosts || count == (asked + hosts - 1) / hosts) continue;
    return {"bulk " + std::to_string(verb) + " of " + std::to_string(asked) +
            " is spread unevenly: " + dump_json(shares)};
  }
  return {};
}

}  // namespace dockherd::sim
