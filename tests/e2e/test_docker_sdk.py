"""SDKs as clients of the herd: python3-docker of Debian, and dockerode by npm."""

import io
import json
import shutil
import subprocess
import tarfile
import threading
import time

import pytest

from herdlab import until

docker = pytest.importorskip("docker", reason="no python3-docker: scripts/install-packages test")

# The SDK's own affair.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DOCKERODE = "dockerode"
ON_OWNER = {"environment": ["constraint:node==host1"], "network_mode": "none"}


@pytest.fixture
def client(herd):
    """Asks the second host; ON_OWNER puts containers onto the first."""
    herd.strip()
    made = docker.DockerClient(base_url=f"tcp://{herd[1].address}:{herd[1].port}", timeout=60)
    yield made
    made.close()


def started(client, *command, **more):
    return client.containers.run("busybox", list(command) or ["sleep", "3600"], detach=True,
                                 **{**ON_OWNER, **more})


def archive_of(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_run_returns_the_output_or_raises_with_it(client):
    assert client.containers.run("busybox", ["echo", "said"], remove=True, **ON_OWNER) == b"said\n"
    with pytest.raises(docker.errors.ContainerError) as error:
        client.containers.run("busybox", ["sh", "-c", "echo oops >&2; exit 3"], **ON_OWNER)
    assert error.value.exit_status == 3 and error.value.stderr == b"oops\n"


def test_life_of_a_container(client):
    container = started(client, "sh", "-c", "echo up; sleep 3600", name="box",
                        labels={"kind": "test"})
    assert [each.id for each in client.containers.list()] == [container.id]
    assert client.containers.get("box").id == container.id
    assert container.status in ("created", "running")
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("case")
    assert client.containers.get("case").id == container.id
    container.update(cpu_shares=300)
    container.restart(timeout=0)
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    assert client.containers.list() == []
    assert client.containers.list(all=True, filters={"label": "kind=test"}) == [container]
    container.remove()
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("case")


def test_errors_are_docker_s(client):
    for call in (lambda: client.containers.get("nobody"), lambda: client.networks.get("absent"),
                 lambda: client.volumes.get("absent")):
        with pytest.raises(docker.errors.NotFound):
            call()
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("absent:v1")
    started(client, name="box")
    with pytest.raises(docker.errors.APIError) as error:
        started(client, name="box")
    assert error.value.status_code == 409 and "is already in use" in error.value.explanation


def test_logs_as_a_whole_and_as_a_stream(client):
    container = started(client, "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done; sleep 1")
    stream = container.logs(stream=True, follow=True)
    assert b"".join(stream) == b"1\n2\n3\n"
    assert container.logs() == b"1\n2\n3\n" and container.logs(tail=1) == b"3\n"


def test_attach_with_a_socket_is_a_conversation(client):
    container = started(client, "cat", stdin_open=True)
    attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    connection = attached._sock  # The raw one: what the SDK gives is for reading only.
    for word in (b"first\n", b"second\n"):
        connection.sendall(word)
        assert attached.read(8 + len(word))[8:] == word
    attached.close()


def test_exec_run_in_all_forms(client):
    container = started(client)
    assert container.exec_run(["sh", "-c", "echo out; exit 4"]) == (4, b"out\n")
    code, (out, err) = container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
    assert (code, out, err) == (0, b"out\n", b"err\n")
    _, stream = container.exec_run(["sh", "-c", "echo 1; sleep 0.2; echo 2"], stream=True)
    assert b"".join(stream) == b"1\n2\n"
    _, connection = container.exec_run(["cat"], stdin=True, socket=True)
    connection._sock.sendall(b"through\n")
    assert connection.read(8 + 8)[8:] == b"through\n"
    connection.close()


def test_archives_go_in_and_out(client):
    container = started(client)
    content = bytes(range(256)) * 20000
    assert container.put_archive("/tmp", archive_of(file=content))
    stream, stat = container.get_archive("/tmp/file")
    assert (stat["name"], stat["size"]) == ("file", len(content))
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        assert archive.extractfile("file").read() == content
    with pytest.raises(docker.errors.NotFound):
        container.get_archive("/no/such")


def test_stats_top_diff_and_export(client):
    container = started(client)
    container.exec_run(["touch", "/new"])
    assert {"Path": "/new", "Kind": 1} in container.diff()
    assert container.top()["Processes"][0][-1] == "sleep 3600"
    assert container.stats(stream=False)["pids_stats"]["current"] == 1
    rounds = container.stats(stream=True, decode=True)
    assert [next(rounds)["id"] for _ in range(2)] == [container.id] * 2
    rounds.close()
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as archive:
        assert "new" in archive.getnames()


def test_events_arrive_as_they_happen_and_those_of_the_past(client):
    begin = time.time()
    events = client.events(decode=True, filters={"type": "container"})
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(events)), daemon=True)
    reader.start()
    time.sleep(0.5)
    container = started(client)
    container.remove(force=True)
    until(lambda: [each["Action"] for each in seen if each["id"] == container.id]
          == ["create", "start", "kill", "die", "destroy"], 60)
    events.close()
    past = list(client.events(decode=True, since=begin, until=time.time() + 1,
                              filters={"container": container.id}))
    assert [each["Action"] for each in past] == ["create", "start", "kill", "die", "destroy"]


