"""How an image that was built on one host gets to the others; test_docker_build.py has builds."""

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


def test_an_image_without_a_name_is_spread_by_its_id(docker, herd, context):
    identity = docker("build", "-q", context(HELLO, hello="nameless")).text
    for host in herd.hosts:
        assert host.docker("image", "inspect", "-f", "{{.Id}}", identity) == identity
    docker("rmi", identity)


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
