#include <fcntl.h>

#include <deque>
#include <thread>

#include "base/json.h"
#include "base/time.h"
#include "engine/logs.h"
#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr std::size_t kPiece = 65536;                // bytes read at once
constexpr std::chrono::milliseconds kLookAgain{20};  // a follower's pace at the end

Result<LogLine> parse_line(std::string_view text) {
  const json::Value document = TRY(json::parse(text, "log.json"));
  const json::Reader reader(document, "log.json");
  LogLine line;
  const json::Reader log = TRY(reader.at("log"));
  line.text = TRY(log.string());
  const json::Reader stream = TRY(reader.at("stream"));
  line.error = TRY(stream.string()) == "stderr";
  const json::Reader time = TRY(reader.at("time"));
  const std::string moment = TRY(time.string());
  line.moment = TRY(parse_rfc3339(moment)).time_since_epoch().count();
  return line;
}

// Reads the files oldest first; follows log.json over its rotations by holding the file open and
// looking whether the name means another one once it has been read to its end.
class FileLogReader : public LogReader {
 public:
  FileLogReader(Fd directory, const LogQuery& query)
      : directory_(std::move(directory)), query_(query), following_(query.follow) {}

  Result<void> begin() {
    int oldest = 0;
    while (file::stat_at(directory_, name(oldest + 1)).ok()) ++oldest;
    number_ = oldest;
    if (!query_.tail) return {};
    std::deque<LogLine> last;
    const bool follow = std::exchange(following_, false);
    while (std::optional<LogLine> line = TRY(next(std::chrono::milliseconds(0)))) {
      last.push_back(std::move(*line));
      if (last.size() > *query_.tail) last.pop_front();
    }
    following_ = follow;
    finished_ = false;
    ready_ = std::move(last);
    return {};
  }

  Result<std::optional<LogLine>> next(std::chrono::milliseconds limit) override {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
      if (!ready_.empty()) {
        std::optional<LogLine> line(std::move(ready_.front()));
        ready_.pop_front();
        return line;
      }
      std::optional<LogLine> line = TRY(read_line());
      if (line) {
        if (query_.until != 0 && line->moment > query_.until) return end();
        if (wanted(*line)) return line;
        continue;
      }
      if (!following_) return end();
      if (std::chrono::steady_clock::now() >= deadline) return std::optional<LogLine>();
      std::this_thread::sleep_for(kLookAgain);
    }
  }

  bool finished() const override { return finished_; }
  void stop_following() override { following_ = false; }

 private:
  static std::string name(int number) {
    return number == 0 ? std::string("log.json") : cat("log.json.", number);
  }
  std::optional<LogLine> end() {
    finished_ = true;
    return std::nullopt;
  }
  bool wanted(const LogLine& line) const {
    return (line.error ? query_.error : query_.output) && line.moment >= query_.since;
  }

  // The next whole line of the files, or nothing at the end of the newest.
  Result<std::optional<LogLine>> read_line() {
    while (true) {
      const std::size_t feed = buffer_.find('\n', taken_);
      if (feed != std::string::npos) {
        const std::string_view text = std::string_view(buffer_).substr(taken_, feed - taken_);
        taken_ = feed + 1;
        Result<LogLine> line = parse_line(text);
        // A line that a full disk or a crash tore is left out, as it cannot be completed.
        if (line.ok()) return std::optional<LogLine>(line.take());
        continue;
      }
      if (!TRY(fill())) return std::optional<LogLine>();
    }
  }

  Result<bool> fill() {
    if (!file_.valid()) {
      Result<Fd> opened = file::open_at(directory_, name(number_), O_RDONLY);
      if (!opened.ok() && opened.error().kind() == ErrorKind::not_found) return false;
      file_ = TRY(std::move(opened));
      offset_ = 0;
    }
    buffer_.erase(0, std::exchange(taken_, 0));
    const auto size = static_cast<std::uint64_t>(TRY(file::stat(file_)).st_size);
    if (size > offset_) {
      const std::size_t old = buffer_.size();
      const std::size_t count = std::min<std::uint64_t>(size - offset_, kPiece);
      buffer_.resize(old + count);
      const auto piece = std::as_writable_bytes(std::span(buffer_)).subspan(old);
      TRY(file::read_exact_at(file_, piece, offset_));
      offset_ += count;
      return true;
    }
    return next_file();
  }

  Result<bool> next_file() {
    if (number_ > 0) {
      --number_;
      file_.reset();
      return true;
    }
    const Result<struct stat> newest = file::stat_at(directory_, name(0));
    const struct stat ours = TRY(file::stat(file_));
    if (!newest.ok() || newest.value().st_ino == ours.st_ino) return false;
    file_.reset();
    return true;
  }

  Fd directory_;
  LogQuery query_;
  bool following_;
  bool finished_ = false;
  int number_ = 0;  // of the file that is read: 0 is log.json
  Fd file_;
  std::uint64_t offset_ = 0;
  std::string buffer_;
  std::size_t taken_ = 0;
  std::deque<LogLine> ready_;  // from --tail
};

}  // namespace

Result<std::unique_ptr<LogReader>> LogReader::open(const std::string& directory,
                                                   const LogQuery& query) {
  Fd opened = TRY(file::open(directory, O_PATH | O_DIRECTORY));
  auto reader = std::make_unique<FileLogReader>(std::move(opened), query);
  TRY(reader->begin(), "reading the log");
  return std::unique_ptr<LogReader>(std::move(reader));
}

}  // namespace proa::engine
