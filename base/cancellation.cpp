#include "base/cancellation.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/system/system_error.hpp>

namespace dockherd {

bool is_cancellation(const boost::system::error_code& code) {
  return code == boost::asio::error::operation_aborted ||
         code == boost::asio::experimental::error::channel_cancelled;
}

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return is_cancellation(error.code());
  } catch (...) {
    return false;
  }
}

}  // namespace dockherd