def test_images_by_the_sdk(client):
    assert any("busybox:latest" in image.tags for image in client.images.list())
    image = client.images.get("busybox")
    assert image.tag("also", "v1")
    saved = b"".join(client.images.get("also:v1").save(named="also:v1"))
    client.images.remove("also:v1")
    [loaded] = client.images.load(saved)
    assert "also:v1" in loaded.tags
    committed = started(client).commit("made", "v1")
    assert "made:v1" in committed.tags and committed.history()
    built, log = client.images.build(
        fileobj=io.BytesIO(b"FROM busybox\nRUN echo building > /f\n"), tag="built:v1")
    assert "built:v1" in built.tags and any("RUN echo building" in str(line) for line in log)
    assert client.containers.run("built:v1", ["cat", "/f"], remove=True) == b"building\n"
    with pytest.raises(docker.errors.BuildError):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 7\n"))


def test_networks_and_volumes_by_the_sdk(client):
    network = client.networks.create("front", driver="bridge", labels={"kind": "test"})
    assert [each.name for each in client.networks.list(names=["front"])] == ["front"]
    container = started(client, network_mode="bridge")
    network.connect(container)
    network.reload()
    assert [each.id for each in network.containers] == [container.id]
    network.disconnect(container)
    container.remove(force=True)
    network.remove()
    volume = client.volumes.create("data", labels={"kind": "test"})
    assert [each.name for each in client.volumes.list(filters={"label": "kind=test"})] == ["data"]
    volume.remove()
    assert client.volumes.list() == []


def test_the_system_by_the_sdk(client):
    assert client.ping() is True
    assert client.version()["ApiVersion"] == "1.41"
    assert client.info()["Containers"] == 0
    assert set(client.df()) >= {"LayersSize", "Images", "Containers", "Volumes"}


def test_swarm_mode_is_refused_in_docker_s_form(client):
    with pytest.raises(docker.errors.APIError) as error:
        client.swarm.init()
    assert error.value.status_code == 501 and error.value.explanation


# dockerode ----------------------------------------------------------------------------------------

PROGRAM = r"""
const Docker = require('dockerode');
const { PassThrough } = require('stream');
const docker = new Docker({ host: process.argv[2], port: process.argv[3] });
const collected = () => {
  const stream = new PassThrough();
  stream.text = '';
  stream.on('data', (piece) => { stream.text += piece; });
  return stream;
};
const ended = (stream) => new Promise((resolve) => stream.on('end', resolve));
const onOwner = { Env: ['constraint:node==host1'], HostConfig: { NetworkMode: 'none' } };

async function main() {
  const told = {};
  const out = collected();
  const [result, ran] = await docker.run('busybox', ['sh', '-c', 'echo ran; exit 5'], out,
    { ...onOwner, Tty: false });
  told.run = [result.StatusCode, out.text.includes('ran')];
  await ran.remove();

  const box = await docker.createContainer({ ...onOwner, Image: 'busybox', name: 'box',
    Cmd: ['sh', '-c', 'echo up; cat'], OpenStdin: true });
  const attached = await box.attach({ stream: true, stdin: true, stdout: true, hijack: true });
  const said = collected();
  docker.modem.demuxStream(attached, said, said);
  await box.start();
  attached.write('typed\n');
  while (!said.text.includes('typed')) await new Promise((next) => setTimeout(next, 20));
  told.attach = said.text;

  const exec = await box.exec({ Cmd: ['sh', '-c', 'wc -c; exit 6'], AttachStdin: true,
    AttachStdout: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  const counted = collected();
  docker.modem.demuxStream(stream, counted, counted);
  stream.end('12345');
  await ended(stream);
  told.exec = [counted.text.trim(), (await exec.inspect()).ExitCode];

  told.logs = (await box.logs({ stdout: true })).toString().includes('up');
  told.list = (await docker.listContainers()).map((each) => each.Id === box.id);
  told.stats = (await box.stats({ stream: false })).pids_stats.current > 0;
  const events = await docker.getEvents({ filters: { container: ['box'] } });
  const heard = collected();
  events.pipe(heard);
  await box.kill();
  while (!heard.text.includes('"die"')) await new Promise((next) => setTimeout(next, 20));
  events.destroy();
  await box.remove();
  told.gone = await docker.getContainer('box').inspect().catch((error) => error.statusCode);

  const network = await docker.createNetwork({ Name: 'front' });
  told.network = (await network.inspect()).Name;
  await network.remove();
  const volume = await docker.createVolume({ Name: 'data' });
  told.volume = (await docker.listVolumes()).Volumes.map((each) => each.Name);
  await docker.getVolume('data').remove();
  told.images = (await docker.listImages()).some((each) =>
    (each.RepoTags || []).includes('busybox:latest'));
  console.log(JSON.stringify(told));
  process.exit(0);
}
main().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def dockerode(tmp_path_factory):
    """A directory where require('dockerode') works."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("no npm")
    directory = tmp_path_factory.mktemp("dockerode")
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", DOCKERODE], cwd=directory,
        capture_output=True, text=True, timeout=300, check=False)
    if installed.returncode != 0:
        pytest.skip(f"npm cannot fetch dockerode: {installed.stderr[-300:]}")
    return directory


def test_dockerode_runs_attaches_and_lists(herd, dockerode):
    herd.strip()
    (dockerode / "program.js").write_text(PROGRAM)
    ended = subprocess.run(["node", "program.js", herd[1].address, str(herd[1].port)], cwd=dockerode,
                           capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended
    assert json.loads(ended.stdout) == {
        "run": [5, True], "attach": "up\ntyped\n", "exec": ["5", 6], "logs": True, "list": [True],
        "stats": True, "gone": 404, "network": "front", "volume": ["data"], "images": True}
