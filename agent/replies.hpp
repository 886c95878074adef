// The JSON answers of the verbs: DockerMod's envelope and lists of envelopes. Pure: values in, text
// out. Bodies that a daemon wrote are put in as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "docker_client/docker.hpp"
#include "http_api/cluster_api.hpp"

namespace dockherd::agent {

using http_api::VerbReply;

/// A daemon's status as an HTTP status of ours: 200 for what succeeded (201, 204 and 304 included).
int client_status(int docker_status);

/// {"statusCode", "dockerInstance", "Response": {"Body": JSON or text, and Docker's headers}}, and
/// with a status from 400 also "error" (Docker's message) and "code".
std::string docker_envelope(std::string_view hostname,
                            const docker_client::DockerResponse& response);

/// What a daemon answers to a create, for a container that was there already.
docker_client::DockerResponse created_response(const std::string& id);

/// The envelope as a reply, with the HTTP status that goes with it.
VerbReply docker_reply(std::string_view hostname, const docker_client::DockerResponse& response);

/// {"statusCode", "dockerInstance", "error", "code", …}: an envelope for what no daemon answered.
std::string error_envelope(const Error& error);

/// A failure as an envelope: with `statusCode` and `dockerInstance`, where it has none of its own.
/// An empty `hostname` adds none.
std::string with_envelope(const VerbReply& failure, std::string_view hostname);

/// An envelope around a JSON body of ours.
std::string body_envelope(std::string_view hostname, std::string_view json_body);

/// `object` (a JSON object's text) with members before its own. `members` is JSON text without
/// braces, as in "\"id\":\"x\"".
std::string with_members(std::string_view object, std::string_view members);

/// The object with the text of its member `error` replaced, everything else as it is.
std::string with_error(std::string_view object, std::string_view error);

/// A list of objects with `dockerInstance` put into each; as it is when it is not such a list.
std::string with_instance(std::string_view json_list, std::string_view hostname);

/// "[a,b,c]".
std::string json_array(const std::vector<std::string>& items);

/// What came of the items of a bulk; asked = created + failed + unknown.
struct Summary {
  std::uint32_t asked = 0;
  std::uint32_t created = 0;
  std::uint32_t failed = 0;
  std::uint32_t unknown = 0;
};

/// Counts one answer as created (or otherwise succeeded), failed, or unknown where `code` does not
/// prove that nothing was changed. `asked` is the caller's.
void count(const VerbReply& reply, Summary& summary);

/// The `code` of an answer that is not 200; nothing when it has none that we know.
std::optional<errc> code_of(std::string_view body);

/// 200 when all succeeded, 207 in part; when none did, the status of `first_failure`.
int summary_status(const Summary& summary, int first_failure);

/// {"asked", SUCCEEDED, "failed", "unknown"}, where SUCCEEDED is the name of the good ones.
std::string encode_summary(const Summary& summary, std::string_view succeeded);

}  // namespace dockherd::agent
