// Machines that run the guest of tests/guests/ on the host's KVM, for tests. Only tests include
// this.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "kernel/file/file.h"
#include "vmm/machine/machine.h"
#include "vmm/snapshot/snapshot.h"

namespace proa::vmm::fixture {

constexpr std::chrono::seconds kPatience{20};

// Collects what a guest prints and why devices stopped, and waits for it.
class Screen {
 public:
  MachineHost host() {
    return {.serial_sink = [this](std::string_view bytes) { add(bytes); },
            .enter_thread = [](ThreadKind) { return Result<void>(); },
            .devices = {.on_fault = [this](std::string_view device, const Error& error) {
              add(cat("fault of ", device, ": ", error.message(), "\n"));
            }}};
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  bool wait_for(std::string_view expected) {
    std::unique_lock lock(mutex_);
    return printed_.wait_for(lock, kPatience, [&] { return text_.contains(expected); });
  }

 private:
  void add(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    text_ += bytes;
    printed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable printed_;
  std::string text_;
};

// What tests do with machines; a fixture derives from it.
class Machines {
 protected:
  static Result<DeviceList> open(const DeviceSpecs& specs) {
    NamedFiles files;
    TRY(check(specs));
    return open_devices(specs, files);
  }

  static std::unique_ptr<Machine> boot(Screen& screen, const std::string& command,
                                       std::uint32_t vcpus = 1, const DeviceSpecs& devices = {}) {
    MachineSpec spec{.memory_mib = 16, .vcpus = vcpus, .kernel = PROA_TEST_GUEST};
    spec.command_line = command;
    spec.devices = devices;
    const kvm::System system = kvm::System::open().take();
    std::unique_ptr<Machine> machine =
        Machine::create(spec, system, screen.host(), open(devices).take()).take();
    const Fd kernel = file::open(PROA_TEST_GUEST, O_RDONLY).take();
    machine->load(kernel, std::nullopt).take();
    machine->start().take();
    machine->resume();
    return machine;
  }

  // A machine from a snapshot, running.
  static Result<std::unique_ptr<Machine>> restore(Screen& screen, FdRef state, FdRef memory,
                                                  const DeviceSpecs& devices = {}) {
    EXPECT_EQ(::lseek(state.get(), 0, SEEK_SET), 0);
    const kvm::System system = TRY(kvm::System::open());
    DeviceList list = TRY(open(devices));
    std::unique_ptr<Machine> machine =
        TRY(snapshot::restore(system, screen.host(), std::move(list), state, memory));
    TRY(machine->start());
    machine->resume();
    return machine;
  }

  static StopKind wait_for_end(const Machine& machine) {
    pollfd ended = {.fd = machine.ended().get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ended, 1, 20'000), 1);
    return machine.end().has_value() ? machine.end()->kind : StopKind::failed;
  }

  static StopKind end_of(const std::string& command) {
    Screen screen;
    return wait_for_end(*boot(screen, command));
  }
};

}  // namespace proa::vmm::fixture
