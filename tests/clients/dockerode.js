// Starts, attaches to and execs into a container by dockerode; prints what came back as JSON.
// Usage: node dockerode.js SOCKET IMAGE RUNTIME
'use strict';
const stream = require('stream');
const Docker = require('dockerode');

const [socketPath, image, runtime] = process.argv.slice(2);
const docker = new Docker({socketPath});

function collect() {
  const sink = new stream.Writable({
    write(chunk, encoding, done) {
      sink.text += chunk.toString();
      done();
    },
  });
  sink.text = '';
  return sink;
}

function ended(source) {
  return new Promise((resolve, reject) => {
    source.on('end', resolve);
    source.on('close', resolve);
    source.on('error', reject);
  });
}

async function runWithInput() {
  const container = await docker.createContainer({
    Image: image, Cmd: ['sh', '-c', 'read line; echo "got $line"; echo oops >&2; exit 3'],
    OpenStdin: true, StdinOnce: true, HostConfig: {Runtime: runtime, NetworkMode: 'none'},
  });
  const attached = await container.attach(
    {stream: true, stdin: true, stdout: true, stderr: true, hijack: true});
  const out = collect(), err = collect();
  container.modem.demuxStream(attached, out, err);
  const finished = ended(attached);
  await container.start();
  attached.write('typed\n');
  attached.end();
  await finished;
  const {StatusCode: code} = await container.wait();
  await container.remove();
  return {out: out.text, err: err.text, code};
}

async function execInto() {
  const container = await docker.createContainer(
    {Image: image, Cmd: ['sleep', '600'], HostConfig: {Runtime: runtime, NetworkMode: 'none'}});
  await container.start();
  const exec = await container.exec(
    {Cmd: ['sh', '-c', 'cat; exit 4'], AttachStdin: true, AttachStdout: true});
  const session = await exec.start({hijack: true, stdin: true});
  const out = collect();
  container.modem.demuxStream(session, out, out);
  const finished = ended(session);
  session.write('through exec');
  session.end();
  await finished;
  const {ExitCode: code} = await exec.inspect();
  await container.remove({force: true});
  return {out: out.text, code};
}

(async () => {
  const ran = await runWithInput();
  const executed = await execInto();
  const left = await docker.listContainers({all: true});
  process.stdout.write(JSON.stringify({ran, executed, left: left.length}));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
