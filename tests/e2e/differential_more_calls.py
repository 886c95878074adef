"""More of differential_calls.py: archives, images, builds, networks, volumes, events, the system."""

import json

from differential import Call
from differential_calls import SLEEP, VERSIONS, query, running, tarball
from herdlab.image import busybox_tar


def archives():
    files = tarball(first=b"one\n", second=b"x" * 5000)
    put = "/containers/web/archive?path=/tmp"
    calls = running() + [
        Call("PUT", put, files), Call("PUT", put, files, chunked=True),
        Call("PUT", put, files, {"Expect": "100-continue"}),
        Call("PUT", put, files, {"Content-Type": "application/x-tar"}),
        Call("PUT", put, b"no archive at all" * 100), Call("PUT", put, b""), Call("PUT", put),
        Call("PUT", "/containers/web/archive?path=/etc/passwd", files),
        Call("PUT", put + "&noOverwriteDirNonDir=1", tarball(**{"first/deep": b"x"})),
        Call("PUT", "/containers/web/archive", files),
        Call("PUT", "/containers/web/archive?path=/no/x"),
        Call("GET", "/containers/web/archive?path=/tmp"),
        Call("GET", "/containers/web/archive?path=/tmp/first"),
        Call("GET", "/v1.24/containers/web/archive?path=tmp/second"),
        Call("GET", "/containers/web/archive?path=/bin/sh"),
        Call("HEAD", "/containers/web/archive?path=/tmp"),
        Call("HEAD", "/containers/web/archive?path=/bin/sh"),
        Call("HEAD", "/containers/web/archive?path=/tmp/first"),
        Call("GET", "/containers/web/changes"), Call("GET", "/containers/web/export"),
        Call("GET", "/containers/{web:12}/export"), Call("HEAD", "/containers/web/export")]
    return calls


def images():
    calls = [Call("GET", f"{version}{path}") for version in VERSIONS for path in
             ("/images/json", "/images/busybox/json", "/images/busybox:latest/history",
              "/images/absent/json")]
    calls += [Call("GET", f"/images/json{query(filters=filters)}") for filters in
              ({"reference": ["busy*"]}, {"reference": ["nothing"]}, {"dangling": ["true"]},
               {"dangling": ["perhaps"]}, {"label": ["a"]}, {"before": ["absent"]},
               {"since": ["busybox"]})]
    calls += [Call("GET", f"/images/json?{each}") for each in ("all=1", "digests=1", "all=x")]
    calls += [Call(method, path) for method, path in (
        ("GET", "/images/absent/history"), ("GET", "/images/UPPER/json"), ("GET", "/images/a%20b/json"),
        ("POST", "/images/busybox/tag"), ("POST", "/images/busybox/tag?repo=also&tag=v1"),
        ("POST", "/images/busybox/tag?repo=UPPER"), ("POST", "/images/absent/tag?repo=x"),
        ("POST", "/images/busybox/tag?repo=deep/er/name"), ("GET", "/images/also:v1/json"),
        ("GET", "/images/deep/er/name/json"), ("GET", "/images/deep/er/name/history"),
        ("DELETE", "/images/also:v1"), ("DELETE", "/images/also:v1"), ("DELETE", "/images/absent"),
        ("DELETE", "/images/deep/er/name?noprune=1&force=1"),
        ("GET", "/images/search"), ("GET", "/images/search?term="),
        ("GET", "/images/search?term=x&limit=a"),
        ("GET", "/images/search?term=x&limit=1000"), ("GET", "/images/absent/get"),
        ("GET", "/images/get?names=absent"), ("GET", "/images/busybox/get"),
        ("GET", "/images/get?names=busybox&names=busybox:latest"), ("POST", "/images/create"),
        ("POST", "/images/create?fromImage=UPPER"), ("POST", "/images/absent/push"),
        ("POST", "/images/busybox/push?tag=absent"), ("POST", "/images/prune"),
        ("POST", "/images/create?fromImage=localhost:1/absent&tag=v1"))]
    add = tarball(hello=b"world")
    calls += [
        Call("POST", "/images/create?fromSrc=-&repo=made&tag=v1", add),
        Call("POST", "/images/create?fromSrc=-&repo=made&tag=v2&message=why", add, chunked=True),
        Call("POST", "/images/create?fromSrc=-&repo=UPPER", add),
        Call("POST", "/images/create?fromSrc=-&repo=made&tag=v3", b"no archive" * 200),
        Call("POST", "/images/create?fromSrc=-&repo=made&tag=v4&changes=NONSENSE", add),
        Call("GET", "/images/made:v1/json"), Call("DELETE", "/images/made:v1"),
        Call("DELETE", "/images/made:v2?force=1"), Call("POST", "/images/load", b"no archive" * 200),
        Call("POST", "/images/load", b""), Call("POST", "/images/load?quiet=1", tarball(a=b"b")),
        Call("GET", "/images/json")]
    return calls


