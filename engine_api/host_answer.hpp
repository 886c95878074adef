// What the hosts answered to one call, and the one answer made of it. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dockherd::engine_api {

/// One host's HTTP answer. Whoever gathers them sorts them by hostname.
struct HostAnswer {
  std::string hostname;
  int status = 0;
  std::string body;
};

/// The herd's answer. Hosts that failed, or said what is not understood, are in `left_out`: the
/// caller names them in a Warning header.
struct Merged {
  int status = 200;
  std::string body;
  std::vector<std::string> left_out;
};

/// Gives each answer of 2xx to `take`, which says whether it understood it, and returns the names
/// of the other hosts. With `may_lack_it` a 404 is no failure: the host just does not have the
/// thing.
enum class NotFound { is_a_failure, may_lack_it };
std::vector<std::string> take_good_answers(std::span<const HostAnswer> answers, NotFound not_found,
                                           const std::function<bool(const HostAnswer&)>& take);

/// When no answer could be used: the first failure as its host worded it (one that is not a 404 if
/// there is such a one, for that host may have the thing), a 502 when the hosts are not understood,
/// a 503 when there are none.
Merged nothing_merged(std::span<const HostAnswer> answers);

/// The same for a thing that each host may have or lack: a 404 as soon as one host lacks it, though
/// others that failed may have it. They are left out; or a daemon that is down would keep clients
/// from making what they look for first.
Merged nothing_found(std::span<const HostAnswer> answers);

/// A daemon's "Warnings" as JSON strings, each with its host's name before it: "h1: …".
std::vector<std::string> named_warnings(const std::string& hostname, std::string_view warnings);

/// The body as dockerd ends it, with a line end.
Merged merged_into(std::string body, std::vector<std::string> left_out);

}  // namespace dockherd::engine_api
