#include "build/run/owner.h"

#include "base/number.h"
#include "base/text.h"
#include "hull/light/users.h"

namespace proa::build {

Result<Owner> find_owner(FdRef root, std::string_view text) {
  const auto [user, group] = split_once(text, ':');
  const Result<std::uint32_t> uid = parse_number<std::uint32_t>(user);
  const Result<std::uint32_t> gid = parse_number<std::uint32_t>(group.empty() ? user : group);
  if (uid.ok() && gid.ok()) return Owner{uid.value(), gid.value()};
  const hull::Accounts accounts = TRY(hull::read_accounts(root));
  const oci::runtime::User found = TRY(hull::find_user(accounts, text, {}));
  // A number without a group means the group of that number, whatever the account's is.
  if (uid.ok() && group.empty()) return Owner{uid.value(), uid.value()};
  return Owner{found.uid, found.gid};
}

}  // namespace proa::build