def builds_and_commits():
    def build(dockerfile, target="/build?t=built:v1&rm=1", **more):
        return Call("POST", target, tarball(Dockerfile=dockerfile, file=b"content\n"),
                    {"Content-Type": "application/x-tar"}, **more)

    add = b"FROM busybox\nCOPY file /file\nENV A=b\nCMD [\"true\"]\n"
    run = b"FROM busybox\nRUN echo said && exit 7\n"
    return [
        build(add), build(add, chunked=True), Call("GET", "/images/built:v1/json"), build(run),
        build(b"NONSENSE\n"), build(b""), build(b"FROM absent:v1\n"),
        build(b"FROM busybox\nCOPY x /\n"),
        build(add, "/build?t=UPPER"), build(add, "/build?dockerfile=Absent"),
        build(add, "/build?t=built:v2&q=1&labels=%7B%22a%22%3A%22b%22%7D"),
        build(add, "/build?buildargs=nonsense"), build(add, "/build?memory=x"),
        Call("POST", "/build", b"no archive" * 200), Call("POST", "/build"),
        Call("POST", "/build?remote=nonsense"), build(add, "/v1.24/build?t=built:v3"),
        Call("POST", "/build", tarball(Dockerfile=add), {"X-Registry-Config": "nonsense"}),
        Call("POST", "/build/prune"), Call("POST", "/build/cancel"),
        Call("POST", "/containers/create?name=web", {"Image": "built:v1"}, keep="web"),
        Call("POST", "/commit?container=web&repo=made&tag=v1", {}),
        Call("POST", "/commit?container=web&repo=made&tag=v2&author=me&comment=why&changes=ENV%20C=d"),
        Call("POST", "/commit?container=web&repo=UPPER", {}), Call("POST", "/commit", {}),
        Call("POST", "/commit?container=web&changes=NONSENSE", {}),
        Call("POST", "/commit?container=web", "nonsense"), Call("GET", "/images/made:v2/json"),
        Call("GET", "/images/json"), Call("DELETE", "/containers/web")]


def networks():
    bodies = [None, "", "{", {}, {"Name": ""},
              {"Name": "n1", "Driver": "bridge", "Labels": {"a": "b"}, "CheckDuplicate": True},
              {"Name": "n1", "CheckDuplicate": True}, {"Name": "bridge"}, {"Name": 5},
              {"Name": "n2", "IPAM": {"Config": [{"Subnet": "nonsense"}]}},
              {"Name": "n2", "IPAM": {"Config": [{"Subnet": "172.31.7.0/24",
                                                  "Gateway": "172.31.7.9"}]}},
              {"Name": "n3", "IPAM": {"Config": [{"Subnet": "172.31.7.0/25"}]}},
              {"Name": "n3", "Driver": "overlay"},
              {"Name": "n4", "Internal": True, "Options": {"com.docker.network.bridge.name": "x"}}]
    calls = [Call("POST", "/networks/create", body) for body in bodies]
    calls += [Call("POST", "/networks/create", {"Name": "kept"}, keep="kept")] + running()
    calls += [Call("GET", path) for path in
              ("/networks", "/networks/n1", "/networks/{kept}", "/networks/{kept:12}",
               "/networks/absent", "/networks/n1?verbose=1", "/networks/n1?scope=swarm", "/networks/n1?verbose=x",
               "/networks/bridge", "/networks/host", "/v1.24/networks", "/v1.24/networks/n2")]
    calls += [Call("GET", "/networks" + query(filters=filters)) for filters in
              ({"name": ["n"]}, {"driver": ["bridge"]}, {"type": ["custom"]}, {"type": ["nonsense"]},
               {"label": ["a=b"]}, {"scope": ["local"]}, {"id": ["absent"]}, {"dangling": ["true"]})]
    calls += [Call("POST", f"/networks/{network}/{verb}", body) for network, verb, body in (
        ("n1", "connect", {"Container": "nobody"}), ("absent", "connect", {"Container": "web"}),
        ("n1", "connect", {"Container": "web"}), ("n1", "connect", "nonsense"),
        ("n1", "connect", {}), ("n1", "disconnect", {"Container": "nobody"}),
        ("n1", "disconnect", {"Container": "web"}), ("absent", "disconnect", {"Container": "web"}))]
    calls += [Call("POST", "/containers/create?name=on", {**SLEEP, "HostConfig": {"NetworkMode": "n1"}},
                   keep="on"), Call("POST", "/containers/on/start"), Call("GET", "/networks/n1"),
              Call("GET", "/containers/on/json"), Call("DELETE", "/networks/n1"),
              Call("POST", "/networks/n1/disconnect", {"Container": "on", "Force": True}),
              Call("POST", "/networks/n2/connect", {"Container": "{on}", "EndpointConfig": {
                  "IPAMConfig": {"IPv4Address": "172.31.7.77"}, "Aliases": ["other"]}}),
              Call("GET", "/containers/on/json"), Call("DELETE", "/networks/n1"),
              Call("DELETE", "/networks/n1"), Call("DELETE", "/networks/bridge"),
              Call("POST", "/networks/prune"), Call("POST", "/networks/prune"),
              Call("GET", "/networks")]
    return calls


