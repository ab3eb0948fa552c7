// URLs of http and https, read by the parser that requests go through: what was checked is what is
// asked. Knows nothing of who may be asked what.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proa::io {

// Thread: a value.
class Url {
 public:
  // Errors: invalid_argument (not absolute, not well-formed, or of another scheme)
  static Result<Url> parse(const std::string& text);

  // Gives what `reference` means in a reply from here: absolute, or relative to this.
  //
  // Spec:   RFC 3986, 5.2
  // Errors: as parse()
  Result<Url> resolve(const std::string& reference) const;
  // Appends "name=value", encoded already, to the query.
  Result<Url> with_query(const std::string& parameter) const;

  const std::string& text() const { return text_; }
  // RFC 6454, scheme, host and port: "https://host:443".
  const std::string& origin() const { return origin_; }
  bool is_secure() const { return origin_.starts_with("https:"); }

 private:
  Url(std::string text, std::string origin) : text_(std::move(text)), origin_(std::move(origin)) {}
  struct Parser;

  std::string text_;
  std::string origin_;
};

// "a b&c" as it may stand in a query.
std::string percent_encode(std::string_view text);

}  // namespace proa::io
