"""Drives proad by docker-py as its users do; prints what came back as JSON.

Usage: docker_py.py SOCKET IMAGE RUNTIME
"""
import io
import json
import sys
import tarfile

import docker

socket, image, runtime = sys.argv[1:4]
client = docker.DockerClient(base_url=f"unix://{socket}")
facts = {}

facts["hello"] = client.containers.run(image, ["echo", "hi"], remove=True, runtime=runtime, network_mode="none").decode()
try:
    client.containers.run(image, ["sh", "-c", "exit 6"], remove=True, runtime=runtime, network_mode="none")
except docker.errors.ContainerError as error:
    facts["code"] = error.exit_status
try:
    client.containers.create("no/such-image", runtime=runtime, network_mode="none")
except docker.errors.APIError as error:
    facts["missing"] = type(error).__name__

box = client.containers.run(image, ["sh", "-c", "echo logged; exec sleep 600"], detach=True,
                            name="py", labels={"a": "b"}, runtime=runtime, network_mode="none")
facts["names"] = [one.name for one in client.containers.list(filters={"label": "a=b"})]
code, output = box.exec_run(["sh", "-c", "echo out; echo err >&2; exit 2"], demux=True)
facts["exec"] = [code, output[0].decode(), output[1].decode()]

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("file")
    entry.size = 4
    tar.addfile(entry, io.BytesIO(b"data"))
facts["put"] = box.put_archive("/tmp", archive.getvalue())
chunks, stat = box.get_archive("/tmp/file")
with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
    facts["got"] = tar.extractfile("file").read().decode()
facts["stat"] = [stat["name"], stat["size"]]

facts["stats"] = box.stats(stream=False)["name"]
box.stop(timeout=0)
box.reload()
facts["status"] = box.status
facts["logs"] = box.logs().decode()
box.remove()
facts["left"] = len(client.containers.list(all=True))
print(json.dumps(facts))
