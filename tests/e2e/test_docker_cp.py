"""docker cp, export and import: trees and large files to and from a container of another host."""

import hashlib
import io
import os
import random
import tarfile

import pytest

from docker_cli import on

FILES = 10_000
LARGE = 100 << 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A directory with ten thousand small files in folders, a link and an empty folder."""
    top = tmp_path_factory.mktemp("tree") / "tree"
    source = random.Random(4)
    for number in range(FILES):
        folder = top / f"d{number % 100}" / f"e{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(source.randbytes(source.randrange(200)))
    (top / "empty").mkdir()
    (top / "link").symlink_to("d1/e1")
    (top / "d1").chmod(0o750)
    return top


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "file"
    with open(path, "wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    return path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(top):
    """Every path below: its kind, mode and content."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, top)
            if os.path.islink(path):
                found[relative] = ("link", os.readlink(path))
            else:
                mode = os.stat(path).st_mode & 0o777
                found[relative] = ((mode, "folder") if os.path.isdir(path)
                                   else (mode, digest(path)))
    return found


def container(docker, herd, *options):
    docker("run", "-d", *on(herd.hosts[0]), "--network", "none", "--name", "box", *options,
           "busybox", "sleep", "3600")
    return "box"


def test_a_tree_of_many_files_comes_back_as_it_went(docker, herd, tree, tmp_path):
    name = container(docker, herd)
    docker("cp", tree, f"{name}:/tmp/tree")
    assert int(docker("exec", name, "sh", "-c", "find /tmp/tree -type f | wc -l").text) == FILES
    docker("cp", f"{name}:/tmp/tree", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tree)


def test_a_large_file_comes_back_as_it_went(docker, herd, large_file, tmp_path):
    name = container(docker, herd)
    docker("cp", large_file, f"{name}:/tmp/file")
    assert docker("exec", name, "sha256sum", "/tmp/file").text.split()[0] == digest(large_file)
    docker("cp", f"{name}:/tmp/file", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(large_file)


def test_cp_of_single_files_follows_docker_s_rules(docker, herd, tmp_path):
    name = container(docker, herd)
    (tmp_path / "source").write_text("text\n")
    docker("cp", tmp_path / "source", f"{name}:/tmp")
    docker("cp", tmp_path / "source", f"{name}:/tmp/other")
    assert docker("exec", name, "cat", "/tmp/source", "/tmp/other").out == "text\ntext\n"
    docker("cp", f"{name}:/etc/passwd", tmp_path / "passwd")
    assert (tmp_path / "passwd").read_text().startswith("root:")
    docker("cp", f"{name}:/bin/sh", tmp_path / "sh")
    assert os.readlink(tmp_path / "sh") == "busybox"
    docker("cp", "-L", f"{name}:/bin/sh", tmp_path / "followed")
    assert (tmp_path / "followed").stat().st_size > 100_000


def test_cp_through_a_pipe(docker, herd):
    name = container(docker, herd)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("piped")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"12345"))
    put = docker.raw("cp", "-", f"{name}:/tmp", stdin=buffer.getvalue())
    assert put.returncode == 0, put
    got = docker.raw("cp", f"{name}:/tmp/piped", "-")
    with tarfile.open(fileobj=io.BytesIO(got.stdout)) as archive:
        assert archive.extractfile("piped").read() == b"12345"


def test_cp_works_with_a_container_that_does_not_run(docker, herd, tmp_path):
    docker("create", *on(herd.hosts[0]), "--name", "box", "busybox", "true")
    (tmp_path / "source").write_text("early")
    docker("cp", tmp_path / "source", "box:/before")
    docker("cp", "box:/before", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "early"


@pytest.mark.parametrize("source, target, error", [
    ("box:/no/such", "{here}/x", "/no/such"),
    ("{here}/file", "box:/no/such/folder", "/no/such"),
    ("nobody:/etc", "{here}/x", "nobody"),
    ("{here}/file", "nobody:/tmp", "nobody"),
    ("{here}/file", "box:/etc/passwd/x", "ot a directory"),
])
def test_what_cannot_be_copied_is_docker_s_error(docker, herd, tmp_path, source, target, error):
    container(docker, herd)
    (tmp_path / "file").write_text("x")
    ended = docker("cp", source.format(here=tmp_path), target.format(here=tmp_path), check=False)
    assert ended.code == 1 and error in ended.err, ended


def test_a_file_system_that_is_read_only_refuses_the_upload(docker, herd, large_file):
    name = container(docker, herd, "--read-only")
    ended = docker("cp", large_file, f"{name}:/tmp/file", check=False)
    assert ended.code == 1 and "read-only" in ended.err, ended
    assert docker("exec", name, "true").code == 0


def test_export_is_the_container_s_file_system(docker, herd, tmp_path):
    name = container(docker, herd)
    docker("exec", name, "sh", "-c", "mkdir /made; echo text > /made/file")
    docker("export", "-o", tmp_path / "out.tar", name)
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert archive.extractfile("made/file").read() == b"text\n"
    piped = docker.raw("export", name).stdout
    with tarfile.open(fileobj=io.BytesIO(piped)) as archive:
        assert {"made/file", "bin/busybox"} <= set(archive.getnames())


def test_an_exported_container_is_imported_and_runs_anywhere(docker, herd, tmp_path):
    name = container(docker, herd)
    docker("exec", name, "sh", "-c", "echo text > /made")
    docker("export", "-o", tmp_path / "out.tar", name)
    docker("import", "-m", "why", tmp_path / "out.tar", "imported:v1")
    for host in herd.hosts:
        ended = docker("run", "--rm", *on(host), "--network", "none", "imported:v1", "cat", "/made")
        assert ended.out == "text\n"


def test_a_large_image_is_saved_and_loaded_whole(one_docker, herd, large_file, tmp_path):
    name = container(one_docker, herd)
    one_docker("cp", large_file, f"{name}:/large")
    one_docker("commit", name, "large:v1")
    one_docker("save", "-o", tmp_path / "image.tar", "large:v1")
    one_docker("rm", "-f", name)
    one_docker("rmi", "large:v1")
    one_docker("load", "-i", tmp_path / "image.tar")
    for host in herd.hosts:
        said = host.docker("run", "--rm", "--network", "none", "large:v1", "sha256sum", "/large")
        assert said.split()[0] == digest(large_file)
