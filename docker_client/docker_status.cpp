#include "docker_client/docker_status.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace dockherd::docker_client {

namespace {

std::string counted(long long count, const char* unit) {
  return std::to_string(count) + " " + unit;
}

bool is_never(WallTime time) {
  return time <= WallTime();
}

/// Takes `digits` digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  const auto end = text.data() + digits;
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end || number < 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// ".123456789", of any length, as nanoseconds.
std::chrono::nanoseconds take_fraction(std::string_view& text) {
  if (!take(text, '.')) return std::chrono::nanoseconds(0);
  std::int64_t nano = 0;
  std::int64_t unit = 100'000'000;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    nano += unit * (text.front() - '0');
    unit /= 10;
  }
  return std::chrono::nanoseconds(nano);
}

/// "Z", "+02:00" or "-05:30".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z')) return std::chrono::minutes(0);
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return west ? -offset : offset;
}

}  // namespace

std::string human_duration(std::chrono::nanoseconds duration) {
  const long long seconds =
      std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return counted(seconds, "seconds");
  const long long minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return counted(minutes, "minutes");
  // Hours round to the nearest, all larger units down.
  const long long hours = (seconds + 1800) / 3600;
  if (hours == 1) return "About an hour";
  if (hours < 48) return counted(hours, "hours");
  constexpr long long day = 24;
  if (hours < day * 7 * 2) return counted(hours / day, "days");
  if (hours < day * 30 * 2) return counted(hours / day / 7, "weeks");
  if (hours < day * 365 * 2) return counted(hours / day / 30, "months");
  return counted(seconds / 3600 / day / 365, "years");
}

WallTime parse_docker_time(std::string_view text) {
  using namespace std::chrono;
  std::optional<int> parts[6];
  const std::size_t digits[6] = {4, 2, 2, 2, 2, 2};
  const char after[6] = {'-', '-', 'T', ':', ':', '\0'};
  for (std::size_t part = 0; part < 6; ++part) {
    parts[part] = take_number(text, digits[part]);
    if (!parts[part] || (after[part] != '\0' && !take(text, after[part]))) return {};
  }
  const nanoseconds fraction = take_fraction(text);
  const auto offset = take_offset(text);
  const year_month_day date{year{*parts[0]}, month{static_cast<unsigned>(*parts[1])},
                            day{static_cast<unsigned>(*parts[2])}};
  // What nanoseconds in 64 bits can hold ends in April 2262.
  const bool in_range = date.year() >= year(1970) && date.year() < year(2262);
  if (!offset || !text.empty() || !date.ok() || !in_range) return {};
  const auto exact = sys_days(date) + hours(*parts[3]) + minutes(*parts[4]) + seconds(*parts[5]) +
                     fraction - *offset;
  return time_point_cast<WallTime::duration>(exact);
}

std::string status_text(const ContainerStatus& status, WallTime now) {
  const auto since = [now](WallTime then) { return human_duration(now - then); };
  const std::string code = "(" + std::to_string(status.exit_code) + ") ";
  if (status.state == "paused") return "Up " + since(status.started) + " (Paused)";
  if (status.state == "restarting") return "Restarting " + code + since(status.finished) + " ago";
  if (status.state == "running") {
    std::string up = "Up " + since(status.started);
    if (status.health.empty() || status.health == "none") return up;
    return up + " (" + (status.health == "starting" ? "health: starting" : status.health) + ")";
  }
  if (status.state == "removing") return "Removal In Progress";
  if (status.state == "dead") return "Dead";
  if (is_never(status.started)) return "Created";
  if (is_never(status.finished)) return "";
  return "Exited " + code + since(status.finished) + " ago";
}

}  // namespace dockherd::docker_client
