// proa-init: the first process of a workload with --init. Starts the program that its arguments
// name, forwards every signal to it, reaps orphans, and ends as the program ended. Uses nothing of
// the library, so that it stays small: it is bound into the workload.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {

// Reaps until `program` has ended; gives its exit code as a shell would.
int wait_for(pid_t program, const sigset_t& signals) {
  while (true) {
    siginfo_t arrived = {};
    const int number = ::sigwaitinfo(&signals, &arrived);
    if (number < 0) continue;
    if (number != SIGCHLD) {
      ::kill(program, number);
      continue;
    }
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended != program) continue;
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fputs("usage: proa-init PROGRAM [ARGUMENT]...\n", stderr);
    return 2;
  }
  sigset_t signals, before;
  ::sigfillset(&signals);
  for (const int fault : {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
    ::sigdelset(&signals, fault);
  }
  ::sigprocmask(SIG_SETMASK, &signals, &before);
  const pid_t program = ::fork();
  if (program == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    // The terminal's foreground belongs to the program, not to us.
    ::setpgid(0, 0);
    if (::isatty(STDIN_FILENO)) {
      ::signal(SIGTTOU, SIG_IGN);
      ::tcsetpgrp(STDIN_FILENO, ::getpid());
      ::signal(SIGTTOU, SIG_DFL);
    }
    ::execvp(arguments[1], arguments + 1);
    const int failure = errno;
    std::fprintf(stderr, "proa-init: %s: %s\n", arguments[1], std::strerror(failure));
    ::_exit(failure == ENOENT ? 127 : 126);
  }
  if (program < 0) {
    std::perror("proa-init: fork");
    return 125;
  }
  return wait_for(program, signals);
}
