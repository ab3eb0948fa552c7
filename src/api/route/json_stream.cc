#include "api/route/json_stream.h"

namespace proa::api {

void JsonStream::write(const json::Value& value) {
  const std::lock_guard lock(mutex_);
  if (stop_.stop_requested()) return;
  http::Connection& connection = request_.connection();
  const auto send = [&]() -> Result<void> {
    if (!begun_) TRY(connection.begin_chunks(200, request_.headers("application/json")));
    begun_ = true;
    // Clients split at line feeds; old ones wait for the carriage return, too.
    return connection.write_chunk(bytes_of(json::print(value).append("\r\n")));
  };
  if (!send().ok() || connection.client_closed()) stop_.request_stop();
}

Result<void> JsonStream::begin() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  return request_.connection().begin_chunks(200, request_.headers("application/json"));
}

Result<void> JsonStream::finish(const Result<void>& outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (!begun_ && !outcome.ok()) return outcome.error();
  }
  if (!outcome.ok()) {
    json::Value detail = json::Value::object();
    detail.set("message", outcome.error().message());
    json::Value value = json::Value::object();
    value.set("errorDetail", std::move(detail));
    value.set("error", outcome.error().message());
    write(value);
  }
  const std::lock_guard lock(mutex_);
  http::Connection& connection = request_.connection();
  if (!begun_) TRY(connection.begin_chunks(200, request_.headers("application/json")));
  return connection.end_chunks();
}

}  // namespace proa::api
