#include "hull/light/users.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "base/number.h"
#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

constexpr std::size_t kMaxFile = std::size_t{4} << 20;
constexpr std::size_t kMaxGroups = 65536;  // the kernel's NGROUPS_MAX

using Fields = std::vector<std::string_view>;

// Calls `see` with the fields of each line until it gives true; comments and blanks are no lines.
template <typename See>
void each_line(std::string_view text, std::size_t least_fields, See see) {
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const Fields fields = split(line, ':');
    if (fields.size() >= least_fields && see(fields)) return;
  }
}

std::optional<std::uint32_t> number_in(std::string_view text) {
  const Result<std::uint32_t> number = parse_number<std::uint32_t>(text);
  // The last one means "unchanged" to the kernel and is nobody's.
  if (!number.ok() || number.value() == UINT32_MAX) return std::nullopt;
  return number.value();
}

struct Account {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

std::optional<Account> find_account(std::string_view passwd, std::string_view who) {
  const auto by_number = number_in(who);
  std::optional<Account> found;
  each_line(passwd, 4, [&](const Fields& fields) {
    const auto uid = number_in(fields[2]);
    const auto gid = number_in(fields[3]);
    if (!uid || !gid || (fields[0] != who && by_number != uid)) return false;
    found = Account{std::string(fields[0]), *uid, *gid};
    return true;
  });
  return found;
}

std::optional<std::uint32_t> find_group(std::string_view group, std::string_view which) {
  std::optional<std::uint32_t> found;
  each_line(group, 3, [&](const Fields& fields) {
    if (fields[0] == which) found = number_in(fields[2]);
    return found.has_value();
  });
  return found ? found : number_in(which);
}

std::vector<std::uint32_t> groups_with(std::string_view group, const std::string& member) {
  std::vector<std::uint32_t> gids;
  each_line(group, 4, [&](const Fields& fields) {
    const auto gid = number_in(fields[2]);
    if (!gid) return false;
    const auto members = split(fields[3], ',');
    if (std::ranges::find(members, member) != members.end()) gids.push_back(*gid);
    return gids.size() >= kMaxGroups;
  });
  return gids;
}

Result<std::string> read_below(FdRef root, const std::string& path) {
  // Not blocking: a pipe may lie there instead.
  Result<Fd> opened = file::open_in_root(root, path, O_RDONLY | O_NONBLOCK);
  if (!opened.ok()) {
    if (opened.error().kind() == ErrorKind::not_found || opened.error().errno_code() == ENOTDIR) {
      return std::string();
    }
    return std::move(opened).error();
  }
  const struct stat status = TRY(file::stat(opened.value()));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::invalid_argument, "'", path, "' of the image is not a file");
  }
  return file::read_all(opened.value(), kMaxFile);
}

void add_group(oci::runtime::User& user, std::uint32_t gid) {
  if (std::ranges::find(user.additional_gids, gid) == user.additional_gids.end()) {
    user.additional_gids.push_back(gid);
  }
}

}  // namespace

Result<Accounts> read_accounts(FdRef root) {
  Accounts accounts;
  accounts.passwd = TRY(read_below(root, "/etc/passwd"));
  accounts.group = TRY(read_below(root, "/etc/group"));
  return accounts;
}

Result<oci::runtime::User> find_user(const Accounts& accounts, std::string_view user,
                                     const std::vector<std::string>& groups) {
  const auto [name, group] = split_once(user, ':');
  const std::string_view who = name.empty() ? std::string_view("0") : name;
  const std::optional<Account> account = find_account(accounts.passwd, who);
  oci::runtime::User result;
  if (account) {
    result.uid = account->uid;
    result.gid = account->gid;
  } else {
    const auto number = number_in(who);
    if (!number) {
      return fail(ErrorKind::invalid_argument, "unable to find user ", printable(who),
                  ": no matching entries in passwd file");
    }
    result.uid = *number;
  }
  if (!group.empty()) {
    const auto gid = find_group(accounts.group, group);
    if (!gid) {
      return fail(ErrorKind::invalid_argument, "unable to find group ", printable(group),
                  ": no matching entries in group file");
    }
    result.gid = *gid;
  }
  // A process's own group is among its groups, as login(1) has it: what a group is denied by a
  // file's mode cannot be had by leaving it out.
  add_group(result, result.gid);
  if (account && group.empty()) {
    for (const std::uint32_t gid : groups_with(accounts.group, account->name)) {
      add_group(result, gid);
    }
  }
  for (const std::string& further : groups) {
    const auto gid = find_group(accounts.group, further);
    if (!gid) {
      return fail(ErrorKind::invalid_argument, "Unable to find group ", printable(further));
    }
    add_group(result, *gid);
  }
  return result;
}

std::string name_of_user(const Accounts& accounts, std::uint32_t uid) {
  const auto account = find_account(accounts.passwd, cat(uid));
  return account && account->uid == uid ? account->name : cat(uid);
}

}  // namespace proa::hull
