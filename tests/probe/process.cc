#include <grp.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/probe/facts.h"
#include "tests/probe/text_file.h"

namespace proa::probe {
namespace {

constexpr const char* kLimits[] = {"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                   "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                   "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};

json::Value rlimits() {
  json::Value limits = json::Value::object();
  int resource = 0;
  for (const char* name : kLimits) {
    rlimit limit{};
    getrlimit(static_cast<__rlimit_resource>(resource++), &limit);
    json::Value pair;
    pair.set("soft", limit.rlim_cur);
    pair.set("hard", limit.rlim_max);
    limits.set(name, pair);
  }
  return limits;
}

json::Value groups() {
  gid_t list[1024];
  const int count = getgroups(1024, list);
  json::Value groups = json::Value::array();
  for (int i = 0; i < count; ++i) groups.push(list[i]);
  return groups;
}

// The numbers of the processors, as "0,1,5".
std::string affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<std::string> numbers;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) numbers.push_back(std::to_string(cpu));
  }
  return join(numbers, ",");
}

// A line of /proc/self/status, "" where there is none.
std::string status(std::string_view key) {
  for (const std::string& line : lines_of("/proc/self/status")) {
    const auto [name, value] = split_once(line, ':');
    if (name == key) return std::string(trim(value));
  }
  return "";
}

}  // namespace

json::Value process_facts() {
  utsname names{};
  uname(&names);
  char directory[4096] = "";
  if (getcwd(directory, sizeof directory) == nullptr) directory[0] = '\0';
  json::Value capabilities;
  capabilities.set("inheritable", status("CapInh"));
  capabilities.set("permitted", status("CapPrm"));
  capabilities.set("effective", status("CapEff"));
  capabilities.set("bounding", status("CapBnd"));
  capabilities.set("ambient", status("CapAmb"));
  char mask_text[8];
  const mode_t mask = umask(0);
  std::snprintf(mask_text, sizeof mask_text, "%04o", mask);
  umask(mask);

  json::Value facts;
  facts.set("pid", getpid());
  facts.set("sid", getsid(0));
  facts.set("uid", getuid());
  facts.set("gid", getgid());
  facts.set("groups", groups());
  facts.set("umask", mask_text);
  facts.set("capabilities", capabilities);
  facts.set("noNewPrivileges", status("NoNewPrivs"));
  facts.set("seccomp", status("Seccomp"));
  facts.set("seccompFilters", status("Seccomp_filters"));
  facts.set("rlimits", rlimits());
  facts.set("oomScoreAdj", first_line("/proc/self/oom_score_adj"));
  facts.set("personality", personality(0xffffffffUL));
  facts.set("affinity", affinity());
  facts.set("cwd", directory);
  facts.set("hostname", names.nodename);
  facts.set("domainname", names.domainname);
  facts.set("machine", names.machine);
  facts.set("ignoredSignals", status("SigIgn"));
  facts.set("blockedSignals", status("SigBlk"));
  return facts;
}

}  // namespace proa::probe
