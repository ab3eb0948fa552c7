// What a workload's journal holds: the truth about what happened to it, in order. The layout of
// the file is docs/formats/journal.md; engine/journal reads it, the shim writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/values.h"

namespace proa::wire {

enum class RecordKind : std::uint8_t {
  started = 1,     // the first process runs
  exited = 2,      // ... has ended; made durable before anybody is told
  restarting = 3,  // the policy starts it again at `moment` + `delay`
  finished = 4,    // the shim goes: nothing will start any more
  paused = 5,
  resumed = 6,
  health = 7,
  out_of_memory = 8,
  exec_started = 9,
  exec_ended = 10,
};

enum class Health : std::uint8_t { none, starting, healthy, unhealthy };

struct Record {
  RecordKind kind = RecordKind::started;
  std::uint64_t sequence = 0;  // from 1, without gaps, over the life of the workload
  std::int64_t moment = 0;     // nanoseconds since 1970
  Ending ending;               // exited, exec_ended
  std::int64_t delay = 0;      // restarting: nanoseconds
  std::uint32_t restarts = 0;  // so far in a row
  Health health = Health::none;
  std::uint32_t failing_streak = 0;
  std::int64_t ended = 0;          // health: when the probe ended
  std::string output;              // health: at most 4096 bytes of what the probe said
  std::string exec;                // exec_started, exec_ended
  bool asked = false;              // exited: by stop, kill or restart from outside
  std::uint32_t shown_number = 0;  // started: the process as the host counts it, for people
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "kind", self.kind);
    visit(2, "sequence", self.sequence);
    visit(3, "moment", self.moment);
    visit(4, "ending", self.ending);
    visit(5, "delay", self.delay);
    visit(6, "restarts", self.restarts);
    visit(7, "health", self.health);
    visit(8, "failing_streak", self.failing_streak);
    visit(9, "ended", self.ended);
    visit(10, "output", self.output);
    visit(11, "exec", self.exec);
    visit(12, "asked", self.asked);
    visit(13, "shown_number", self.shown_number);
  }
};

// Prints a record as it lies in the file: length, checksum, fields.
std::string print_record(const Record& record);

struct ReadRecord {
  Record record;
  std::size_t size = 0;  // bytes in the file
};

// Reads the first record of `bytes`, or nothing at their end and where a torn or foreign record
// begins: a journal ends at the first record that is not whole.
std::optional<ReadRecord> read_record(std::string_view bytes);

}  // namespace proa::wire
