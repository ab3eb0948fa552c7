// proa-test-probe: prints facts about its inside as one line of JSON.
//
//   probe                facts of this process
//   probe stay           the same, then lives until a signal ends it
//   probe listen         facts, then waits for SIGTERM and ends with 7
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <string_view>

#include "base/json.h"
#include "tests/probe/facts.h"

extern char** environ;

namespace {

void print_facts(char** arguments) {
  proa::json::Value facts = proa::probe::process_facts();
  const proa::json::Value surroundings = proa::probe::surroundings();
  for (const proa::json::Member& member : *surroundings.get_if<proa::json::Value::Object>()) {
    facts.set(member.key, member.value);
  }
  proa::json::Value args = proa::json::Value::array();
  for (char** argument = arguments; *argument != nullptr; ++argument) args.push(*argument);
  proa::json::Value env = proa::json::Value::array();
  for (char** entry = environ; *entry != nullptr; ++entry) env.push(*entry);
  facts.set("args", args);
  facts.set("env", env);
  printf("%s\n", proa::json::print(facts).c_str());
  fflush(stdout);
}

}  // namespace

int main(int /*count*/, char** arguments) {
  const std::string_view mode = arguments[1] == nullptr ? "" : arguments[1];
  if (mode == "listen") {
    // Blocked before the facts are printed: whoever has read them may signal.
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigprocmask(SIG_BLOCK, &awaited, nullptr);
    print_facts(arguments);
    int number = 0;
    sigwait(&awaited, &number);
    return 7;
  }
  print_facts(arguments);
  while (mode == "stay") pause();
  return 0;
}
