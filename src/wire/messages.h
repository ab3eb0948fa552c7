// The messages of the supervisor protocol. Requests go down (engine to shim to guest), each is
// answered by `done`, its own answer type, or `failed` with the same call number; notices come up
// unasked. Types and fields are only ever added: docs/formats/wire.md lists them by version.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "wire/frame.h"
#include "wire/values.h"

namespace proa::wire {

// Version 1: all types up to 0x2f; version 2: `Hello.features` (what a peer can be asked for);
// version 3: what guests are told (wire/guest.h) and streams by number.
constexpr std::uint32_t kVersion = 3;

enum class MessageType : std::uint16_t {
  hello = 1,
  done = 2,
  failed = 3,
  // Requests.
  start = 0x10,
  stop = 0x11,
  restart = 0x12,
  signal = 0x13,
  resize = 0x14,
  pause = 0x15,
  resume = 0x16,
  attach = 0x17,  // carries one descriptor: the client's connection
  exec = 0x18,    // carries up to two descriptors: as attach, and one for standard error alone
  processes = 0x19,
  stats = 0x1a,
  update = 0x1b,
  snapshot = 0x1c,
  stat_path = 0x1d,
  copy_out = 0x1e,  // the answer carries one descriptor: a tar stream to read
  copy_in = 0x1f,   // carries one descriptor: a tar stream that is read to its end
  changes = 0x20,
  export_tree = 0x21,  // the answer carries one descriptor: a tar stream to read
  join_network = 0x22,
  leave_network = 0x23,
  remove = 0x24,
  configure = 0x25,  // guests only (wire/guest.h)
  set_clock = 0x26,
  // Answers with a body of their own.
  process_rows = 0x40,
  stats_answer = 0x41,
  snapshot_answer = 0x42,
  path_answer = 0x43,
  change_list = 0x44,
  // Notices.
  record = 0x60,         // the journal grew: one Record (wire/record.h), already written
  exec_ended = 0x61,     // from a guest with an empty id: the first process
  out_of_memory = 0x62,  // from a guest
  // Streams over a link that carries no descriptors (a guest's console).
  stream_data = 0x70,
  stream_credit = 0x71,
};

// First frame from both ends. A new epoch means that the peer was restored from a snapshot: every
// call and stream of the old epoch is void.
struct Hello {
  std::uint32_t version = kVersion;
  std::uint64_t epoch = 0;
  std::vector<std::string> features;  // since version 2
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "version", self.version);
    visit(2, "epoch", self.epoch);
    visit(3, "features", self.features);
  }
};

struct Failed {
  ErrorKind kind = ErrorKind::internal;
  std::int32_t errno_code = 0;
  std::string text;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "kind", self.kind);
    visit(2, "errno_code", self.errno_code);
    visit(3, "text", self.text);
  }
};

// An empty body: `done`, start, pause, resume, processes, stats, snapshot, changes, export, remove.
struct Empty {
  template <typename Visitor, typename Self>
  static void fields(Visitor&, Self&) {}
};

// The numbers of a process's streams on a link that carries no descriptors; 0: none. Chosen by who
// asks, and never used twice on one link.
struct StreamNumbers {
  std::uint32_t input = 0;
  std::uint32_t output = 0;
  std::uint32_t error = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "input", self.input);
    visit(2, "output", self.output);
    visit(3, "error", self.error);
  }
};

struct Start {
  StreamNumbers streams;  // guests only
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "streams", self.streams);
  }
};

// Sends `signal`, and after `timeout` (nanoseconds, negative: never) the kill; `done` comes when
// the workload has ended. As Restart: the same, then starts the process again.
struct Stop {
  std::int32_t signal = 0;  // 0: the workload's own
  std::int64_t timeout = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "signal", self.signal);
    visit(2, "timeout", self.timeout);
  }
};

// `exec` empty: the workload's first process.
struct Signal {
  std::string exec;
  std::int32_t number = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "exec", self.exec);
    visit(2, "number", self.number);
  }
};

