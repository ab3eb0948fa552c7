// Images on their way in and out: pull, push, load, save, and what registries say of them.
#include <thread>

#include "api/docker/body/description.h"
#include "api/docker/images/image_show.h"
#include "api/docker/images/registry_auth.h"
#include "api/docker/resources.h"
#include "api/route/json_stream.h"
#include "api/services.h"
#include "image/archive/load.h"
#include "image/archive/save.h"
#include "image/registry/fetcher.h"
#include "image/registry/pull.h"
#include "image/registry/push.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "oci/distribution/reference.h"

namespace proa::api::docker {
namespace {

using json::Value;
using oci::distribution::Reference;

Value status_line(std::string_view text) {
  Value value = Value::object();
  value.set("status", text);
  return value;
}

Result<Reference> named_reference(const std::string& name, const std::string& tag) {
  const char* between = tag.starts_with("sha256:") ? "@" : ":";
  return Reference::parse(tag.empty() ? name : cat(name, between, tag));
}

Result<void> pull(Services& services, Request& request) {
  const Reference reference =
      TRY(named_reference(request.text("fromImage"), request.text("tag")), "invalid reference");
  image::PullRequest wanted{reference, std::nullopt};
  if (const std::string platform = request.text("platform"); !platform.empty()) {
    wanted.platform = TRY(oci::image::Platform::parse(platform));
  }
  const auto auth = TRY(registry_auth(request));
  JsonStream stream(request);
  std::once_flag first;
  const auto progress = [&](const image::Progress& made) {
    std::call_once(first, [&] {
      Value line = status_line(cat("Pulling from ", reference.repository));
      line.set("id", reference.target());
      stream.write(line);
    });
    stream.write(image::to_docker_json(made));
  };
  const Result<image::Pulled> pulled =
      image::pull(services.images.store(), with_credentials(services.images.settings(), auth),
                  wanted, progress, stream.stop());
  if (!pulled.ok()) return stream.finish(pulled.error());
  stream.write(status_line(cat(pulled.value().changed ? "Status: Downloaded newer image for "
                                                      : "Status: Image is up to date for ",
                               reference.familiar())));
  publish_image_event(services.engine, "pull", reference.familiar(), reference.familiar_name());
  return stream.finish({});
}

Result<void> create(Services& services, Request& request) {
  if (!request.text("fromSrc").empty()) return import_image(services, request);
  if (request.text("fromImage").empty()) {
    return fail(ErrorKind::invalid_argument, "query parameter 'fromImage': must not be empty");
  }
  return pull(services, request);
}

Result<void> push(Services& services, Request& request) {
  const Reference reference =
      TRY(named_reference(request.name("name"), request.text("tag")), "invalid reference");
  const auto auth = TRY(registry_auth(request));
  const Result<image::Image> image = services.images.inspect(reference.text());
  if (!image.ok()) {
    return fail(ErrorKind::not_found,
                "An image does not exist locally with the tag: ", reference.familiar_name());
  }
  JsonStream stream(request);
  stream.write(status_line(cat("The push refers to repository [", reference.name(), "]")));
  const auto progress = [&](const image::Progress& made) {
    stream.write(image::to_docker_json(made));
  };
  const Result<image::Descriptor> pushed =
      image::push(services.images.store(), with_credentials(services.images.settings(), auth),
                  reference, progress, stream.stop());
  if (!pushed.ok()) return stream.finish(pushed.error());
  const image::Descriptor& target = pushed.value();
  stream.write(
      status_line(cat(reference.tag, ": digest: ", target.digest.text(), " size: ", target.size)));
  Value result = Value::object();
  result.set("Tag", reference.tag);
  result.set("Digest", target.digest.text());
  result.set("Size", target.size);
  Value line = Value::object();
  line.set("progressDetail", Value::object());
  line.set("aux", std::move(result));
  stream.write(line);
  publish_image_event(services.engine, "push", reference.familiar(), reference.familiar_name());
  return stream.finish({});
}

Result<void> load(Services& services, Request& request) {
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  JsonStream stream(request);
  Result<std::vector<image::Loaded>> loaded = std::vector<image::Loaded>();
  std::stop_source broken;
  std::thread loader([&, archive = std::move(pipe.read)]() mutable {
    loaded = image::load(
        services.images.store(), services.images.settings(), archive, [](const image::Progress&) {},
        broken.get_token());
    archive.reset();
  });
  const Result<void> fed = feed_body(request, std::move(pipe.write), broken);
  loader.join();
  if (!fed.ok()) return fed;
  // Clients look for a load's failure in its stream.
  TRY(stream.begin());
  if (!loaded.ok()) return stream.finish(loaded.error());
  for (const image::Loaded& one : loaded.value()) {
    std::vector<std::string> lines;
    for (const std::string& name : one.names) {
      lines.push_back(cat("Loaded image: ", familiar_name(name), "\n"));
      publish_image_event(services.engine, "load", familiar_name(name), familiar_name(name));
    }
    if (one.names.empty()) {
      const auto image = services.images.inspect(one.target.digest.text());
      lines.push_back(cat("Loaded image ID: ",
                          image.ok() ? image.value().id().text() : one.target.digest.text(), "\n"));
    }
    for (const std::string& line : lines) {
      Value value = Value::object();
      value.set("stream", line);
      stream.write(value);
    }
  }
  return stream.finish({});
}

Result<void> send_images(Services& services, Request& request,
                         const std::vector<std::string>& names) {
  for (const std::string& name : names) TRY(services.images.inspect(name));
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  Result<void> saved;
  std::thread saver([&, output = std::move(pipe.write)]() mutable {
    saved = image::save(services.images.store(), services.images.settings(), names, output);
    output.reset();
  });
  const Result<void> sent = [&, input = std::move(pipe.read)]() mutable -> Result<void> {
    TRY(request.connection().begin_chunks(200, request.headers("application/x-tar")));
    std::vector<std::byte> buffer(65536);
    while (true) {
      const std::size_t size = TRY(file::read_some(input, buffer));
      if (size == 0) return {};
      TRY(request.connection().write_chunk(ByteSpan(buffer).first(size)));
    }
  }();
  saver.join();
  TRY(std::move(saved));  // without the last chunk the client knows that something is missing
  if (!sent.ok()) return sent;
  return request.connection().end_chunks();
}

Result<void> save(Services& services, Request& request) {
  return send_images(services, request, {request.name("name")});
}

Result<void> save_many(Services& services, Request& request) {
  std::vector<std::string> names;
  for (const std::string& text : request.head().query.all("names")) {
    for (const std::string_view name : split(text, ',')) names.emplace_back(name);
  }
  if (names.empty()) {
    return fail(ErrorKind::invalid_argument, "query parameter 'names': must not be empty");
  }
  return send_images(services, request, names);
}

// Of an index each entry's platform, of a manifest its configuration's.
Result<Value> platforms_of(const image::Fetcher& fetcher,
                           const image::Fetcher::Document& document) {
  const auto parsed = TRY(oci::image::parse_document(document.text, document.media_type));
  Value platforms = Value::array();
  if (const auto* index = std::get_if<oci::image::Index>(&parsed)) {
    for (const image::Descriptor& entry : index->manifests) {
      if (entry.platform) platforms.push(entry.platform->to_json());
    }
    return platforms;
  }
  const auto& manifest = std::get<oci::image::Manifest>(parsed);
  const auto source = TRY(fetcher.blob(manifest.config, 0));
  std::string text;
  std::vector<std::byte> buffer(65536);
  while (text.size() <= (std::size_t{4} << 20)) {
    const std::size_t size = TRY(source->read(buffer));
    if (size == 0) break;
    text.append(text_of(ByteSpan(buffer).first(size)));
  }
  const auto config = TRY(oci::image::Config::parse(text));
  platforms.push(config.platform.to_json());
  return platforms;
}

Result<void> distribution(Services& services, Request& request) {
  const Reference reference = TRY(Reference::parse(request.name("name")), "invalid reference");
  const image::Settings settings =
      with_credentials(services.images.settings(), TRY(registry_auth(request)));
  const auto endpoints =
      TRY(image::endpoints_for(settings.registries, reference, image::Purpose::pull));
  const auto fetcher =
      TRY(image::Fetcher::start(settings, endpoints, image::Purpose::pull, std::stop_token()));
  const image::Fetcher::Document document = TRY(fetcher->manifest(reference.target()));
  Value descriptor = Value::object();
  descriptor.set("mediaType", document.media_type);
  descriptor.set("digest", Digest::of(document.text).text());
  descriptor.set("size", document.text.size());
  Value answer = Value::object();
  answer.set("Descriptor", std::move(descriptor));
  answer.set("Platforms", TRY(platforms_of(*fetcher, document)));
  return request.reply(200, answer);
}

Result<void> auth(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::auth));
  const image::Credentials credentials = TRY(read_credentials(reader));
  std::string address;
  if (const auto given = reader.find("serveraddress")) address = TRY(given->string());
  if (const std::size_t scheme = address.find("://"); scheme != std::string::npos) {
    address.erase(0, scheme + 3);
  }
  address = address.substr(0, address.find('/'));
  if (address.empty() || address == "index.docker.io") address = "docker.io";
  const Reference registry = TRY(Reference::parse(cat(address, "/x")));
  const Result<void> checked =
      image::check_login(services.images.settings(), registry, credentials);
  if (!checked.ok() && checked.error().kind() == ErrorKind::permission) {
    return request.reply_error(401, checked.error().message());
  }
  TRY(Result<void>(checked));
  Value answer = Value::object();
  answer.set("Status", "Login Succeeded");
  answer.set("IdentityToken", "");
  return request.reply(200, answer);
}

}  // namespace

void add_image_transfer(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"POST", "/images/create", create},
                                  {"POST", "/images/load", load},
                                  {"GET", "/images/get", save_many},
                                  {"GET", "/images/{name*}/get", save},
                                  {"POST", "/images/{name*}/push", push},
                                  {"GET", "/distribution/{name*}/json", distribution},
                                  {"POST", "/auth", auth},
                              });
}

}  // namespace proa::api::docker
