#include "container/seccomp/docker_profile.h"

// The assembler puts the file's bytes into the program; CMakeLists.txt says where it lies.
__asm__(
    ".section .rodata\n"
    "proa_docker_profile_begin:\n"
    ".incbin \"" PROA_DOCKER_PROFILE
    "\"\n"
    "proa_docker_profile_end:\n"
    ".previous\n");

namespace proa::container::seccomp {
namespace {

extern "C" const char proa_docker_profile_begin[];
extern "C" const char proa_docker_profile_end[];

}  // namespace

std::string_view default_profile_text() {
  return {proa_docker_profile_begin, proa_docker_profile_end};
}

}  // namespace proa::container::seccomp
