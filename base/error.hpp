// What can go wrong, and what it means for the caller. Must not know who raises which error.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dockherd {

/// Each value says who is at fault and whether anything may have been changed by the failed call.
enum class errc {
  bad_request,     ///< Caller: the request is not understood. Nothing was changed.
  not_found,       ///< Caller: no such container, node or template. Nothing was changed.
  ambiguous,       ///< Caller: a prefix or name fits several. Nothing was changed.
  too_large,       ///< Caller: over a size limit. Nothing was changed.
  docker_refused,  ///< A daemon answered with an error status (`docker_status`). Nothing was
                   ///< changed.
  daemon_down,     ///< A daemon could not be reached. Nothing was changed.
  daemon_lost,     ///< A daemon broke the connection before answering, or its answer is not
                   ///< understood. May have been changed.
  declined,        ///< A peer did not take the task (pool, stale count). Nothing was changed.
  not_sent,        ///< A peer could not be reached; the request never left. Nothing was changed.
  peer_lost,       ///< A peer was lost before it answered. May have been changed.
  timeout,         ///< The deadline passed before an answer. May have been changed.
  not_begun,       ///< The deadline passed before the task was begun. Nothing was changed.
  image_pulling,   ///< The image of a create is still being pulled. Nothing was created.
  busy,            ///< A bound of ours was reached. Nothing was changed.
  canceled,        ///< We are stopping. May have been changed.
  bad_config,      ///< A configuration file is wrong. We did not start.
  internal,        ///< Our own fault. May have been changed.
};

/// The name of the value, as it appears in logs ("daemon_down").
std::string_view to_string(errc code);

/// The value of that name, or nothing.
std::optional<errc> errc_from_string(std::string_view name);

/// True when the error proves that the failed call changed nothing, so that repeating it elsewhere
/// is safe.
bool nothing_was_changed(errc code);

struct Error {
  Error() : code(errc::internal) {}  ///< Needed by boost::system::result only.
  Error(errc error_code, std::string text) : code(error_code), message(std::move(text)) {}

  Error&& at_node(std::string hostname) && {
    node = std::move(hostname);
    return std::move(*this);
  }
  Error&& at_field(std::string name) && {
    field = std::move(name);
    return std::move(*this);
  }

  errc code;
  std::string message;    ///< A sentence for a person; never parsed.
  std::string field;      ///< The request's field at fault, if one is.
  std::string node;       ///< The hostname concerned, if one is.
  int docker_status = 0;  ///< The daemon's HTTP status, with errc::docker_refused.
};

template <typename T>
using Result = boost::system::result<T, Error>;

/// Found by boost::system::result when value() is called on an error: our own broken invariant.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

}  // namespace dockherd
