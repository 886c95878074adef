"""docker build with the classic builder: on one host, and the image is on every host afterwards."""

import os

import pytest

from docker_cli import on

DOCKERFILE = """
FROM busybox
ARG WORD=default
ENV SAID=$WORD
COPY files /files
RUN echo "built with $WORD" > /built && cat /files/*
LABEL kind=test
CMD ["cat", "/built"]
"""


@pytest.fixture
def context(tmp_path):
    directory = tmp_path / "context"
    (directory / "files").mkdir(parents=True)
    (directory / "files" / "one").write_text("first file\n")
    (directory / "Dockerfile").write_text(DOCKERFILE)
    return directory


def on_each(herd, name):
    return [host.docker("images", "-q", "--no-trunc", name) for host in herd.hosts]


def test_a_built_image_runs_on_every_host(docker, herd, context):
    said = docker("build", "-t", "built:v1", context).out
    for part in ("Step 1/7 : FROM busybox", "first file", "Successfully built ",
                 "Successfully tagged built:v1"):
        assert part in said, said
    ids = on_each(herd, "built:v1")
    assert ids[0] and len(set(ids)) == 1, ids
    for host in herd.hosts:
        assert docker("run", "--rm", *on(host), "--network", "none", "built:v1"
                      ).out == "built with default\n"


def test_the_options_of_build_reach_the_builder(docker, herd, context):
    (context / "Other").write_text(DOCKERFILE)
    docker("build", "-t", "built:v2", "-t", "also:v2", "-f", context / "Other", "--build-arg",
           "WORD=given", "--label", "more=yes", "--no-cache", context)
    assert all(on_each(herd, "built:v2")) and all(on_each(herd, "also:v2"))
    told = docker("image", "inspect", "-f", "{{index .Config.Labels \"more\"}} {{.Config.Env}}",
                  "built:v2").text
    assert told.startswith("yes ") and "SAID=given" in told


def test_a_quiet_build_says_the_id_alone(docker, herd, context):
    identity = docker("build", "-q", context).text
    assert identity.startswith("sha256:") and "\n" not in identity
    assert docker("run", "--rm", identity).out == "built with default\n"


def test_a_file_of_the_build_is_asked_from_standard_input(docker):
    said = docker("build", "-t", "piped:v1", "-", stdin="FROM busybox\nRUN echo piped > /f\n")
    assert "Successfully tagged piped:v1" in said.out
    assert docker("run", "--rm", "piped:v1", "cat", "/f").out == "piped\n"


def test_a_step_that_fails_is_the_exit_code_of_build(docker, herd, context):
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo before && exit 7\n")
    ended = docker("build", "-t", "broken:v1", context, check=False)
    assert ended.code == 7 and "before" in ended.out, ended
    assert "returned a non-zero code: 7" in ended.err
    assert on_each(herd, "broken:v1") == [""] * len(herd.hosts)


@pytest.mark.parametrize("dockerfile, error", [
    ("NONSENSE\n", "unknown instruction: NONSENSE"),
    ("FROM localhost:1/absent:v1\n", "localhost:1/"),
    ("FROM busybox\nCOPY absent /\n", "absent"),
    ("", "cannot be empty"),
])
def test_a_dockerfile_that_cannot_be_built_is_an_error(docker, context, dockerfile, error):
    (context / "Dockerfile").write_text(dockerfile)
    ended = docker("build", context, check=False)
    assert ended.code == 1 and error in ended.err, ended


def test_a_large_context_is_sent_whole(one_docker, herd, context):
    with open(context / "files" / "large", "wb") as file:
        for _ in range(60):
            file.write(os.urandom(1 << 20))
    (context / "Dockerfile").write_text("FROM busybox\nCOPY files/large /large\n"
                                        "RUN wc -c < /large\n")
    said = one_docker("build", "-t", "large:v1", context).out
    assert str(60 << 20) in said
    assert all(on_each(herd, "large:v1"))


def test_a_build_again_uses_what_was_built(docker, context):
    docker("build", "-t", "built:v1", context)
    again = docker("build", "-t", "built:v1", context).out
    assert again.count("Using cache") >= 4, again
