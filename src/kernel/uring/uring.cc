#include "kernel/uring/uring.h"

#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace proa::uring {
namespace {

// All that a ring of ours can be asked for.
constexpr std::array kOperations = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
                                    IORING_OP_FALLOCATE, IORING_OP_TIMEOUT};

// A system call filter does not see what goes through a ring, which could open files and sockets
// too: the ring itself is kept to what is meant, for good.
Result<void> restrict_ring(io_uring& ring) {
  std::array<io_uring_restriction, kOperations.size() + 1> allowed = {};
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
    allowed[i].sqe_op = kOperations[i];
  }
  allowed.back().opcode = IORING_RESTRICTION_REGISTER_OP;
  allowed.back().register_op = IORING_REGISTER_ENABLE_RINGS;
  // The shared liburing 2.3 forgets to offer these two.
  if (::syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_RESTRICTIONS, allowed.data(),
                allowed.size()) < 0 ||
      ::syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) <
          0) {
    return fail_errno("restricting an io_uring");
  }
  return {};
}

}  // namespace

Uring::Uring(std::unique_ptr<io_uring> ring) : ring_(std::move(ring)) {}
Uring::Uring(Uring&&) noexcept = default;

Uring& Uring::operator=(Uring&& other) noexcept {
  std::swap(ring_, other.ring_);
  return *this;
}

Uring::~Uring() {
  if (ring_ != nullptr) ::io_uring_queue_exit(ring_.get());
}

Result<Uring> Uring::create(unsigned entries) {
  auto ring = std::make_unique<io_uring>();
  const int status = ::io_uring_queue_init(entries, ring.get(), IORING_SETUP_R_DISABLED);
  if (status < 0) return fail_with(-status, "making an io_uring");
  Uring made(std::move(ring));
  TRY(restrict_ring(*made.ring_));
  return made;
}

FdRef Uring::fd() const { return FdRef(ring_->ring_fd); }

Result<io_uring_sqe*> Uring::entry() {
  io_uring_sqe* free = ::io_uring_get_sqe(ring_.get());
  if (free == nullptr) {
    TRY(submit());
    free = ::io_uring_get_sqe(ring_.get());
  }
  if (free == nullptr) return fail(ErrorKind::exhausted, "the io_uring takes no more");
  return free;
}

Result<void> Uring::read(FdRef file, std::span<const iovec> buffers, std::uint64_t offset,
                         std::uint64_t token) {
  io_uring_sqe* const sqe = TRY(entry());
  ::io_uring_prep_readv(sqe, file.get(), buffers.data(), static_cast<unsigned>(buffers.size()),
                        offset);
  ::io_uring_sqe_set_data64(sqe, token);
  return {};
}

Result<void> Uring::write(FdRef file, std::span<const iovec> buffers, std::uint64_t offset,
                          std::uint64_t token) {
  io_uring_sqe* const sqe = TRY(entry());
  ::io_uring_prep_writev(sqe, file.get(), buffers.data(), static_cast<unsigned>(buffers.size()),
                         offset);
  ::io_uring_sqe_set_data64(sqe, token);
  return {};
}

Result<void> Uring::sync_data(FdRef file, std::uint64_t token) {
  io_uring_sqe* const sqe = TRY(entry());
  ::io_uring_prep_fsync(sqe, file.get(), IORING_FSYNC_DATASYNC);
  ::io_uring_sqe_set_data64(sqe, token);
  return {};
}

Result<void> Uring::allocate(FdRef file, int mode, std::uint64_t offset, std::uint64_t length,
                             std::uint64_t token) {
  io_uring_sqe* const sqe = TRY(entry());
  ::io_uring_prep_fallocate(sqe, file.get(), mode, static_cast<off_t>(offset),
                            static_cast<off_t>(length));
  ::io_uring_sqe_set_data64(sqe, token);
  return {};
}

Result<void> Uring::after(std::chrono::seconds delay, std::uint64_t token) {
  io_uring_sqe* const sqe = TRY(entry());
  __kernel_timespec time = {.tv_sec = delay.count(), .tv_nsec = 0};
  ::io_uring_prep_timeout(sqe, &time, 0, 0);
  ::io_uring_sqe_set_data64(sqe, token);
  return submit();
}

Result<void> Uring::submit() {
  while (::io_uring_sq_ready(ring_.get()) != 0) {
    const int status = ::io_uring_submit(ring_.get());
    if (status == -EINTR || status == -EAGAIN) continue;
    if (status < 0) return fail_with(-status, "submitting to an io_uring");
  }
  return {};
}

std::optional<Completion> Uring::take() {
  io_uring_cqe* cqe = nullptr;
  if (::io_uring_peek_cqe(ring_.get(), &cqe) != 0) return std::nullopt;
  const Completion completion = {cqe->user_data, cqe->res};
  ::io_uring_cqe_seen(ring_.get(), cqe);
  return completion;
}

Result<void> Uring::wait() {
  io_uring_cqe* cqe = nullptr;
  int status = -EINTR;
  while (status == -EINTR) status = ::io_uring_wait_cqe(ring_.get(), &cqe);
  if (status < 0) return fail_with(-status, "waiting for an io_uring");
  return {};
}

}  // namespace proa::uring
