#include "oci/image/media_type.h"

namespace proa::oci::image {

Result<DocumentKind> document_kind(std::string_view type) {
  if (type == media_type::kManifest || type == media_type::kDockerManifest) {
    return DocumentKind::manifest;
  }
  if (type == media_type::kIndex || type == media_type::kDockerList) return DocumentKind::index;
  if (type.starts_with("application/vnd.docker.distribution.manifest.v1")) {
    return fail(ErrorKind::unsupported,
                "the image is in Docker's schema 1, which is not supported");
  }
  return fail(ErrorKind::unsupported, "media type '", printable(type),
              "' is neither a manifest nor an index");
}

Result<Compression> layer_compression(std::string_view type) {
  if (type == media_type::kLayer || type == media_type::kDockerLayer) return Compression::none;
  if (type == media_type::kLayerGzip || type == media_type::kDockerLayerGzip) {
    return Compression::gzip;
  }
  if (type == media_type::kLayerZstd ||
      type == "application/vnd.docker.image.rootfs.diff.tar.zstd") {
    return Compression::zstd;
  }
  if (type.find("nondistributable") != std::string_view::npos ||
      type.find("rootfs.foreign") != std::string_view::npos) {
    return fail(ErrorKind::unsupported, "foreign (non-distributable) layers are not supported: '",
                printable(type), "'");
  }
  return fail(ErrorKind::unsupported, "media type '", printable(type),
              "' is not a layer of an image");
}

bool is_config(std::string_view type) {
  return type == media_type::kConfig || type == media_type::kDockerConfig;
}

std::string_view name(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "none";
    case Compression::gzip:
      return "gzip";
    case Compression::zstd:
      return "zstd";
  }
  return "";
}

}  // namespace proa::oci::image
