// Archives and layers made to harm: each is refused with the reason named, and nothing stays.
#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/system/image_fixture.h"

namespace proa::tests {
namespace {

using ::testing::HasSubstr;

class ImageHostileTest : public ImageTest {
 protected:
  // What `command` on an empty store is refused with; nothing of it is left.
  std::string refusal(const std::string& command) const {
    const Ran ran = run(cat("rm -rf ", at("root"), "; ", images("root"), command));
    EXPECT_NE(ran.code, 0) << ran.output;
    EXPECT_EQ(image("prune").code, 0);
    EXPECT_EQ(trimmed(run(cat("find ", at("root/layers"), " ", at("root/partial"), " ",
                              at("root/tmp"), " ", at("root/content/blobs"), " -type f | wc -l"))),
              "0");
    return ran.output;
  }
  // Runs a script of Python's tarfile, with `t` open to be written.
  void make_tar(const std::string& name, const std::string& script) const {
    const Ran made = run(cat("cd ", at(""), " && python3 - <<'END'\nimport io, tarfile\n",
                             "def file(t, name, data=b'', **more):\n",
                             "    i = tarfile.TarInfo(name)\n    i.size = len(data)\n",
                             "    for key, value in more.items(): setattr(i, key, value)\n",
                             "    t.addfile(i, io.BytesIO(data))\n", "t = tarfile.open('", name,
                             "', 'w')\n", script, "\nt.close()\nEND"));
    ASSERT_EQ(made.code, 0) << made.output;
  }
};

TEST_F(ImageHostileTest, worker_that_reads_an_archive_has_no_rights) {
  const Ran ran = run(cat(
      "mkfifo ", at("in"), "; ", images("root"), "import x:1 <", at("in"), " & ours=$!; exec 9>",
      at("in"), "; for turn in $(seq 200); do ", "worker=$(pgrep -P $ours proa-worker) && ",
      "grep -q 'Seccomp:.2' /proc/$worker/status && break; sleep 0.05; done; ",
      "cat /proc/$worker/status; ls /proc/$worker/root/; exec 9>&-; wait $ours"));
  for (const char* line : {"Uid:\t65534\t65534\t65534", "CapPrm:\t0000000000000000",
                           "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"}) {
    EXPECT_THAT(ran.output, HasSubstr(line));
  }
}

TEST_F(ImageHostileTest, archive_that_is_a_bomb_is_stopped) {
  const Ran made = run(cat("cd ", at(""), " && truncate -s 4G zeros && tar -cf - zeros | ",
                           "zstd -q -19 -o bomb.tar.zst; rm zeros; ls -s bomb.tar.zst"));
  ASSERT_EQ(made.code, 0) << made.output;

  EXPECT_THAT(refusal(cat("load -i ", at("bomb.tar.zst"))), HasSubstr("for each byte"));
  EXPECT_THAT(refusal(cat("import -i ", at("bomb.tar.zst"), " a:1")), HasSubstr("for each"));
}

// An OCI archive `evil.tar` of a small image, and in its index the victim's manifest as what it is
// not; and a Docker archive `pinned.tar` of the same image, with names that end in digests.
constexpr const char* kMakeArchives = R"(
import hashlib, json
def digest(data): return 'sha256:' + hashlib.sha256(data).hexdigest()
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode='w') as l: file(l, 'evil', b'x')
blobs = {}
def keep(kind, data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    blobs[digest(data)] = data
    return {'mediaType': kind, 'digest': digest(data), 'size': len(data)}
V = 'application/vnd.oci.image.'
bottom = keep(V + 'layer.v1.tar', layer.getvalue())
config = keep(V + 'config.v1+json', {'os': 'linux', 'architecture': 'amd64', 'config': {},
              'rootfs': {'type': 'layers', 'diff_ids': [bottom['digest']]}})
manifest = keep(V + 'manifest.v1+json', {'schemaVersion': 2, 'mediaType': V + 'manifest.v1+json',
                'config': config, 'layers': [bottom]})
victim = json.load(open('oci/index.json'))['manifests'][0]
lie = {'mediaType': V + 'index.v1+json', 'digest': victim['digest'], 'size': victim['size'],
       'platform': {'os': 'linux', 'architecture': 'arm'}}
own = dict(manifest, platform={'os': 'linux', 'architecture': 'amd64'})
root = keep(V + 'index.v1+json', {'schemaVersion': 2, 'mediaType': V + 'index.v1+json',
            'manifests': [own, lie]})
root['annotations'] = {'io.containerd.image.name': 'docker.io/library/evil:1'}
file(t, 'oci-layout', b'{"imageLayoutVersion":"1.0.0"}')
file(t, 'index.json', json.dumps({'schemaVersion': 2, 'manifests': [root]}).encode())
for name, data in blobs.items(): file(t, 'blobs/sha256/' + name[7:], data)
pinned = tarfile.open('pinned.tar', 'w')
names = ['node@sha256:' + 'ab' * 32, 'node:20@sha256:' + 'ab' * 32, 'plain:1']
file(pinned, 'manifest.json', json.dumps(
    [{'Config': 'config.json', 'Layers': ['layer.tar'], 'RepoTags': names}]).encode())
file(pinned, 'config.json', blobs[config['digest']])
file(pinned, 'layer.tar', layer.getvalue())
pinned.close()
bulk = tarfile.open('bulk.tar', 'w')
wide = json.dumps(dict(json.loads(blobs[config['digest']]), comment='x' * 3000000)).encode()
one = {'Config': 'config.json', 'Layers': ['layer.tar'], 'RepoTags': []}
file(bulk, 'manifest.json', json.dumps([one] * 100).encode())
file(bulk, 'config.json', wide)
file(bulk, 'layer.tar', layer.getvalue())
bulk.close()
)";

TEST_F(ImageHostileTest, index_that_names_another_images_manifest_as_an_index_harms_nobody) {
  make_tar("evil.tar", kMakeArchives);
  ASSERT_EQ(image(cat("load -i ", at("evil.tar"))).code, 0);
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(image(cat("tag ", name(), " third:1")).code, 0);
  ASSERT_EQ(image("rm third:1").code, 0);
  const Ran verified = image("verify");
  EXPECT_EQ(verified.code, 0) << verified.output;
  EXPECT_EQ(image(cat("inspect ", name())).code, 0);
}

TEST_F(ImageHostileTest, archive_cannot_say_what_a_name_with_a_digest_means) {
  make_tar("evil.tar", kMakeArchives);
  ASSERT_EQ(image(cat("load -i ", at("pinned.tar"))).code, 0);
  EXPECT_EQ(image("inspect plain:1").code, 0);
  std::string digest = "@sha256:";
  for (int byte = 0; byte < 32; ++byte) digest += "ab";
  EXPECT_NE(image(cat("inspect node", digest)).code, 0);
  EXPECT_NE(image(cat("inspect node:20", digest)).code, 0);
}

TEST_F(ImageHostileTest, archive_of_many_large_configurations_is_stopped) {
  make_tar("evil.tar", kMakeArchives);
  EXPECT_THAT(refusal(cat("load -i ", at("bulk.tar"))), HasSubstr("configurations take more"));
}

TEST_F(ImageHostileTest, image_for_another_platform_than_the_one_named_is_refused) {
  EXPECT_THAT(refusal(cat("pull --platform linux/s390x ", name())),
              HasSubstr("wanted linux/s390x, actual: linux/amd64"));
}

// Whatever refused bytes an earlier attempt left, under whoever's digest: the next one begins anew.
TEST_F(ImageHostileTest, refused_bytes_of_an_earlier_attempt_do_not_stop_a_pull) {
  make_tar("long.tar", "file(t, 'd/' * 2500 + 'x', b'x')");
  const Ran planted =
      run(cat("set -e; cd ", at(""), "; mkdir -p root/partial; ", images("root"),
              "ls; gzip -c long.tar >bad; ",
              "for f in oci/blobs/sha256/*; do cp bad root/partial/$(basename $f); done"));
  ASSERT_EQ(planted.code, 0) << planted.output;
  const Ran pulled = image(cat("pull -q ", name()));
  EXPECT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(image("verify").code, 0);
}

TEST_F(ImageHostileTest, archive_of_more_members_than_descriptors_loads) {
  ASSERT_EQ(run(cat(images("full"), "pull -q ", name(), " && ", images("full"), "save -o ",
                    at("a.tar"), " ", name(), " && mkdir ", at("many"), " && cd ", at("many"),
                    " && touch $(seq 600) && tar -rf ", at("a.tar"), " ."))
                .code,
            0);
  const Ran loaded = run(cat("ulimit -n 200; ", images("root"), "load -i ", at("a.tar"), " && ",
                             images("root"), "verify"));
  EXPECT_EQ(loaded.code, 0) << loaded.output;
}

TEST_F(ImageHostileTest, layers_that_lead_outside_are_refused_by_the_entrys_name) {
  struct Case {
    const char* script;
    const char* reason;
  };
  for (const Case& one : {
           Case{"file(t, '../../etc/passwd', b'x')", "../../etc/passwd"},
           Case{"file(t, 'a', type=tarfile.SYMTYPE, linkname='a')\nfile(t, 'a/b', b'x')", "a/b"},
           Case{"file(t, 'h', type=tarfile.LNKTYPE, linkname='/etc/shadow')", "'h'"},
           Case{"file(t, 'f', b'x')\nfile(t, 'f/g', b'x')", "f/g"},
           Case{"file(t, 'n' * 300, b'x')", "nnn"},
           Case{"file(t, 'd', type=tarfile.CHRTYPE, devmajor=1 << 20, devminor=0)", "'d'"},
           Case{"file(t, 'u', b'x', uid=1 << 40)", "uid"},
       }) {
    make_tar("bad.tar", one.script);
    EXPECT_THAT(refusal(cat("import -i ", at("bad.tar"), " a:1")), HasSubstr(one.reason))
        << one.script;
  }
}

TEST_F(ImageHostileTest, archive_whose_parts_disagree_is_refused) {
  ASSERT_EQ(
      run(cat(images("full"), "pull -q ", name(), " && ", images("full"), "save -o ", at("a.tar"),
              " ", name(), " && mkdir ", at("x"), " && tar -C ", at("x"), " -xf ", at("a.tar")))
          .code,
      0);
  // The largest blob is a layer: one byte of it changes.
  const Ran damaged =
      run(cat("cd ", at("x"), " && f=$(ls -S blobs/sha256/* | head -1) && printf x | dd of=$f ",
              "conv=notrunc bs=1 seek=5000 2>/dev/null && tar -cf ", at("bad.tar"), " ."));
  ASSERT_EQ(damaged.code, 0) << damaged.output;
  EXPECT_THAT(refusal(cat("load -i ", at("bad.tar"))), HasSubstr("layer sha256:"));

  make_tar("deep.tar",
           "file(t, 'oci-layout', b'{\"imageLayoutVersion\":\"1.0.0\"}')\n"
           "file(t, 'index.json', b'[' * 100000)");
  EXPECT_THAT(refusal(cat("load -i ", at("deep.tar"))), HasSubstr("nested deeper"));
  make_tar("large.tar",
           "file(t, 'oci-layout', b'{\"imageLayoutVersion\":\"1.0.0\"}')\n"
           "file(t, 'index.json', b' ' * (64 << 20))");
  EXPECT_THAT(refusal(cat("load -i ", at("large.tar"))), HasSubstr("limit"));
  make_tar("neither.tar", "file(t, 'readme', b'x')");
  EXPECT_THAT(refusal(cat("load -i ", at("neither.tar"))), HasSubstr("no archive of images"));
}

}  // namespace
}  // namespace proa::tests
