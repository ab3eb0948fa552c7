// What a server answers, and what a guest does to the device in front of it.
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/socket/unix_stream.h"
#include "vmm/virtio/fs/vhost_user.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  if (size > 4096) return 0;
  socket::Pair pair = socket::stream_pair(socket::Blocking::no).take();
  const std::string_view answers(reinterpret_cast<const char*>(data), size);
  if (!answers.empty()) CHECK(socket::send(pair.second, answers, {}).ok());
  // All answers are there before the questions; behind them the server has gone.
  socket::shut_down_sending(pair.second);
  auto server = vmm::virtio::fs::VhostUser::open(std::move(pair.first));
  if (!server.ok()) return 0;
  if (!server.value().set_features(server.value().features()).ok()) return 0;
  discard(server.value().stop_queue(0), "any answer will do but a crash");
  return 0;
}
