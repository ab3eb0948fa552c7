// Fd owns a file descriptor, FdRef borrows one. Nothing in the tree passes descriptors as ints
// but the wrappers in kernel/.
#pragma once

#include <fcntl.h>

#include <utility>

namespace proa {

// Owner: closes on destruction; close is never retried. Thread: one owner at a time.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  void reset();
  // Gives the number away; the caller closes it.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// Borrows a descriptor for the length of a call.
class FdRef {
 public:
  FdRef(const Fd& fd) : number_(fd.get()) {}
  explicit FdRef(int number) : number_(number) {}
  // Stands for the working directory in the *at calls.
  static FdRef cwd() { return FdRef(AT_FDCWD); }

  int get() const { return number_; }

 private:
  int number_;
};

}  // namespace proa
