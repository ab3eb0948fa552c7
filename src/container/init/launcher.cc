#include "container/init/launcher.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "kernel/file/file.h"
#include "kernel/mount/mount.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace proa::container {
namespace {

constexpr int kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr std::uint64_t kBase = 0x400000;

// x86-64. The stack holds argc, then the program's path, then its arguments, then its environment.
constexpr std::array<unsigned char, 83> kCode = {
    0xbf, 0,    0,    0,    0,     // mov edi, report
    0xbe, 2,    0,    0,    0,     // mov esi, F_SETFD
    0xba, 1,    0,    0,    0,     // mov edx, FD_CLOEXEC
    0xb8, 72,   0,    0,    0,     // mov eax, fcntl
    0x0f, 0x05,                    // syscall
    0x48, 0x8b, 0x0c, 0x24,        // mov rcx, [rsp]
    0x48, 0x8d, 0x54, 0xcc, 0x10,  // lea rdx, [rsp + 8*rcx + 16]
    0x48, 0x8b, 0x7c, 0x24, 0x08,  // mov rdi, [rsp + 8]
    0x48, 0x8d, 0x74, 0x24, 0x10,  // lea rsi, [rsp + 16]
    0xb8, 59,   0,    0,    0,     // mov eax, execve
    0x0f, 0x05,                    // syscall
    0xf7, 0xd8,                    // neg eax
    0x50,                          // push rax
    0xbf, 0,    0,    0,    0,     // mov edi, report
    0x48, 0x89, 0xe6,              // mov rsi, rsp
    0xba, 4,    0,    0,    0,     // mov edx, 4
    0xb8, 1,    0,    0,    0,     // mov eax, write
    0x0f, 0x05,                    // syscall
    0xbf, 127,  0,    0,    0,     // mov edi, 127
    0xb8, 231,  0,    0,    0,     // mov eax, exit_group
    0x0f, 0x05,                    // syscall
};
constexpr std::size_t kReportOffsets[] = {1, 52};

struct Image {
  Elf64_Ehdr header;
  Elf64_Phdr segments[2];
  std::array<unsigned char, kCode.size()> code;
};

Image make_image(std::int32_t report) {
  Image image = {};
  std::memcpy(image.header.e_ident, ELFMAG, SELFMAG);
  image.header.e_ident[EI_CLASS] = ELFCLASS64;
  image.header.e_ident[EI_DATA] = ELFDATA2LSB;
  image.header.e_ident[EI_VERSION] = EV_CURRENT;
  image.header.e_type = ET_EXEC;
  image.header.e_machine = EM_X86_64;
  image.header.e_version = EV_CURRENT;
  image.header.e_entry = kBase + offsetof(Image, code);
  image.header.e_phoff = offsetof(Image, segments);
  image.header.e_ehsize = sizeof(Elf64_Ehdr);
  image.header.e_phentsize = sizeof(Elf64_Phdr);
  image.header.e_phnum = 2;
  Elf64_Phdr& text = image.segments[0];
  text.p_type = PT_LOAD;
  text.p_flags = PF_R | PF_X;
  text.p_vaddr = kBase;
  text.p_filesz = sizeof(Image);
  text.p_memsz = sizeof(Image);
  text.p_align = 4096;
  image.segments[1].p_type = PT_GNU_STACK;
  image.segments[1].p_flags = PF_R | PF_W;
  image.code = kCode;
  for (const std::size_t offset : kReportOffsets) {
    std::memcpy(image.code.data() + offset, &report, sizeof report);
  }
  return image;
}

Result<Fd> make_memory(const char* name) {
  int number = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  // Before Linux 6.3 the flag is not known, and memory is executable anyway.
  if (number < 0 && errno == EINVAL) number = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (number < 0) return fail_errno("making memory for a program");
  return Fd(number);
}

Result<void> seal(FdRef memory) {
  if (::fcntl(memory.get(), F_ADD_SEALS, kAllSeals) != 0) return fail_errno("sealing a program");
  return {};
}

std::vector<char*> pointers(const std::string* first, const std::vector<std::string>& rest) {
  std::vector<char*> result;
  result.reserve(rest.size() + 2);
  if (first != nullptr) result.push_back(const_cast<char*>(first->c_str()));
  for (const std::string& text : rest) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

Error execute_fd(FdRef program, std::vector<char*> arguments, std::vector<char*> environment) {
  ::syscall(SYS_execveat, program.get(), "", arguments.data(), environment.data(), AT_EMPTY_PATH);
  return fail_errno("executing a program in memory");
}

Result<Fd> copy_to_memory(FdRef program) {
  Fd memory = TRY(make_memory("proa"));
  while (true) {
    const ssize_t count = ::sendfile(memory.get(), program.get(), nullptr, std::size_t{1} << 30);
    if (count < 0) return fail_errno("copying the program");
    if (count == 0) break;
  }
  TRY(seal(memory));
  return memory;
}

}  // namespace

Result<Fd> make_launcher(FdRef report) {
  Fd memory = TRY(make_memory("launcher"));
  const Image image = make_image(report.get());
  // A limit on the size of files then is an error, and not the end.
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const Result<void> written = file::write_all(memory, bytes_of(image));
  ::signal(SIGXFSZ, handler);
  TRY(Result<void>(written));
  TRY(seal(memory));
  return memory;
}

Error launch(FdRef launcher, const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment) {
  return execute_fd(launcher, pointers(&program, arguments), pointers(nullptr, environment));
}

Error execute(const std::string& program, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment) {
  ::execve(program.c_str(), pointers(nullptr, arguments).data(),
           pointers(nullptr, environment).data());
  return why_not_executed(errno, cat("exec: '", printable(program), "'"));
}

Error why_not_executed(int errno_code, std::string_view what) {
  const ErrorKind kind = kind_of_errno(errno_code);
  if (errno_code == ENOENT) return Error(kind, cat(what, ": no such file or directory"));
  if (errno_code == EACCES) return Error(kind, cat(what, ": permission denied"));
  if (errno_code == ENOEXEC) return Error(kind, cat(what, ": exec format error"));
  return fail_with(errno_code, what);
}

bool own_program_is_protected() {
  const Result<Fd> program = file::open("/proc/self/exe", O_RDONLY);
  if (!program.ok()) return false;
  if (::fcntl(program.value().get(), F_GET_SEALS) == kAllSeals) return true;
  struct statvfs status = {};
  return ::fstatvfs(program.value().get(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

Result<Fd> protected_program(const std::string& path) {
  Result<mount::DetachedMount> copy = mount::clone_tree(FdRef::cwd(), path, mount::Recursive::no);
  if (copy.ok()) {
    mount::DetachedMount mounted = copy.take();
    const Result<void> set =
        mount::set_attributes(mounted.fd(), {.set = MOUNT_ATTR_RDONLY}, mount::Recursive::no);
    if (set.ok()) return std::move(mounted).release();
  }
  const Fd program = TRY(file::open(path, O_RDONLY));
  return copy_to_memory(program);
}

Error restart_protected(const std::vector<std::string>& environment) {
  const Result<std::string> line = file::read_file("/proc/self/cmdline");
  if (!line.ok()) return line.error();
  std::vector<std::string> arguments;
  std::string_view text = line.value();
  if (text.ends_with('\0')) text.remove_suffix(1);
  for (const std::string_view argument : split(text, '\0')) arguments.emplace_back(argument);
  const Result<Fd> program = protected_program("/proc/self/exe");
  if (!program.ok()) return program.error();
  return execute_fd(program.value(), pointers(nullptr, arguments), pointers(nullptr, environment));
}

}  // namespace proa::container
