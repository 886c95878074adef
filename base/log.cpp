#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dockherd {

namespace {

/// One JSON object a line: time, level, logger, message. dump() escapes whatever the message holds.
class JsonMessageFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const nlohmann::json text(std::string(message.payload.data(), message.payload.size()));
    const std::string quoted = text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessageFlag>();
  }
};

struct LogState {
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  spdlog::level::level_enum level = spdlog::level::info;
  std::vector<Logger> loggers;
};

LogState& state() {
  static LogState instance;
  return instance;
}

}  // namespace

Result<void> configure_logging(const LogSettings& settings) {
  const auto level = spdlog::level::from_str(settings.level);
  if (level == spdlog::level::off && settings.level != "off") {
    return Error(errc::bad_config, "unknown log level '" + settings.level +
                                       "', expected trace, debug, info, warn, error or off");
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (settings.format == LogFormat::json) {
    formatter->add_flag<JsonMessageFlag>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","logger":"%n","message":%*})");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %-5l %n: %v");
  }
  state().sink->set_formatter(std::move(formatter));
  state().level = level;
  for (const Logger& logger : state().loggers) logger->set_level(level);
  return {};
}

Logger get_logger(std::string_view name) {
  for (const Logger& logger : state().loggers) {
    if (logger->name() == name) return logger;
  }
  auto logger = std::make_shared<spdlog::logger>(std::string(name), state().sink);
  logger->set_level(state().level);
  logger->flush_on(spdlog::level::warn);
  state().loggers.push_back(logger);
  return logger;
}

std::string loggable(std::string_view text, std::size_t most_bytes) {
  const auto plain = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!text.empty() && text.size() <= most_bytes && std::all_of(text.begin(), text.end(), plain)) {
    return std::string(text);
  }
  const nlohmann::json cut(std::string(text.substr(0, most_bytes)));
  return cut.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
         (text.size() > most_bytes ? "..." : "");
}

Logger null_logger() {
  static const Logger logger =
      std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_st>());
  return logger;
}

}  // namespace dockherd
