#include "wire/messages.h"

namespace proa::wire {

Failed to_message(const Error& error) {
  return Failed{error.kind(), error.errno_code(), error.message()};
}

Error to_error(const Failed& failed) {
  // A later peer may know kinds that we do not.
  const ErrorKind kind = failed.kind <= ErrorKind::internal ? failed.kind : ErrorKind::internal;
  return Error(kind, failed.text);
}

}  // namespace proa::wire
