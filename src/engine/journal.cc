#include "engine/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr const char* kName = "journal";

}  // namespace

Result<JournalWriter> JournalWriter::open(FdRef directory) {
  Fd file = TRY(file::open_at(directory, kName, O_RDWR | O_CREAT, 0600));
  const std::string bytes = TRY(file::read_all(file), "reading the journal");
  std::uint64_t size = 0;
  std::uint64_t sequence = 0;
  while (const auto read = wire::read_record(std::string_view(bytes).substr(size))) {
    size += read->size;
    sequence = read->record.sequence;
  }
  return JournalWriter(std::move(file), size, sequence);
}

Result<void> JournalWriter::append(wire::Record& record, Durably durably) {
  record.sequence = sequence_ + 1;
  const std::string bytes = wire::print_record(record);
  // Cuts first: a record after a torn one would never be read.
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) {
    return fail_errno("cutting the journal");
  }
  TRY(file::write_all_at(file_, bytes_of(std::string_view(bytes)), size_), "writing the journal");
  if (durably == Durably::yes) TRY(file::sync_data(file_), "syncing the journal");
  size_ += bytes.size();
  ++sequence_;
  return {};
}

Result<std::vector<wire::Record>> read_journal(FdRef directory, std::uint64_t sequence) {
  std::vector<wire::Record> records;
  Result<std::string> bytes = file::read_file_at(directory, kName);
  if (!bytes.ok()) {
    if (bytes.error().kind() == ErrorKind::not_found) return records;
    return std::move(bytes).error();
  }
  std::string_view rest = bytes.value();
  while (auto read = wire::read_record(rest)) {
    if (read->record.sequence > sequence) records.push_back(std::move(read->record));
    rest.remove_prefix(read->size);
  }
  return records;
}

}  // namespace proa::engine