def volumes():
    bodies = [None, "", "{", {}, {"Name": "v1"}, {"Name": "v1"}, {"Name": "v 2"}, {"Name": "v"},
              {"Name": "v2", "Driver": "local", "Labels": {"a": "b"}, "DriverOpts": {}},
              {"Name": "v3", "DriverOpts": {"nonsense": "x"}}, {"Name": 5}]
    calls = [Call("POST", "/volumes/create", body) for body in bodies if body not in (None, {}, "")]
    calls += [Call("GET", path) for path in ("/volumes", "/volumes/v1", "/volumes/absent",
                                             "/v1.24/volumes", "/v1.24/volumes/v1", "/volumes/v1/")]
    calls += [Call("GET", "/volumes" + query(filters=filters)) for filters in
              ({"name": ["v1"]}, {"label": ["a"]}, {"dangling": ["true"]}, {"driver": ["local"]},
               {"dangling": ["false"]}, {"dangling": ["x"]})]
    calls += [Call("POST", "/containers/create?name=user", {
        **SLEEP, "HostConfig": {"Binds": ["v1:/d"], "NetworkMode": "none"}}, keep="user"),
        Call("DELETE", "/volumes/v1"), Call("DELETE", "/volumes/v1?force=1"),
        Call("DELETE", "/volumes/absent"), Call("DELETE", "/volumes/absent?force=1"),
        Call("DELETE", "/volumes/v1?force=x"), Call("GET", "/containers/user/json"),
        Call("POST", "/volumes/prune"), Call("DELETE", "/containers/user"),
        Call("DELETE", "/volumes/v1"), Call("GET", "/volumes")]
    return calls


def system():
    auth = {"username": "u", "password": "p", "serveraddress": "localhost:1"}
    calls = [Call("GET", "/system/df"), Call("GET", "/v1.30/system/df"),
             Call("POST", "/auth", "nonsense"), Call("POST", "/auth", auth),
             Call("GET", "/distribution/busybox/json"), Call("GET", "/distribution/UPPER/json")]
    calls += [Call(method, path) for method, path in
              (("POST", "/containers/prune"), ("POST", "/networks/prune"), ("POST", "/volumes/prune"),
               ("POST", "/images/prune"), ("POST", "/build/prune?all=1"))]
    calls += running() + [Call("GET", "/system/df"), Call("GET", "/v1.24/containers/web/json"),
                          Call("DELETE", "/containers/web?force=1"), Call("POST", "/containers/prune")]
    calls += [Call("GET", "/events" + query(since="0", until="1", filters=filters)) for filters in
              ({"type": ["container"]}, {"event": ["die"]}, {"container": ["web"]},
               {"type": ["absurd"]})]
    return calls


def odd_requests():
    calls = [Call("GET", "/_ping", protocol="HTTP/1.0"), Call("GET", "/version", protocol="HTTP/1.0"),
             Call("GET", "/containers/json", headers={"Accept": "text/plain"}),
             Call("GET", "/containers/json", headers={"User-Agent": "x" * 2000}),
             Call("GET", "/containers/json", body="a body that nobody asked for"),
             Call("GET", "http://docker/containers/json"), Call("GET", "/containers/json?"),
             Call("GET", "/containers/json?all=1&all=0"), Call("GET", "/containers/json?all=1;limit=1"),
             Call("GET", "/containers/json?%zz"), Call("GET", "/containers/json?all=%31"),
             Call("GET", "/containers/json?filters=%7B%22status%22%3A%5B%22running%22%5D%7D"),
             Call("POST", "/containers/create", json.dumps(SLEEP) + " trailing"),
             Call("POST", "/containers/create?name=twice&name=other", SLEEP)]
    return calls


def orchestration():
    paths = (("GET", "/swarm"), ("POST", "/swarm/init"), ("POST", "/swarm/join"),
             ("POST", "/swarm/leave"), ("GET", "/swarm/unlockkey"), ("GET", "/services"),
             ("POST", "/services/create"), ("GET", "/services/x"), ("GET", "/nodes"),
             ("GET", "/nodes/x"), ("GET", "/secrets"), ("POST", "/secrets/create"),
             ("GET", "/configs"), ("POST", "/configs/create"), ("GET", "/tasks"), ("GET", "/tasks/x"),
             ("GET", "/plugins"), ("POST", "/plugins/x/enable"), ("GET", "/plugins/x/json"))
    return [Call(method, f"{version}{path}") for method, path in paths for version in ("", "/v1.41")]


def imported():
    """An image with more than one layer's worth in it, saved and loaded."""
    return [Call("POST", "/images/create?fromSrc=-&repo=big&tag=v1", busybox_tar()),
            Call("GET", "/images/big:v1/get"), Call("DELETE", "/images/big:v1")]


MORE_GROUPS = [archives, images, builds_and_commits, networks, volumes, system, odd_requests,
               orchestration, imported]
