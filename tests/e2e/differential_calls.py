"""The calls that a daemon and a herd of one are to answer alike, in groups that begin with no
container, network or volume and with the image busybox:latest."""

import io
import json
import tarfile
import urllib.parse

from differential import Call

SLEEP = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
         "HostConfig": {"NetworkMode": "none"}}
VERSIONS = ("", "/v1.24", "/v1.30", "/v1.41")
STRANGE_VERSIONS = ("/v1.99", "/v1.42", "/v2.0", "/v0.5", "/v1", "/v1.x", "/vv1.41", "/v1.12",
                    "/1.41", "/V1.41")


def query(**fields):
    return "?" + urllib.parse.urlencode({
        key: json.dumps(value) if isinstance(value, (dict, list)) else value
        for key, value in fields.items()})


def tarball(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def running(name="web", **more):
    return [Call("POST", f"/containers/create?name={name}", {**SLEEP, **more}, keep=name),
            Call("POST", f"/containers/{name}/start")]


def ping_and_versions():
    calls = [Call(method, f"{version}/_ping") for method in ("GET", "HEAD", "POST", "DELETE")
             for version in VERSIONS]
    calls += [Call("GET", f"{version}{path}") for version in VERSIONS
              for path in ("/version", "/info", "/containers/json", "/images/json?filters={}",
                           "/networks?filters={}", "/volumes")]
    calls += [Call("GET", f"{version}{path}") for version in STRANGE_VERSIONS
              for path in ("/_ping", "/version", "/containers/json", "/containers/nobody/json")]
    return calls


def paths_and_methods():
    calls = [Call(method, path) for path in
             ("/containers/json", "/containers/create", "/containers/nobody/json", "/images/json",
              "/networks", "/volumes", "/info", "/version", "/events", "/system/df", "/auth")
             for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "BREW")]
    calls += [Call("GET", path) for path in
              ("/containers", "/containers/", "/containers/json/", "//containers/json",
               "/containers//json", "/nothing", "/v1.41", "/v1.41/", "/v1.41/nothing",
               "/containers/nobody/nothing", "/images", "/images/busybox", "/exec", "/exec/x",
               "/CONTAINERS/json", "/containers/JSON", "/containers/%6eobody/json",
               "/containers/json#fragment", "/containers/../containers/json",
               "/containers/create", "/build", "/commit", "/auth", "/_ping/", "/session")]
    calls += [Call("HEAD", path) for path in
              ("/containers/json", "/version", "/info", "/images/json", "/nothing",
               "/containers/nobody/json", "/containers/nobody/archive?path=/")]
    calls += [Call("DELETE", path) for path in ("/containers/json", "/networks", "/images", "/info")]
    calls += [Call("POST", path) for path in ("/containers/json", "/version", "/images/json")]
    return calls


def unknown_containers():
    single = [("GET", "json"), ("GET", "top"), ("GET", "logs?stdout=1"), ("GET", "changes"),
              ("GET", "export"), ("GET", "stats?stream=0"), ("GET", "archive?path=/"),
              ("HEAD", "archive?path=/"), ("POST", "start"), ("POST", "stop"), ("POST", "restart"),
              ("POST", "kill"), ("POST", "pause"), ("POST", "unpause"), ("POST", "wait"),
              ("POST", "resize?h=1&w=1"), ("POST", "attach?stream=1"), ("POST", "rename?name=x"),
              ("GET", "attach/ws?stream=1")]
    calls = [Call(method, f"{version}/containers/{name}/{rest}")
             for name in ("nobody", "0123456789ab", "no%2Fbody", "%20") for method, rest in single
             for version in ("", "/v1.24") if version == "" or name == "nobody"]
    calls += [Call("POST", "/containers/nobody/update", {"Memory": 0}),
              Call("POST", "/containers/nobody/exec", {"Cmd": ["true"]}),
              Call("PUT", "/containers/nobody/archive?path=/", tarball(a=b"b")),
              Call("DELETE", "/containers/nobody"), Call("DELETE", "/containers/nobody?force=1"),
              Call("POST", "/commit?container=nobody", {}),
              Call("GET", "/exec/nobody/json"), Call("POST", "/exec/nobody/start", {}),
              Call("POST", "/exec/nobody/resize?h=1&w=1")]
    return calls


