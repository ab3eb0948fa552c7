// What a hostile guest may send to its shim: nothing but the connection may come to an end of it.
#include <cstdint>

#include "hull/heavy/guest_link.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  constexpr std::size_t kRoom = 60'000;  // what a socket takes without a reader
  if (size > kRoom) return 0;
  const auto loop = io::Loop::create().take();
  socket::Pair pair = socket::stream_pair(socket::Blocking::no).take();
  hull::GuestLink::Notices notices;
  notices.on_hello = [] {};
  notices.on_exec_end = [](const wire::ExecEnded&) {};
  notices.on_out_of_memory = [] {};
  notices.on_closed = [&](const std::string&) { loop->stop(); };
  const auto link = hull::GuestLink::open(*loop, std::move(pair.first), std::move(notices)).take();
  const std::uint32_t stream = link->next_stream();
  link->streams().expect(stream);
  link->ask(wire::MessageType::start, wire::Start{}, [](const Result<void>&) {});
  link->query<wire::Stats>(wire::MessageType::stats, wire::Empty(),
                           [](const Result<wire::Stats>&) {});
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CHECK(file::write_all(pair.second, bytes_of(bytes)).ok());
  pair.second.reset();
  CHECK(loop->run().ok());
  return 0;
}
