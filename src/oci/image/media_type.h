// The media types of images: OCI's and those of Docker's schema 2, which Proa reads and writes
// alike.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace proa::oci::image {

// Spec: OCI image specification 1.1, media-types.md; Docker image manifest v2, schema 2
namespace media_type {
inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerLayerGzip =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";
}  // namespace media_type

enum class DocumentKind : std::uint8_t { manifest, index };
enum class Compression : std::uint8_t { none, gzip, zstd };

// Whether a media type names a manifest or an index (Docker: a manifest list).
//
// Errors: unsupported (anything else; schema 1 is named as such)
Result<DocumentKind> document_kind(std::string_view type);

// How a layer of that media type is compressed. Docker's layers without a suffix are plain tar.
//
// Errors: unsupported (foreign layers, which may not be distributed, and what is no layer)
Result<Compression> layer_compression(std::string_view type);

// Whether the type is an image configuration, OCI's or Docker's.
bool is_config(std::string_view type);
// "none", "gzip", "zstd".
std::string_view name(Compression compression);

}  // namespace proa::oci::image
