// The journal file of one workload (docs/formats/journal.md): the shim appends, proad reads on
// from where it was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/record.h"

namespace proa::engine {

enum class Durably : bool { no, yes };

// Thread: one. Owner: the shim, alone for the file.
class JournalWriter {
 public:
  // Opens or makes `journal` in `directory`, and cuts off what a crash tore at its end.
  static Result<JournalWriter> open(FdRef directory);

  // Gives the record its sequence number and appends it.
  //
  // Errors: exhausted (a full disk; what was half written is cut off by the next append)
  Result<void> append(wire::Record& record, Durably durably);
  std::uint64_t sequence() const { return sequence_; }

 private:
  JournalWriter(Fd file, std::uint64_t size, std::uint64_t sequence)
      : file_(std::move(file)), size_(size), sequence_(sequence) {}

  Fd file_;
  std::uint64_t size_;
  std::uint64_t sequence_;
};

// Reads the records after `sequence`; a journal that is not there has none.
Result<std::vector<wire::Record>> read_journal(FdRef directory, std::uint64_t sequence);

}  // namespace proa::engine
