// Who a process is to be: names looked up in the workload's own /etc/passwd and /etc/group, which
// are foreign. Pure but for resolve_user, which opens them below the root.
//
// Spec: passwd(5), group(5); what docker makes of "name|uid[:name|gid]"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "oci/runtime/spec.h"

namespace proa::hull {

// The texts of both files; empty where a file is missing.
struct Accounts {
  std::string passwd;
  std::string group;
};
Result<Accounts> read_accounts(FdRef root);

// `user` is "name|uid[:name|gid]", "" is root; `groups` are further ones by name or number.
//
// Errors: invalid_argument (a name that is not in the files; worded as docker's)
Result<oci::runtime::User> find_user(const Accounts& accounts, std::string_view user,
                                     const std::vector<std::string>& groups);
// The name that the files give a user; its number where they give none.
std::string name_of_user(const Accounts& accounts, std::uint32_t uid);

}  // namespace proa::hull
