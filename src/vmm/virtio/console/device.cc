#include "vmm/virtio/console/device.h"

#include <utility>

#include "kernel/socket/unix_stream.h"

namespace proa::vmm::virtio::console {
namespace {

constexpr std::uint16_t kQueueSize = 64;
constexpr std::size_t kMaxName = 64;
// A driver that asks and asks and takes no answer is broken: a correct one gets four a port.
constexpr std::size_t kMaxMessages = 8 * kMaxPorts;

}  // namespace

Result<std::unique_ptr<ConsoleDevice>> ConsoleDevice::create(std::vector<PortSetup> ports) {
  if (ports.empty() || ports.size() > kMaxPorts) {
    return fail(ErrorKind::invalid_argument, "a console of ", ports.size(), " ports");
  }
  std::unique_ptr<ConsoleDevice> device(new ConsoleDevice);
  for (PortSetup& port : ports) {
    if (port.name.empty() || port.name.size() > kMaxName) {
      return fail(ErrorKind::invalid_argument, "a port's name of ", port.name.size(), " bytes");
    }
    TRY(socket::set_blocking(port.stream, socket::Blocking::no));
    device->ports_.push_back(
        std::make_unique<Port>(std::move(port.name), port.kind, std::move(port.stream)));
  }
  return device;
}

std::vector<std::uint16_t> ConsoleDevice::queue_sizes() const {
  return std::vector<std::uint16_t>(2 * ports_.size() + 2, kQueueSize);
}

void ConsoleDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  ConsoleConfig config;
  config.max_ports = static_cast<std::uint32_t>(ports_.size());
  read_config_bytes(bytes_of(config), offset, into);
}

Result<void> ConsoleDevice::activate(const Activation& activation) {
  activation_ = activation;
  const bool multiport = activation.has(kFeatureMultiport);
  if (!multiport) ports_[0]->assume_guest_open();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    TRY(ports_[i]->activate(activation, queue_to_driver(i), [this, i] { on_host_close(i); }));
    if (!multiport) break;
  }
  return {};
}

void ConsoleDevice::reset() {
  for (const auto& port : ports_) port->reset();
  messages_.clear();
  activation_ = {};
}

Result<void> ConsoleDevice::process(std::uint16_t queue) {
  const bool control = queue == kControlToDriver || queue == kControlFromDriver;
  if (control && !activation_.has(kFeatureMultiport)) return {};
  if (queue == kControlToDriver) return deliver_control();
  if (queue == kControlFromDriver) return read_control();
  const std::size_t index = queue < kControlToDriver ? 0 : queue / 2U - 1;
  if (index != 0 && !activation_.has(kFeatureMultiport)) return {};
  return queue % 2 == 0 ? ports_[index]->to_guest() : ports_[index]->from_guest();
}

Result<void> ConsoleDevice::tell(std::size_t port, ControlEvent event, std::uint16_t value,
                                 std::string_view text) {
  if (messages_.size() == kMaxMessages) {
    return fail(ErrorKind::guest_fault, "the driver takes no control messages");
  }
  ControlMessage message;
  message.port = static_cast<std::uint32_t>(port);
  message.event = static_cast<std::uint16_t>(event);
  message.value = value;
  messages_.push_back(cat(text_of(bytes_of(message)), text));
  return deliver_control();
}

Result<void> ConsoleDevice::deliver_control() {
  if (!activation_.queues[kControlToDriver].has_value()) return {};
  Queue& queue = *activation_.queues[kControlToDriver];
  while (!messages_.empty()) {
    bool popped = TRY(queue.pop(answer_));
    if (!popped && TRY(queue.enable_kicks())) popped = TRY(queue.pop(answer_));
    if (!popped) break;
    const std::string& message = messages_.front();
    Cursor cursor = Cursor::writable(answer_);
    TRY(cursor.write(*activation_.memory, bytes_of(std::string_view(message))));
    TRY(queue.push(answer_.head, static_cast<std::uint32_t>(message.size())));
    messages_.pop_front();
  }
  if (TRY(queue.flush())) activation_.host->interrupt(kControlToDriver);
  return {};
}

Result<void> ConsoleDevice::read_control() {
  if (!activation_.queues[kControlFromDriver].has_value()) return {};
  return serve_all(*activation_.queues[kControlFromDriver], *activation_.host, kControlFromDriver,
                   request_, [this](const Chain& chain) -> Result<std::uint32_t> {
                     Cursor cursor = Cursor::readable(chain);
                     const auto message =
                         TRY(cursor.read_object<ControlMessage>(*activation_.memory));
                     TRY(obey(message));
                     return std::uint32_t{0};
                   });
}

Result<void> ConsoleDevice::obey(const ControlMessage& message) {
  const std::size_t index = message.port;
  const auto event = static_cast<ControlEvent>(message.event.get());
  if (event == ControlEvent::device_ready) {
    if (message.value == 0) return {};
    for (std::size_t i = 0; i < ports_.size(); ++i) TRY(tell(i, ControlEvent::port_add, 0));
    return {};
  }
  if (index >= ports_.size()) return fail(ErrorKind::guest_fault, "a message for port ", index);
  Port& port = *ports_[index];
  switch (event) {
    case ControlEvent::port_ready:
      if (message.value == 0) return {};
      if (port.kind() == PortKind::terminal) TRY(tell(index, ControlEvent::console_port, 1));
      TRY(tell(index, ControlEvent::port_name, 1, port.name()));
      if (port.host_open()) TRY(tell(index, ControlEvent::port_open, 1));
      // A terminal is read as long as it is there.
      return port.kind() == PortKind::terminal ? port.set_guest_open(true) : Result<void>();
    case ControlEvent::port_open:
      if (port.kind() == PortKind::terminal) return {};
      return port.set_guest_open(message.value != 0);
    case ControlEvent::device_ready:
    case ControlEvent::port_add:
    case ControlEvent::console_port:
    case ControlEvent::port_name:
      break;
  }
  return {};
}

void ConsoleDevice::on_host_close(std::size_t port) {
  if (!activation_.has(kFeatureMultiport)) return;
  const Result<void> told = tell(port, ControlEvent::port_open, 0);
  if (!told.ok()) activation_.host->fail(told.error());
}

}  // namespace proa::vmm::virtio::console
