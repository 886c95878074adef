// How it looks when a coroutine ends because it was cancelled. Must not know what was waited for.
#pragma once

#include <boost/system/error_code.hpp>
#include <exception>

namespace dockherd {

/// Timers and sockets say operation_aborted, channels a word of their own.
bool is_cancellation(const boost::system::error_code& code);

/// The same of what a coroutine has thrown.
bool is_cancellation(const std::exception_ptr& failure);

}  // namespace dockherd
