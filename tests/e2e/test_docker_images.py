"""Images by the docker command: listed once for all hosts, loaded and imported everywhere."""

import io
import json
import re
import tarfile

from docker_cli import on
from herdlab.image import busybox_tar


def tarball(files):
    """A tar archive: name -> content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def references(docker, *arguments):
    """Each name once: under one name there are different images where each host made its own."""
    listed = docker("images", *arguments, "--format", "{{.Repository}}:{{.Tag}}").lines
    return sorted(set(listed) - {"<none>:<none>"})


def on_each(herd, name):
    """The id of this image on each host; "" where there is none."""
    return [host.docker("images", "-q", "--no-trunc", name) for host in herd.hosts]


def test_the_same_image_on_all_hosts_is_listed_once(docker, herd):
    ids = docker("images", "-q", "--no-trunc", "busybox").lines
    assert len(ids) == len(set(on_each(herd, "busybox"))), "each host imported one of its own"
    assert set(ids) == set(on_each(herd, "busybox"))
    saved = docker.raw("save", "busybox").stdout
    assert docker.raw("load", stdin=saved).returncode == 0
    assert len(set(on_each(herd, "busybox"))) == 1
    assert docker("images", "-q", "--no-trunc", "busybox").lines == on_each(herd, "busybox")[:1]
    assert references(docker) == ["busybox:latest"]


def test_import_puts_the_image_on_every_host(docker, herd):
    outcome = docker.raw("import", "-c", "CMD [\"true\"]", "-", "made:one",
                         stdin=tarball({"hello": b"world"}))
    assert outcome.returncode == 0, outcome
    ids = on_each(herd, "made:one")
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in ids), ids
    assert references(docker) == ["busybox:latest", "made:one"]
    assert docker("image", "inspect", "-f", "{{json .Config.Cmd}}", "made:one").text == '["true"]'


def test_save_and_load_carry_an_image_with_its_name(docker, herd, tmp_path):
    archive = tmp_path / "image.tar"
    docker("tag", "busybox", "carried:v1")
    docker("save", "-o", archive, "carried:v1")
    with tarfile.open(archive) as tar:
        assert "manifest.json" in tar.getnames()
    docker("rmi", "carried:v1")
    assert on_each(herd, "carried:v1") == [""] * len(herd.hosts)
    loaded = docker("load", "-i", archive)
    assert "Loaded image: carried:v1" in loaded.out
    ids = on_each(herd, "carried:v1")
    assert ids[0] and len(set(ids)) == 1
    assert docker("run", "--rm", *on(herd.hosts[2]), "carried:v1", "echo", "runs").out == "runs\n"


def test_save_of_several_images_and_from_a_host_that_has_them(docker, herd):
    imported = docker.raw("import", "-", "second:x", stdin=tarball({"a": b"b"}))
    assert imported.returncode == 0
    for host in herd.hosts[1:]:
        if host is not herd.hosts[0]:
            host.docker("rmi", "second:x")
    saved = docker.raw("save", "second:x")
    assert saved.returncode == 0, saved.stderr
    with tarfile.open(fileobj=io.BytesIO(saved.stdout)) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
    assert [each["RepoTags"] for each in manifest] == [["second:x"]]


def test_load_of_rubbish_is_an_error(docker):
    ended = docker.raw("load", stdin=b"this is no archive" * 100)
    assert ended.returncode == 1 and ended.stderr, ended


def test_a_tag_is_set_and_removed_on_every_host_that_has_the_image(docker, herd):
    docker("tag", "busybox:latest", "also/known:as")
    assert all(on_each(herd, "also/known:as"))
    assert references(docker) == ["also/known:as", "busybox:latest"]
    assert references(docker, "also/known") == ["also/known:as"]
    assert references(docker, "--filter", "reference=bus*") == ["busybox:latest"]
    assert "Untagged: also/known:as" in docker("rmi", "also/known:as").out
    assert on_each(herd, "also/known:as") == [""] * len(herd.hosts)
    assert references(docker) == ["busybox:latest"]


def test_inspect_and_history_of_an_image(docker, herd):
    told = json.loads(docker("image", "inspect", "busybox").out)[0]
    assert told["Id"] in on_each(herd, "busybox") and told["RepoTags"] == ["busybox:latest"]
    assert "Imported from -" in docker("history", "busybox").out
    assert docker("inspect", "-f", "{{.Os}}", told["Id"][:19]).text == "linux"
    for command in (["image", "inspect"], ["history"], ["rmi"]):
        ended = docker(*command, "absent:v9", check=False)
        assert ended.code == 1 and "o such image: absent:v9" in ended.err, (command, ended)
    assert "reference does not exist" in docker("save", "absent:v9", check=False).err
    tagged = docker("tag", "absent:v9", "other", check=False)
    assert tagged.code == 1 and "No such image: absent:v9" in tagged.err


def test_an_image_in_use_is_not_removed(docker, herd):
    docker("tag", "busybox", "used:v1")
    imported = docker.raw("import", "-", "own:v1", stdin=busybox_tar())
    assert imported.returncode == 0
    docker("run", "-d", *on(herd.hosts[0]), "--name", "user", "own:v1", "sleep", "3600")
    ended = docker("rmi", "own:v1", check=False)
    assert ended.code == 1 and re.search(r"conflict: unable to remove repository reference",
                                         ended.err), ended
    assert on_each(herd, "own:v1")[0]


def test_commit_makes_an_image_of_a_container(docker, herd):
    docker("run", *on(herd.hosts[0]), "--name", "source", "busybox", "sh", "-c",
           "echo inside > /added")
    identity = docker("commit", "-a", "someone", "-m", "why", "-c", "ENV A=b", "source",
                      "committed:v1").text
    assert identity == on_each(herd, "committed:v1")[0]
    told = json.loads(docker("image", "inspect", "committed:v1").out)[0]
    assert (told["Author"], told["Comment"], "A=b" in told["Config"]["Env"]) == (
        "someone", "why", True)
    ended = docker("run", "--rm", "committed:v1", "cat", "/added")
    assert ended.out == "inside\n", "it runs wherever it lands, or where the image is"


def test_image_prune_removes_dangling_ones_everywhere(docker, herd):
    for content in (b"first", b"second"):
        made = docker.raw("import", "-", "moving:tag", stdin=tarball({"file": content}))
        assert made.returncode == 0
    assert docker("images", "-q", "--filter", "dangling=true").lines
    text = docker("image", "prune", "-f").out
    assert "Deleted Images" in text and "sha256:" in text
    assert not docker("images", "-q", "--filter", "dangling=true").lines
    assert all(on_each(herd, "moving:tag"))
    assert all(host.docker("images", "-q", "--filter", "dangling=true") == ""
               for host in herd.hosts)


def test_a_pull_that_fails_is_an_error_that_names_the_image(docker):
    ended = docker("pull", "localhost:1/nothing/there:v1", check=False)
    assert ended.code == 1 and ended.err, ended
    ended = docker("run", "localhost:1/nothing/there:v1", check=False)
    assert ended.code == 125 and "localhost:1/nothing/there:v1" in ended.err, ended


def test_the_registry_s_key_is_never_logged(one_docker, herd):
    secret = "c2VjcmV0LW9mLXRoZS1yZWdpc3RyeQ=="
    for method, target in (("POST", "/images/create?fromImage=localhost:1/x&tag=v1"),
                           ("POST", "/images/busybox/push?tag=latest")):
        reply = one_docker.agent.request(method, target, headers={"X-Registry-Auth": secret})
        assert reply.status >= 200
    assert all(secret not in agent.log_text() for agent in herd.agents)


def test_an_image_of_one_host_only_is_listed(docker, herd):
    herd.hosts[0].docker("tag", "busybox", "lonely:v1")
    assert "lonely:v1" in references(docker)
    assert docker("image", "inspect", "-f", "{{.Os}}", "lonely:v1").text == "linux"
    docker("rmi", "lonely:v1")
    assert references(docker) == ["busybox:latest"]
