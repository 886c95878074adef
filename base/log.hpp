// Named loggers. A line is a message, then key=value pairs; secrets never.
// error: a human must look. warn: we coped. info: members, start, stop, containers.
// debug: per message.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace dockherd {

using Logger = std::shared_ptr<spdlog::logger>;

// g++ 12 takes a scoped enumerator for one that hides nlohmann's json.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
enum class LogFormat { text, json };
#pragma GCC diagnostic pop

struct LogSettings {
  std::string level = "info";  ///< trace, debug, info, warn, error or off.
  LogFormat format = LogFormat::text;
};

/// Sets level and format of all loggers, present and future. Lines go to standard error.
/// Fails on an unknown level.
Result<void> configure_logging(const LogSettings& settings);

/// The logger of that name (one per folder: "bus", "http_api"); made at the first call.
Logger get_logger(std::string_view name);

/// Text from outside for a line of the log: quoted and escaped unless it is plain, and cut when it
/// has more bytes than that.
std::string loggable(std::string_view text, std::size_t most_bytes = 64);

/// A logger that drops everything, for tests.
Logger null_logger();

}  // namespace dockherd