struct Resize {
  std::string exec;
  WindowSize size;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "exec", self.exec);
    visit(2, "size", self.size);
  }
};

// How one client is attached. Its connection rides on the frame.
struct Attachment {
  bool input = false;  // its bytes go to standard input; its end of stream closes it
  bool output = false;
  bool error = false;
  bool framed = false;       // docker's 8-byte heads in front of each piece; never with a terminal
  std::string detach_keys;   // the bytes that detach; "" none
  std::string early_input;   // read from the client before the connection was handed over
  std::string early_output;  // to be sent first: a log's replay
  bool keep_input = false;   // the client's end of stream leaves standard input open for others
  // Ends the stream by a frame of kind 16 that holds {"ExitCode":n,"Error":"..."}: a client knows
  // the outcome even when proad has died meanwhile. Needs `framed`.
  bool report_end = false;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "input", self.input);
    visit(2, "output", self.output);
    visit(3, "error", self.error);
    visit(4, "framed", self.framed);
    visit(5, "detach_keys", self.detach_keys);
    visit(6, "early_input", self.early_input);
    visit(7, "early_output", self.early_output);
    visit(8, "keep_input", self.keep_input);
    visit(9, "report_end", self.report_end);
  }
};

struct Exec {
  std::string id;
  Process process;
  Attachment attachment;  // without a descriptor the output is dropped
  StreamNumbers streams;  // guests only
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "process", self.process);
    visit(3, "attachment", self.attachment);
    visit(4, "streams", self.streams);
  }
};

struct ExecEnded {
  std::string id;
  Ending ending;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "ending", self.ending);
  }
};

struct Update {
  std::string resources;  // OCI runtime specification, linux.resources, as JSON; "" leaves them
  std::optional<RestartPolicy> restart;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "resources", self.resources);
    visit(2, "restart", self.restart);
  }
};

// A path inside the workload; for copy_in the directory that is unpacked into.
struct Path {
  std::string path;
  // copy_in: refuse to put a directory over a file and the other way round.
  bool keep_kinds = false;
  std::uint32_t stream = 0;  // guests only: of the tar stream
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "path", self.path);
    visit(2, "keep_kinds", self.keep_kinds);
    visit(3, "stream", self.stream);
  }
};

struct NetworkName {
  std::string network;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "network", self.network);
  }
};

struct ProcessRows {
  std::vector<ProcessRow> rows;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "rows", self.rows);
  }
};

struct ChangeList {
  std::vector<Change> changes;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "changes", self.changes);
  }
};

// Where a shim stands: all that a new engine needs beside the journal.
struct Snapshot {
  std::uint64_t sequence = 0;  // of the journal's last record
  bool running = false;
  bool paused = false;
  std::vector<std::string> execs;  // still running
  // The first process as the host counts it, for people only; 0 while it does not run.
  std::uint32_t shown_number = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "sequence", self.sequence);
    visit(2, "running", self.running);
    visit(3, "paused", self.paused);
    visit(4, "execs", self.execs);
    visit(5, "shown_number", self.shown_number);
  }
};

// Bytes of one stream, or (with `end`) its end. A sender never has more bytes on the way than the
// receiver gave credit for (kStreamWindow at first), so a full stream holds up no other. An `end`
// that goes against the stream says that nobody reads it any more.
constexpr std::uint32_t kStreamWindow = 256 << 10;  // bytes
struct StreamData {
  std::uint32_t stream = 0;
  bool end = false;
  std::string bytes;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "stream", self.stream);
    visit(2, "end", self.end);
    visit(3, "bytes", self.bytes);
  }
};

struct StreamCredit {
  std::uint32_t stream = 0;
  std::uint32_t bytes = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "stream", self.stream);
    visit(2, "bytes", self.bytes);
  }
};

Failed to_message(const Error& error);
Error to_error(const Failed& failed);

}  // namespace proa::wire
