// All commands. Another subject gets a line in a group here, and a file of its own.
#include <algorithm>

#include "apps/cli/app/commands.h"
#include "apps/cli/build/commands.h"
#include "apps/cli/command.h"
#include "apps/cli/compare/commands.h"
#include "apps/cli/container/commands.h"
#include "apps/cli/image/commands.h"
#include "apps/cli/system/commands.h"

namespace proa::cli {
namespace {

constexpr bool kOtherName = false;

constexpr Entry kTop[] = {
    {"run", &kRun},
    {"exec", &kExec},
    {"ps", &kList},
    {"build", &kBuild},
    {"images", &kImages},
    {"pull", &kPull},
    {"push", &kPush},
    {"up", &kAppUp},
    {"down", &kAppDown},
    {"scale", &kAppScale},
    {"config", &kAppConfig},
    {"compare", &kCompare},
    {"login", &kLogin},
    {"logout", &kLogout},
    {"version", &kVersion},
    {"info", &kInfo},
    {"attach", &kAttach},
    {"commit", &kCommit},
    {"cp", &kCopy},
    {"create", &kCreate},
    {"diff", &kDiff},
    {"doctor", &kDoctor},
    {"events", &kEvents},
    {"export", &kExport},
    {"history", &kHistory},
    {"import", &kImport},
    {"inspect", &kInspect},
    {"kill", &kKill},
    {"load", &kLoad},
    {"logs", &kLogs},
    {"pause", &kPause},
    {"port", &kPort},
    {"rename", &kRename},
    {"restart", &kRestart},
    {"rm", &kRemove},
    {"rmi", &kRemoveImage},
    {"save", &kSave},
    {"search", &kSearch, kOtherName},
    {"start", &kStart},
    {"stats", &kStats},
    {"stop", &kStop},
    {"tag", &kTag},
    {"top", &kTopProcesses},
    {"unpause", &kUnpause},
    {"update", &kUpdate},
    {"wait", &kWait},
    {"completion", &kCompletion},
    {"__complete", &kComplete, kOtherName},
};

constexpr Entry kContainer[] = {
    {"attach", &kAttach},
    {"commit", &kCommit},
    {"cp", &kCopy},
    {"create", &kCreate},
    {"diff", &kDiff},
    {"exec", &kExec},
    {"export", &kExport},
    {"inspect", &kContainerInspect},
    {"kill", &kKill},
    {"logs", &kLogs},
    {"ls", &kList},
    {"list", &kList, kOtherName},
    {"ps", &kList, kOtherName},
    {"pause", &kPause},
    {"port", &kPort},
    {"prune", &kContainerPrune},
    {"rename", &kRename},
    {"restart", &kRestart},
    {"rm", &kRemove},
    {"remove", &kRemove, kOtherName},
    {"run", &kRun},
    {"start", &kStart},
    {"stats", &kStats},
    {"stop", &kStop},
    {"top", &kTopProcesses},
    {"unpause", &kUnpause},
    {"update", &kUpdate},
    {"wait", &kWait},
};

constexpr Entry kBuilder[] = {
    {"build", &kBuild},
    {"prune", &kBuildPrune},
};

constexpr Entry kImage[] = {
    {"build", &kBuild},
    {"df", &kImageUsage},
    {"history", &kHistory},
    {"import", &kImport},
    {"inspect", &kImageInspect},
    {"load", &kLoad},
    {"ls", &kImages},
    {"list", &kImages, kOtherName},
    {"prune", &kImagePrune},
    {"pull", &kPull},
    {"push", &kPush},
    {"rm", &kRemoveImage},
    {"remove", &kRemoveImage, kOtherName},
    {"save", &kSave},
    {"tag", &kTag},
    {"verify", &kImageVerify},
};

constexpr Entry kVolume[] = {
    {"create", &kVolumeCreate},
    {"inspect", &kVolumeInspect},
    {"ls", &kVolumeList},
    {"list", &kVolumeList, kOtherName},
    {"prune", &kVolumePrune},
    {"rm", &kVolumeRemove},
    {"remove", &kVolumeRemove, kOtherName},
};

constexpr Entry kNetwork[] = {
    {"connect", &kNetworkConnect},
    {"create", &kNetworkCreate},
    {"disconnect", &kNetworkDisconnect},
    {"inspect", &kNetworkInspect},
    {"ls", &kNetworkList},
    {"list", &kNetworkList, kOtherName},
    {"prune", &kNetworkPrune},
    {"rm", &kNetworkRemove},
    {"remove", &kNetworkRemove, kOtherName},
};

constexpr Entry kSystem[] = {
    {"df", &kSystemUsage},
    {"events", &kEvents},
    {"info", &kInfo},
    {"prune", &kSystemPrune},
};

constexpr Entry kApp[] = {
    {"build", &kAppBuild},     {"config", &kAppConfig}, {"down", &kAppDown},   {"kill", &kAppKill},
    {"logs", &kAppLogs},       {"ls", &kAppProjects},   {"ps", &kAppList},     {"pull", &kAppPull},
    {"restart", &kAppRestart}, {"scale", &kAppScale},   {"start", &kAppStart}, {"stop", &kAppStop},
    {"up", &kAppUp},
};

constexpr Group kGroups[] = {
    {"", "", kTop},
    {"builder", "Work with builds", kBuilder},
    {"compose", "Work with apps: Compose files", kApp},
    {"container", "Work with containers and virtual machines", kContainer},
    {"image", "Work with images", kImage},
    {"network", "Work with networks", kNetwork},
    {"system", "Look after the engine", kSystem},
    {"volume", "Work with volumes", kVolume},
};

}  // namespace

std::span<const Group> all_groups() { return kGroups; }

const Group* find_group(std::string_view name) {
  const auto* found = std::ranges::find(kGroups, name, &Group::name);
  return found == std::end(kGroups) ? nullptr : found;
}

const Command* find_command(const Group& group, std::string_view name) {
  const auto found = std::ranges::find(group.entries, name, &Entry::name);
  return found == group.entries.end() ? nullptr : found->command;
}

}  // namespace proa::cli
