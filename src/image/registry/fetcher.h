// The parent's side of the worker that speaks to a registry: one process for all requests of a
// pull or push. What it gives is foreign and unchecked: whoever asks compares digests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/ingest/byte_source.h"
#include "image/registry/endpoint.h"
#include "image/settings.h"
#include "image/worker/worker.h"
#include "oci/image/descriptor.h"

namespace proa::image {

using oci::image::Descriptor;

// Owner: the pull or push. Thread: any number at once, once started.
class Fetcher {
 public:
  // Killed when `stop` is requested; all requests then fail.
  static Result<std::unique_ptr<Fetcher>> start(const Settings& settings,
                                                const std::vector<Endpoint>& endpoints,
                                                Purpose purpose, std::stop_token stop);

  struct Document {
    std::string text;
    std::string media_type;  // as the registry says
  };
  // `target`: a tag or a digest.
  Result<Document> manifest(const std::string& target) const;
  Result<std::unique_ptr<ByteSource>> blob(const Descriptor& blob, std::uint64_t offset) const;

  struct Download {
    Digest digest;
    std::uint64_t size = 0;
    std::optional<std::int64_t> modified;  // seconds since 1970, as the server says
  };
  // Writes what an http or https URL names to `file`; no endpoint has a part in it.
  //
  // Errors: exhausted (more than `limit` bytes), not_found, unavailable
  Result<Download> download(const std::string& url, FdRef file, std::uint64_t limit) const;

  // The following are for pushing.
  Result<bool> has_blob(const Digest& digest) const;
  // Has the registry take a blob over from another of its repositories; false where it will not.
  Result<bool> mount_blob(const Digest& digest, const std::string& from) const;
  Result<void> upload(const Descriptor& blob, FdRef file) const;
  Result<void> put_manifest(const std::string& target, std::string_view media_type,
                            const std::string& text) const;
  // Whether the credentials are good.
  Result<void> check_login() const;

 private:
  explicit Fetcher(Worker worker, const std::stop_token& stop);
  // Sends a request; gives the socket on which its reply comes.
  Result<Fd> request(json::Value value, FdRef data) const;
  Result<Message> ask(json::Value value, FdRef data) const;

  Worker worker_;
  std::stop_callback<std::function<void()>> kill_;
};

}  // namespace proa::image
