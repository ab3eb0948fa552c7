// The bytes a device's state is saved as: sections of numbers and byte strings, little-endian, in
// the order they were put. docs/formats/snapshot.md describes the file they end up in.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"

namespace proa::vmm {

// Writes state. Thread: one at a time.
class StateWriter {
 public:
  // Starts a section: who wrote it ("serial", "virtio-block") and in which version, 1 or more.
  // Ends the section before; sections do not nest.
  void section(std::string_view name, std::uint16_t version);

  template <std::unsigned_integral Number>
    requires(!std::same_as<Number, bool>)
  void number(Number number) {
    for (std::size_t i = 0; i < sizeof number; ++i) {
      bytes_.push_back(static_cast<char>(static_cast<unsigned char>(number >> (8 * i))));
    }
  }
  void boolean(bool value) { number<std::uint8_t>(value ? 1 : 0); }
  // A length of 32 bits, then the bytes.
  void bytes(ByteSpan content);
  void text(std::string_view content) { bytes(bytes_of(content)); }

  // Everything, the last section ended.
  std::string finish();

 private:
  void end_section();

  std::string bytes_;
  std::size_t section_start_ = 0;  // of its body; 0 before the first
};

// Reads state back in the same order. What it reads is foreign: a file somebody may have changed.
// Owner: borrows the bytes. Thread: one at a time.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : bytes_(bytes) {}

  // Enters the next section, which must be `name`, and gives its version; what the section before
  // had left over is corrupt.
  //
  // Errors: corrupt (another name, bytes left over), unsupported (version 0 or beyond `newest`)
  Result<std::uint16_t> section(std::string_view name, std::uint16_t newest);

  // Errors: corrupt (the section is over)
  template <std::unsigned_integral Number>
    requires(!std::same_as<Number, bool>)
  Result<Number> number() {
    const std::string_view raw = TRY(take(sizeof(Number)));
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      number = static_cast<Number>(
          number |
          static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(raw[i])) << (8 * i)));
    }
    return number;
  }
  // Errors: corrupt (neither 0 nor 1)
  Result<bool> boolean();
  // Errors: corrupt (more than `limit`, or the section is over)
  Result<std::string_view> bytes(std::size_t limit);
  // The sections that were not entered yet, for a reader of their own.
  std::string_view rest() const { return bytes_; }
  // Ends the reading; bytes left over are corrupt.
  Result<void> finish() const;

  // An error at this place.
  template <typename... Pieces>
  Error fault(const Pieces&... pieces) const {
    return fail(ErrorKind::corrupt, "state of '", name_, "': ", pieces...);
  }

 private:
  Result<std::string_view> take(std::size_t length);

  std::string_view bytes_;    // what follows the current section
  std::string_view section_;  // what is left of it
  std::string_view name_;
};

// A thing whose state is part of a snapshot. Both are called while the machine is paused: no vCPU
// runs, and quiesced devices have no request in flight.
class Stateful {
 public:
  virtual ~Stateful() = default;
  // Writes one or more sections.
  //
  // Errors: unsupported (this device's state lies elsewhere; names the device)
  virtual Result<void> save(StateWriter& writer) const = 0;
  // Takes back what save wrote, into an object configured alike.
  //
  // Errors: corrupt, unsupported
  virtual Result<void> restore(StateReader& reader) = 0;
};

}  // namespace proa::vmm
