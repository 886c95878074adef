#include "base/error.hpp"

#include <stdexcept>

namespace dockherd {

std::string_view to_string(errc code) {
  switch (code) {
    case errc::bad_request:
      return "bad_request";
    case errc::not_found:
      return "not_found";
    case errc::ambiguous:
      return "ambiguous";
    case errc::too_large:
      return "too_large";
    case errc::docker_refused:
      return "docker_refused";
    case errc::daemon_down:
      return "daemon_down";
    case errc::daemon_lost:
      return "daemon_lost";
    case errc::declined:
      return "declined";
    case errc::not_sent:
      return "not_sent";
    case errc::peer_lost:
      return "peer_lost";
    case errc::timeout:
      return "timeout";
    case errc::not_begun:
      return "not_begun";
    case errc::image_pulling:
      return "image_pulling";
    case errc::busy:
      return "busy";
    case errc::canceled:
      return "canceled";
    case errc::bad_config:
      return "bad_config";
    case errc::internal:
      return "internal";
  }
  return "unknown";
}

std::optional<errc> errc_from_string(std::string_view name) {
  for (int value = 0; value <= static_cast<int>(errc::internal); ++value) {
    const auto code = static_cast<errc>(value);
    if (to_string(code) == name) return code;
  }
  return std::nullopt;
}

bool nothing_was_changed(errc code) {
  switch (code) {
    case errc::daemon_lost:
    case errc::peer_lost:
    case errc::timeout:
    case errc::canceled:
    case errc::internal:
      return false;
    default:
      return true;
  }
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error(std::string("value() of an error at ") + where.file_name() + ":" +
                         std::to_string(where.line()) + ": " + error.message);
}

}  // namespace dockherd
