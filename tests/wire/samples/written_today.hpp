// One message of each kind that this source tree's agents write, for the samples of its release and
// for comparison with those of earlier ones.
#pragma once

#include "tests/wire/samples/sample_files.hpp"

namespace dockherd::wire {

/// The same each time: virtual time, fixed seeds.
Samples written_today();

}  // namespace dockherd::wire
