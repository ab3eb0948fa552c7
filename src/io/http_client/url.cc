#include "io/http_client/url.h"

#include <curl/curl.h>

#include <memory>

#include "base/text.h"

namespace proa::io {
namespace {

struct EndHandle {
  void operator()(CURLU* handle) const { ::curl_url_cleanup(handle); }
};
struct FreeText {
  void operator()(char* text) const { ::curl_free(text); }
};

}  // namespace

struct Url::Parser {
  std::unique_ptr<CURLU, EndHandle> handle{::curl_url()};

  Result<void> set(CURLUPart part, const std::string& text, unsigned flags = 0) const {
    if (!handle) return fail(ErrorKind::exhausted, "no memory for a URL");
    const CURLUcode code = ::curl_url_set(handle.get(), part, text.c_str(), flags);
    if (code == CURLUE_OK) return {};
    return fail(ErrorKind::invalid_argument, "'", printable(text, 500),
                "' is no URL: ", ::curl_url_strerror(code));
  }

  // "" where there is no such part.
  std::string get(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (::curl_url_get(handle.get(), part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, FreeText> owner(text);
    return text;
  }

  Result<Url> finish() const {
    // It is no part of a request.
    ::curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
    std::string text = get(CURLUPART_URL);
    const std::string scheme = get(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") {
      return fail(ErrorKind::invalid_argument, "'", printable(text, 500),
                  "' is no URL of http or https");
    }
    std::string origin = cat(scheme, "://", to_lower(get(CURLUPART_HOST)), ":",
                             get(CURLUPART_PORT, CURLU_DEFAULT_PORT));
    return Url(std::move(text), std::move(origin));
  }
};

Result<Url> Url::parse(const std::string& text) {
  const Parser parser;
  TRY(parser.set(CURLUPART_URL, text));
  return parser.finish();
}

Result<Url> Url::resolve(const std::string& reference) const {
  const Parser parser;
  TRY(parser.set(CURLUPART_URL, text_));
  TRY(parser.set(CURLUPART_URL, reference));
  return parser.finish();
}

Result<Url> Url::with_query(const std::string& parameter) const {
  const Parser parser;
  TRY(parser.set(CURLUPART_URL, text_));
  TRY(parser.set(CURLUPART_QUERY, parameter, CURLU_APPENDQUERY));
  return parser.finish();
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded.push_back(c);
    } else {
      encoded.append("%").append(to_hex({&c, 1}));
    }
  }
  return encoded;
}

}  // namespace proa::io
