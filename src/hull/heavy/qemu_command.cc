#include "hull/heavy/qemu_command.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "hull/heavy/vmdk.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

constexpr const char* kQemu = "/usr/bin/qemu-system-x86_64";
constexpr int kFirstDescriptor = 3;
constexpr std::size_t kMaxCommandLine = 2000;  // bytes; the kernel takes 2048
// Enters a PVH kernel with the least of work; QEMU's own firmware where it is missing.
constexpr const char* kFirmware = "/usr/share/qemu/qboot.rom";
// Translated code; QEMU starts over when it is full.
constexpr const char* kTranslations = "64";  // MiB

class Builder {
 public:
  explicit Builder(QemuCommand& command) : command_(command) { command.arguments = {kQemu}; }

  void add(std::initializer_list<std::string> words) {
    command_.arguments.insert(command_.arguments.end(), words);
  }
  // QEMU's number for the descriptor.
  int pass(Fd fd) {
    command_.descriptors.push_back(std::move(fd));
    return kFirstDescriptor + static_cast<int>(command_.descriptors.size()) - 1;
  }
  // A name for QEMU's block layer, which opens "files" of a set by duplicating its descriptors.
  std::string pass_as_file(Fd fd) {
    const int number = pass(std::move(fd));
    add({"-add-fd", cat("fd=", number, ",set=", number)});
    return cat("/dev/fdset/", number);
  }
  // A name for what is no block device, opened once more through /proc.
  std::string pass_as_path(Fd fd) { return cat("/proc/self/fd/", pass(std::move(fd))); }

 private:
  QemuCommand& command_;
};

Result<Fd> text_as_file(const std::string& text) {
  Fd fd(::memfd_create("disk", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return fail_errno("making a file in memory");
  TRY(file::write_all(fd, bytes_of(text)));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return fail_errno("sealing a file in memory");
  }
  // By a descriptor of its own that reads only, as QEMU asks for.
  return file::open(cat("/proc/self/fd/", fd.get()), O_RDONLY);
}

Result<void> add_layers(Builder& builder, QemuCommand& command, const VmSpec& spec) {
  if (spec.layers.empty()) return {};
  std::vector<Extent> extents;
  std::uint64_t offset = 0;
  for (const std::string& path : spec.layers) {
    Fd layer = TRY(file::open(path, O_RDONLY));
    const struct stat status = TRY(file::stat(layer));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size == 0 || size % 512 != 0) {
      return fail(ErrorKind::invalid_argument, "layer ", path, " is no multiple of 512 bytes");
    }
    extents.push_back({builder.pass_as_file(std::move(layer)), size});
    command.layer_places.push_back({kLayersSerial, offset, size});
    offset += size;
  }
  const std::string descriptor = builder.pass_as_file(TRY(text_as_file(print_vmdk(extents))));
  builder.add({"-blockdev",
               cat("driver=vmdk,node-name=layers,read-only=on,file.driver=file,file.read-only=on,"
                   "file.filename=",
                   descriptor),
               "-device", cat("virtio-blk-pci,drive=layers,serial=", kLayersSerial)});
  return {};
}

Result<void> add_disk(Builder& builder, const VmSpec& spec) {
  if (spec.disk.empty()) return {};
  const std::string name = builder.pass_as_file(TRY(file::open(spec.disk, O_RDWR)));
  builder.add({"-blockdev",
               cat("driver=raw,node-name=disk,discard=unmap,file.driver=file,file.discard=unmap,"
                   "file.filename=",
                   name),
               "-device", cat("virtio-blk-pci,drive=disk,serial=", kDiskSerial)});
  return {};
}

void add_processor(Builder& builder, const VmSpec& spec, Accelerator accelerator) {
  const std::uint64_t mebibytes = spec.memory >> 20;
  std::string machine = "q35,usb=off,smbus=off,sata=off,graphics=off,vmport=off,i8042=off";
  if (spec.shares.valid()) {
    builder.add({"-object", cat("memory-backend-memfd,id=memory,share=on,size=", mebibytes, "M")});
    machine += ",memory-backend=memory";
  }
  builder.add({"-machine", machine});
  if (accelerator == Accelerator::kvm) {
    builder.add({"-accel", "kvm", "-cpu", "host"});
  } else {
    // Five levels of page tables only make each miss dearer here.
    builder.add({"-accel", cat("tcg,tb-size=", kTranslations), "-cpu", "max,la57=off"});
  }
  builder.add({"-m", cat(mebibytes, "M"), "-smp", cat(spec.vcpus)});
}

}  // namespace

Result<QemuCommand> make_qemu_command(VmSpec& spec, Fd control, Accelerator accelerator) {
  if (spec.command_line.size() > kMaxCommandLine) {
    return fail(ErrorKind::invalid_argument, "the kernel's command line is too long");
  }
  QemuCommand command;
  Builder builder(command);
  builder.add({"-name", spec.id.substr(0, 12), "-nodefaults", "-no-user-config", "-no-reboot",
               "-display", "none", "-sandbox",
               "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"});
  add_processor(builder, spec, accelerator);
  if (file::exists(kFirmware)) builder.add({"-bios", kFirmware});
  builder.add({"-kernel", builder.pass_as_path(TRY(file::open(spec.kernel, O_RDONLY)))});
  builder.add({"-initrd", builder.pass_as_path(TRY(file::open(spec.initramfs, O_RDONLY)))});
  builder.add({"-append", spec.command_line});
  builder.add({"-chardev", cat("socket,id=control,fd=", builder.pass(std::move(control))), "-mon",
               "chardev=control,mode=control"});
  builder.add({"-chardev", cat("socket,id=agent,fd=", builder.pass(std::move(spec.agent))),
               "-device", "virtio-serial-pci,max_ports=2", "-device",
               cat("virtserialport,chardev=agent,name=", kAgentPort)});
  TRY(add_layers(builder, command, spec));
  TRY(add_disk(builder, spec));
  int number = 0;
  for (Nic& nic : spec.nics) {
    builder.add({"-netdev", cat("tap,id=net", number, ",fd=", builder.pass(std::move(nic.tap))),
                 "-device",
                 cat("virtio-net-pci,netdev=net", number, ",mac=", nic.mac, ",romfile=")});
    ++number;
  }
  if (spec.shares.valid()) {
    builder.add({"-chardev", cat("socket,id=shares,fd=", builder.pass(std::move(spec.shares))),
                 "-device", cat("vhost-user-fs-pci,chardev=shares,tag=", kSharesTag)});
  }
  return command;
}

}  // namespace proa::hull
