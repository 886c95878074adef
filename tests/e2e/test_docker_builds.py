"""Builds by the docker command: on one host, and the image is on all."""

import io
import json
import tarfile

import pytest
from docker_cli import on

HELLO = "FROM busybox\nCOPY hello /hello\nCMD [\"cat\", \"/hello\"]\n"


@pytest.fixture
def context(tmp_path):
    """A directory to build in; called with a Dockerfile and files."""
    def make(dockerfile, **files):
        directory = tmp_path / "context"
        directory.mkdir(exist_ok=True)
        for name, content in {"Dockerfile": dockerfile, **files}.items():
            (directory / name).write_text(content)
        return directory

    return make


def ids(herd, name):
    return [host.docker("images", "-q", "--no-trunc", name) for host in herd.hosts]


def test_a_built_image_is_on_every_host_by_all_of_its_names(docker, herd, context):
    built = docker("build", "-t", "made/here:v1", "-t", "also", context(HELLO, hello="hi"))
    others = [f"[{host.name}] image loaded" for host in herd.hosts]
    assert sum(line in built.lines for line in others) == len(herd.hosts) - 1, built
    for name in ("made/here:v1", "also:latest"):
        assert ids(herd, name)[0] and len(set(ids(herd, name))) == 1
    for host in herd.hosts:
        assert docker("run", "--rm", *on(host), "made/here:v1").out == "hi"
    docker("rmi", "made/here:v1", "also")
    assert ids(herd, "also:latest") == [""] * len(herd.hosts)


def test_what_is_built_again_is_not_loaded_again_but_gets_its_new_name(docker, herd, context):
    directory = context(HELLO, hello="hello")
    docker("build", "-t", "first:v1", directory)
    built = docker("build", "-t", "second:v1", directory)
    assert "image loaded" not in built.out
    assert set(ids(herd, "second:v1")) == set(ids(herd, "first:v1"))
    docker("rmi", "first:v1", "second:v1")


def test_a_quiet_build_says_nothing_but_the_id(docker, herd, context):
    built = docker("build", "-q", "-t", "quiet:v1", context(HELLO, hello="quiet"))
    assert built.text == ids(herd, "quiet:v1")[0]
    assert len(set(ids(herd, "quiet:v1"))) == 1
    docker("rmi", "quiet:v1")


def test_an_image_without_a_name_is_spread_by_its_id(docker, herd, context):
    identity = docker("build", "-q", context(HELLO, hello="nameless")).text
    for host in herd.hosts:
        assert host.docker("image", "inspect", "-f", "{{.Id}}", identity) == identity
    docker("rmi", identity)


def test_a_build_that_fails_ends_as_the_daemon_ends_it(docker, herd, context):
    ended = docker("build", "-t", "broken:v1", context("FROM busybox\nRUN exit 7\n"), check=False)
    assert ended.code == 7 and "returned a non-zero code: 7" in ended.err, ended
    assert ids(herd, "broken:v1") == [""] * len(herd.hosts)
    ended = docker("build", context("NONSENSE\n"), check=False)
    assert ended.code == 1 and "nknown instruction: NONSENSE" in ended.err, ended


def test_a_large_context_arrives_whole(docker, herd, context):
    directory = context("FROM busybox\nCOPY large /large\nRUN sha256sum /large\n")
    (directory / "large").write_bytes(bytes(range(256)) * 4096 * 32)  # 32 MiB
    built = docker("build", "--no-cache", "-t", "large:v1", directory)
    assert "e09320c5b00b34bb704802136c599a95b3996332ba84d7c7f21112b6231b6bd0" in built.out, built
    assert len(set(ids(herd, "large:v1"))) == 1
    docker("rmi", "large:v1")


def test_a_build_from_the_api_passes_its_own_lines_first(one_docker, herd):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        text = b"FROM busybox\nLABEL a=b\n"
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    reply = one_docker.agent.request("POST", "/build?t=api:v1", body=buffer.getvalue(),
                                     headers={"Content-Type": "application/x-tar"})
    assert reply.status == 200
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert lines[0]["stream"].startswith("Step 1/2"), lines
    assert any("aux" in line for line in lines) and "image loaded" in lines[-1]["stream"], lines
    one_docker("rmi", "api:v1")
