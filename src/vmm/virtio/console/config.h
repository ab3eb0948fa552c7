// The console device's layouts: configuration and control messages (virtio 1.2, 5.3.4 and 5.3.6).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::console {

constexpr std::uint64_t kFeatureMultiport = 1U << 1;

struct ConsoleConfig {
  Le16 columns;
  Le16 rows;
  Le32 max_ports;
  Le32 emergency_write;
};
static_assert(sizeof(ConsoleConfig) == 12);

enum class ControlEvent : std::uint16_t {
  device_ready = 0,  // driver: send me the ports
  port_add = 1,
  port_ready = 3,  // driver: the port is set up
  console_port = 4,
  port_open = 6,  // both: this end is open, or not
  port_name = 7,  // the name follows the message
};

struct ControlMessage {
  Le32 port;
  Le16 event;
  Le16 value;
};
static_assert(sizeof(ControlMessage) == 8);

// Queues: two of port 0, two for control messages, two of each further port. The first of a pair
// goes to the driver.
constexpr std::uint16_t kControlToDriver = 2;
constexpr std::uint16_t kControlFromDriver = 3;

constexpr std::uint16_t queue_to_driver(std::size_t port) {
  return static_cast<std::uint16_t>(port == 0 ? 0 : 2 * port + 2);
}

}  // namespace proa::vmm::virtio::console