def bad_arguments():
    calls = running() + [Call(method, f"/containers/web/{rest}") for method, rest in (
        ("POST", "kill?signal=NONSENSE"), ("POST", "kill?signal=99"), ("POST", "stop?t=x"),
        ("POST", "restart?t=x"), ("POST", "resize"), ("POST", "resize?h=a&w=1"),
        ("POST", "resize?h=1"), ("POST", "rename"), ("POST", "rename?name="),
        ("POST", "rename?name=b%20ad"), ("POST", "rename?name=/"),
        ("GET", "logs"), ("GET", "logs?stdout=0&stderr=0"), ("GET", "logs?stdout=1&since=yesterday"),
        ("GET", "logs?stdout=1&tail=x"), ("GET", "top?ps_args=--nonsense"), ("GET", "archive"),
        ("GET", "archive?path="), ("HEAD", "archive"), ("GET", "archive?path=/no/such"),
        ("HEAD", "archive?path=/no/such"), ("PUT", "archive?path=/no/such"),
        ("POST", "exec"), ("POST", "update"), ("POST", "attach"), ("GET", "json?size=maybe"))]
    calls += [Call("POST", "/containers/web/update", body) for body in
              ({"Memory": 1}, {"Memory": "much"}, {"CpuShares": -1}, [], "{", {"RestartPolicy":
               {"Name": "sometimes"}})]
    calls += [Call("POST", "/containers/web/exec", body) for body in
              ({}, {"Cmd": []}, {"Cmd": "word"}, "nonsense", {"Cmd": ["true"], "User": 5})]
    calls += [Call("GET", f"/{kind}filters={urllib.parse.quote(filters)}")
              for kind in ("containers/json?", "images/json?", "networks?", "volumes?",
                           "events?since=0&until=1&")
              for filters in ("nonsense", "[]", "{\"nonsense\":[\"x\"]}", "{\"label\":\"x\"}",
                              "{\"label\":{\"x\":true}}", "")]
    calls += [Call("GET", f"/containers/json?{each}") for each in
              ("limit=x", "limit=-1", "limit=0", "all=perhaps", "size=perhaps", "since=nobody",
               "before=nobody", "unknown=1")]
    calls += [Call("GET", f"/events?{each}") for each in
              ("since=x", "until=x", "since=2&until=1")]
    calls += [Call("POST", f"/{kind}/prune{query(filters=filters)}")
              for kind in ("containers", "images", "networks", "volumes")
              for filters in ("nonsense", {"nonsense": ["x"]}, {"until": ["x"]})]
    return calls


