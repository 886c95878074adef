// The members of one object of Docker's, looked up as dockerd does: in any case of their letters.
// Unlike there, one that is given twice or is not listed is refused, so that what has been judged
// is what a daemon reads. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::trust {

/// What may be said of one member: nothing when it is fine, else why not. Called with the place
/// ("HostConfig.Binds") and the value, which is not null.
using Judge = std::function<Result<void>(const std::string& place, const json& value)>;

struct Member {
  std::string_view name;
  Judge judge;  ///< Empty: harmless, whatever it is.
};

/// Judges every member of `object`; one that is null is as if it were not there. `where` is the
/// place of the object with its dot, or empty.
Result<void> judge_members(const json& object, const std::string& where,
                           const std::vector<Member>& known);

/// 403, with the field.
Error refused(const std::string& place, const std::string& why);

}  // namespace dockherd::trust