def creates():
    bodies = [
        None, "", "{", "null", [], "text", {}, {"Image": ""}, {"Image": "absent:v1"},
        {"Image": "UPPER"}, {"Image": 5}, {"Cmd": ["true"]}, {**SLEEP, "Unknown": {"a": [1]}},
        {**SLEEP, "Cmd": "word"}, {**SLEEP, "Env": "A=b"}, {**SLEEP, "Env": ["A=b", "C"]},
        {**SLEEP, "HostConfig": {"Memory": 1024}}, {**SLEEP, "HostConfig": {"Memory": "1g"}},
        {**SLEEP, "HostConfig": {"NanoCpus": 10**12}}, {**SLEEP, "HostConfig": {"NanoCpus": -1}},
        {**SLEEP, "HostConfig": {"Binds": ["relative:x"]}},
        {**SLEEP, "HostConfig": {"Binds": ["data:/d", "data:/d"]}},
        {**SLEEP, "HostConfig": {"NetworkMode": "container:nobody"}},
        {**SLEEP, "HostConfig": {"NetworkMode": "absent"}},
        {**SLEEP, "HostConfig": {"VolumesFrom": ["nobody"]}},
        {**SLEEP, "HostConfig": {"Links": ["nobody:alias"]}},
        {**SLEEP, "HostConfig": {"RestartPolicy": {"Name": "sometimes"}}},
        {**SLEEP, "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "x"}]}}},
        {**SLEEP, "HostConfig": {"PortBindings": {"nonsense": [{"HostPort": "80"}]}}},
        {**SLEEP, "HostConfig": {"IpcMode": "container:nobody"}},
        {**SLEEP, "Hostname": "x" * 300}, {**SLEEP, "Labels": ["a"]}, {**SLEEP, "Labels": {"a": "b"}},
        {**SLEEP, "StopTimeout": 1, "WorkingDir": "/tmp", "User": "nobody", "Tty": True},
        {**SLEEP, "WorkingDir": "relative"}, {**SLEEP, "ExposedPorts": {"x": {}}},
        {"image": "busybox", "cmd": ["true"], "hostconfig": {"networkmode": "none"}},
    ]
    calls = [Call("POST", "/containers/create", body) for body in bodies]
    calls += [Call("POST", f"{version}/containers/create", SLEEP) for version in VERSIONS]
    calls += [Call("POST", f"/containers/create?name={name}", SLEEP) for name in
              ("fine", "fine", "/slash", "a", "b%20ad", "", "x%2Fy", "ü", "under_score.dot-dash",
               "n" * 200)]
    calls += [Call("POST", f"/containers/create?platform={platform}", SLEEP) for platform in
              ("linux/amd64", "linux", "windows/amd64", "linux/arm64", "nonsense/x/y/z")]
    calls += [Call("POST", "/containers/create", json.dumps(SLEEP), {"Content-Type": kind})
              for kind in ("text/plain", "application/json; charset=utf-8", "", None)]
    calls += [Call("POST", "/containers/create", SLEEP, chunked=True),
              Call("POST", "/containers/create", SLEEP, {"Expect": "100-continue"}),
              Call("POST", "/containers/create", SLEEP, protocol="HTTP/1.0")]
    return calls


def life_of_a_container():
    # The two are said apart, for which is stored first is nobody's promise.
    script = "echo out; sleep 0.3; echo err >&2; sleep 9999"
    labelled = {"Labels": {"kind": "test"}, "Cmd": ["sh", "-c", script],
                "Healthcheck": {"Test": ["NONE"]}}
    calls = running(**labelled) + [
        Call("POST", "/containers/web/start"), Call("GET", "/containers/web/json"),
        Call("GET", "/v1.24/containers/web/json"), Call("GET", "/containers/{web}/json?size=1"),
        Call("GET", "/containers/{web:10}/json"), Call("GET", "/containers//web/json"),
        Call("GET", "/containers/json"), Call("GET", "/containers/json?all=1&limit=1&size=1"),
        Call("GET", "/containers/json" + query(all=1, filters={"label": ["kind=test"]})),
        Call("GET", "/containers/json" + query(all=1, filters={"name": ["we"], "status": ["exited"]})),
        Call("GET", "/v1.24/containers/json?all=1"), Call("HEAD", "/containers/json"),
        Call("GET", "/containers/web/logs?stdout=1", patient=True),
        Call("GET", "/containers/web/logs?stdout=1&tail=1", patient=True),
        Call("GET", "/containers/web/logs?stderr=1&timestamps=1", patient=True),
        Call("GET", "/containers/web/logs?stdout=1&since=2100000000"),
        Call("GET", "/containers/web/top", patient=True),
        Call("GET", "/containers/web/top?ps_args=-o%20pid,args", patient=True),
        Call("GET", "/containers/web/changes"), Call("GET", "/containers/web/stats?stream=0"),
        Call("GET", "/containers/web/stats?stream=0&one-shot=1"),
        Call("POST", "/containers/web/resize?h=10&w=20"), Call("POST", "/containers/web/pause"),
        Call("POST", "/containers/web/pause"), Call("GET", "/containers/json"),
        Call("POST", "/containers/web/exec", {"Cmd": ["true"]}),
        Call("POST", "/containers/web/unpause"), Call("POST", "/containers/web/unpause"),
        Call("POST", "/containers/web/update", {"CpuShares": 300, "Memory": 67108864,
                                                "MemorySwap": 67108864}),
        Call("POST", "/containers/web/rename?name=site"), Call("GET", "/containers/site/json"),
        Call("GET", "/containers/web/json"), Call("POST", "/containers/site/restart?t=0"),
        Call("DELETE", "/containers/site"), Call("POST", "/containers/site/kill?signal=KILL"),
        Call("POST", "/containers/site/wait"),
        Call("POST", "/containers/site/wait?condition=not-running"),
        Call("POST", "/containers/site/kill"), Call("POST", "/containers/site/stop"),
        Call("POST", "/containers/site/pause"), Call("GET", "/containers/site/top"),
        Call("GET", "/containers/site/stats?stream=0"), Call("GET", "/containers/json"),
        Call("GET", "/containers/json?all=true"), Call("POST", "/containers/site/start", "{}"),
        Call("POST", "/v1.24/containers/site/stop?t=0"), Call("DELETE", "/containers/site?v=1"),
        Call("DELETE", "/containers/site"), Call("DELETE", "/containers/{web}")]
    return calls


def attach_and_exec():
    upgrade = {"Connection": "Upgrade", "Upgrade": "tcp"}
    says = {"Cmd": ["sh", "-c", "echo out; echo err >&2; exit 3"]}
    both = {"AttachStdout": True, "AttachStderr": True}
    calls = running() + [
        Call("POST", "/containers/web/exec", {**says, **both}, keep="e1"),
        Call("GET", "/exec/{e1}/json"), Call("POST", "/exec/{e1}/start", {"Detach": False}),
        Call("GET", "/exec/{e1}/json", patient=True), Call("POST", "/exec/{e1}/start", {}),
        Call("POST", "/exec/{e1}/resize?h=3&w=4"),
        Call("POST", "/containers/web/exec", {**says, **both}, keep="e2"),
        Call("POST", "/exec/{e2}/start", {"Detach": False}, upgrade),
        Call("POST", "/containers/web/exec", {**says, **both, "Tty": True}, keep="e3"),
        Call("POST", "/exec/{e3}/start", {"Tty": True}, upgrade),
        Call("GET", "/v1.30/exec/{e3}/json"),
        Call("POST", "/containers/web/exec", {"Cmd": ["absent"], **both}, keep="e4"),
        Call("POST", "/exec/{e4}/start", {}), Call("GET", "/exec/{e4}/json", patient=True),
        Call("POST", "/containers/web/exec", {"Cmd": ["sleep", "1"]}, keep="e5"),
        Call("POST", "/exec/{e5}/start", {"Detach": True}),
        Call("POST", "/containers/web/exec", {**says, "Env": ["A=b"], "WorkingDir": "/tmp",
                                              "User": "0:0", "Privileged": False}, keep="e6"),
        Call("GET", "/exec/{e6}/json"), Call("POST", "/exec/{e6}/start", "nonsense"),
        Call("POST", "/exec/{e6}/start"),
        Call("POST", "/containers/create?name=ends", {**SLEEP, **says, "Cmd": ["true"]}, keep="ends"),
        Call("POST", "/containers/ends/start"), Call("POST", "/containers/ends/wait"),
        Call("POST", "/containers/ends/attach?logs=1&stdout=1&stderr=1"),
        Call("POST", "/containers/ends/attach?logs=1&stdout=1&stderr=1", None, upgrade),
        Call("POST", "/containers/ends/exec", says),
        Call("POST", "/containers/web/attach?stream=nonsense&detachKeys=ctrl-nonsense"),
        Call("GET", "/containers/ends/attach/ws?logs=1&stdout=1")]
    return calls


GROUPS = [ping_and_versions, paths_and_methods, unknown_containers, bad_arguments, creates,
          life_of_a_container, attach_and_exec]
