"""Who may do what in a herd that asks who calls: every role, through the node that has a container and
through one that has not."""

import concurrent.futures
import json
import time

import pytest
from access import PORT, Asked, GuardedHerd
from docker_cli import Cli

from herdlab import until

OWNER, OTHER = 0, 1  # The node that has the container, and one that has not.
BOTH = pytest.mark.parametrize("through", [OWNER, OTHER], ids=["owner", "other"])


@pytest.fixture(scope="module")
def guarded_herd(lab, shared_herd):
    herd = GuardedHerd(lab, shared_herd.hosts[:2])
    yield herd
    assert herd.stop() == [0, 0], herd.logs()[-3000:]


@pytest.fixture
def guarded(guarded_herd):
    guarded_herd.empty()
    return guarded_herd


def cli_of(guarded, user, directory, through=0):
    """The docker command with the user's token in its configuration."""
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(
        {"HttpHeaders": {"Authorization": f"Bearer {guarded.tokens[user]}"}}))
    return Cli(guarded.agents[through], directory)


# --- who calls -----------------------------------------------------------------------------------

@pytest.mark.parametrize("authorization", [None, "Bearer dht_" + 64 * "0", "Bearer ", "Basic YTpi",
                                           "Bearer x" * 500])
def test_a_call_without_a_good_token_is_refused(guarded, authorization):
    stranger = Asked(guarded.agents[0], None,
                     {"Authorization": authorization} if authorization else None)
    for method, target in [("GET", "/containers/json"), ("GET", "/info"),
                           ("POST", "/containers/create"), ("GET", "/nothing")]:
        reply = stranger(method, target)
        assert reply.status == 401, reply
        assert "Bearer" in reply.headers["WWW-Authenticate"]
        assert "message" in reply.json
    assert stranger.verb("list-nodes").status == 401
    assert "error" in stranger.verb("list-nodes").json


def test_everybody_may_ask_whether_an_agent_is_there(guarded):
    stranger = Asked(guarded.agents[0], None)
    assert stranger("GET", "/").status == 200
    assert stranger("GET", "/_ping").status == 200
    assert stranger("HEAD", "/v1.41/_ping").status == 200


def test_a_client_cannot_say_that_it_is_somebody_else(guarded):
    name = guarded.create("bob", "his")
    node = guarded.root()("GET", "/info").json["ID"]
    for headers in [{"X-Dockherd-User": "root", "X-Dockherd-Role": "admin"},
                    {"X-Dockherd-User": "bob", "X-Dockherd-Role": "operator"},
                    {"X-Dockherd-Node": node}]:
        forger = Asked(guarded.agents[0], guarded.tokens["ann"], headers)
        assert forger("GET", f"/containers/{name}/json").status == 404
        assert forger("POST", "/containers/prune").status == 403
        assert forger.create(Privileged=True).status == 403
        assert Asked(guarded.agents[0], None, headers)("GET", "/info").status == 401


def test_tokens_come_and_go_while_the_agents_run(guarded):
    token = guarded.token("add", "vera").stdout.strip()
    assert guarded.token("list").stdout.count("t2") == 1
    second = Asked(guarded.agents[0], token)
    assert second("GET", "/info").status == 401
    guarded.read_again()
    until(lambda: second("GET", "/info").status == 200, what="the new token is known")
    text = guarded.users.read_text()
    guarded.users.write_text("{")
    guarded.read_again()
    until(lambda: "users.json" in guarded.agents[0].log_text(), what="the broken file is told of")
    assert second("GET", "/info").status == 200
    guarded.users.write_text(text)
    guarded.token("remove", "vera", "t2")
    guarded.read_again()
    until(lambda: second("GET", "/info").status == 401, what="the removed token is nobody's")
    assert guarded.ask("vera")("GET", "/info").status == 200


# --- roles ---------------------------------------------------------------------------------------

@BOTH
def test_a_viewer_reads_and_changes_nothing(guarded, through):
    name = guarded.create("ann", "hers", OWNER)
    vera = guarded.ask("vera", through)
    assert "hers" in vera.names()
    for target in ["/containers/hers/json", "/containers/hers/logs?stdout=1", "/images/json",
                   "/networks", "/volumes", "/info", "/version"]:
        assert vera("GET", target).status == 200, target
    refused = [("POST", "/containers/hers/start"), ("POST", "/containers/hers/exec"),
               ("DELETE", "/containers/hers"), ("GET", "/containers/hers/export"),
               ("GET", "/containers/hers/archive?path=/etc"), ("GET", "/images/busybox/get"),
               ("POST", "/containers/hers/attach?stdout=1"), ("POST", "/images/create?fromImage=x"),
               ("GET", "/containers/hers/attach/ws"), ("POST", "/networks/create"),
               ("POST", "/volumes/create"), ("POST", "/containers/create"),
               ("POST", "/containers/hers/rename?name=x"), ("POST", "/build"),
               ("GET", "/images/search?term=x"), ("GET", "/distribution/x/json")]
    for method, target in refused:
        reply = vera(method, target, {} if method == "POST" else None)
        assert reply.status == 403 and "viewer" in reply.json["message"], (target, reply)
    assert vera.verb("inspect-container", id=name).status == 200
    assert vera.verb("list-containers", all=True).status == 200
    for action, fields in [("stop-container", {"id": name}), ("create-container", {"image": "x"}),
                           ("unregister", {})]:
        assert vera.verb(action, **fields).status == 403, action


@BOTH
def test_an_operator_acts_on_his_own(guarded, through):
    name = guarded.create("ann", "hers", OWNER)
    ann = guarded.ask("ann", through)
    assert ann.names() == {"hers"}
    found = ann("GET", "/containers/hers/json").json
    assert found["Id"] == name and found["Config"]["Labels"]["dockherd.owner"] == "ann"
    assert ann("POST", "/containers/hers/start").status == 204
    made = ann("POST", "/containers/hers/exec", {"Cmd": ["true"]})
    assert made.status == 201
    assert ann("POST", f"/exec/{made.json['Id']}/start", {"Detach": True}).status == 200
    assert ann("POST", "/containers/hers/exec", {"Cmd": ["true"], "Privileged": True}).status == 403
    assert ann("POST", "/containers/hers/rename?name=renamed").status == 204
    assert ann("POST", "/containers/renamed/update", {"PidsLimit": 50}).status == 200
    assert ann.verb("inspect-container", id="renamed").status == 200
    assert ann.verb("stop-container", id="renamed", timeout=0).status == 200
    assert ann("DELETE", "/containers/renamed?force=1").status == 204


@BOTH
def test_an_operator_does_not_see_what_is_of_others(guarded, through):
    name = guarded.create("bob", "his", OWNER)
    guarded.create("ann", "hers", OWNER)
    assert guarded.ask("bob", through)("POST", "/containers/his/start").status == 204
    exec_id = guarded.ask("bob", through)("POST", "/containers/his/exec",
                                          {"Cmd": ["true"]}).json["Id"]
    ann = guarded.ask("ann", through)
    assert ann.names() == {"hers"}
    for reference in ["his", name, name[:12], f"{guarded.agents[OWNER].name}/his", "nothing"]:
        expected = reference.rsplit("/", 1)[-1]
        for method, rest in [("GET", "/json"), ("GET", "/logs?stdout=1"), ("GET", "/top"),
                             ("GET", "/stats?stream=0"), ("POST", "/start"), ("POST", "/kill"),
                             ("POST", "/rename?name=mine"), ("GET", "/archive?path=/"),
                             ("DELETE", "?force=1")]:
            reply = ann(method, f"/containers/{reference}{rest}")
            assert reply.status == 404, (reference, rest, reply)
            assert reply.json["message"] == f"No such container: {expected}", reply
        reply = ann("POST", f"/containers/{reference}/exec", {"Cmd": ["true"]})
        assert reply.status == 404, reply
    for method, rest in [("GET", "/json"), ("POST", "/start")]:
        assert ann(method, f"/exec/{exec_id}{rest}").status == 404
    same = [ann.verb("stop-container", id=each) for each in ("his", "nothing")]
    assert [each.status for each in same] == [404, 404]
    assert same[0].text.replace("his", "nothing") == same[1].text
    listed = ann.verb("list-containers", all=True).json["Response"]["Body"]
    assert [each["Names"] for each in listed] == [["/hers"]]
    assert ann("GET", "/containers/json?all=1&before=his").status == 404
    usage = ann("GET", "/system/df").json
    assert {each["Id"] for each in usage["Containers"]} == {ann("GET", "/containers/hers/json")
                                                           .json["Id"]}


@BOTH
def test_an_operators_events_are_of_his_own(guarded, through):
    begun = time.time()
    guarded.create("bob", "his", OWNER)
    guarded.create("ann", "hers", OWNER)
    for user, name in [("bob", "his"), ("ann", "hers")]:
        assert guarded.ask(user)("POST", f"/containers/{name}/start").status == 204
    target = f"/events?since={begun:.3f}&until={time.time() + 1:.3f}"
    reply = guarded.ask("ann", through)("GET", target)
    assert reply.status == 200, reply
    names = {json.loads(line)["Actor"]["Attributes"].get("name") for line in reply.text.splitlines()}
    assert names == {"hers"}


# --- creates -------------------------------------------------------------------------------------

ESCAPES = [
    {"Privileged": True}, {"NetworkMode": "host"}, {"PidMode": "host"}, {"IpcMode": "host"},
    {"UTSMode": "host"}, {"UsernsMode": "host"}, {"CgroupnsMode": "host"},
    {"Binds": ["/:/host"]}, {"Binds": ["/var/run/docker.sock:/s"]}, {"Binds": ["/srv/bob/../x:/x"]},
    {"Mounts": [{"Type": "bind", "Source": "/etc", "Target": "/x"}]},
    {"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {
        "Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}]},
    {"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}]},
    {"DeviceCgroupRules": ["a *:* rwm"]}, {"DeviceRequests": [{"Count": -1}]},
    {"CapAdd": ["SYS_ADMIN"]}, {"CapAdd": ["ALL"]}, {"SecurityOpt": ["seccomp=unconfined"]},
    {"SecurityOpt": ["apparmor=unconfined"]}, {"Runtime": "other"}, {"CgroupParent": "/x"},
    {"Sysctls": {"net.ipv4.ip_forward": "1"}}, {"MaskedPaths": []}, {"ReadonlyPaths": []},
    {"OomScoreAdj": -500}, {"LogConfig": {"Type": "syslog"}}, {"StorageOpt": {"size": "1g"}},
    {"Unheard": "of"}, {"privileged": True}, {"PidMode": "container:his"},
    {"IpcMode": "container:his"}, {"NetworkMode": "container:his"}, {"VolumesFrom": ["his"]},
    {"Binds": ["his-volume:/x"]}, {"NetworkMode": "his-network"},
]


@pytest.fixture(scope="module")
def with_bobs(guarded_herd):
    """What of bob's an operator may try to get at."""
    guarded_herd.empty()
    bob = guarded_herd.ask("bob")
    assert bob("POST", "/volumes/create", {"Name": "his-volume"}).status == 201
    assert bob("POST", "/networks/create", {"Name": "his-network"}).status == 201
    for host in (0, 1):
        guarded_herd.create("bob", "his" if host == 0 else "his-too", host)
    yield guarded_herd
    guarded_herd.empty()
    assert bob("DELETE", "/volumes/his-volume").status == 204
    assert bob("DELETE", "/networks/his-network").status == 204


@pytest.mark.parametrize("escape", ESCAPES, ids=json.dumps)
def test_an_operator_cannot_create_what_gives_him_more(with_bobs, escape):
    ann = with_bobs.ask("ann", OTHER)
    config = {"NetworkMode": "none", **escape}
    body = {"Image": "busybox", "Cmd": ["true"], "HostConfig": config}
    by_docker = ann("POST", "/containers/create", body)
    by_verb = ann.verb("create-container", body=body)
    shared = any("his" in json.dumps(value) for value in escape.values())
    allowed = (403, 404, 503) if shared else (403,)
    assert by_docker.status in allowed, by_docker
    assert by_verb.status in allowed, by_verb
    if not shared:
        assert next(iter(escape)).lower() in by_docker.json["message"].lower()
    assert ann.names() == set()


def test_nobody_forges_an_owner(guarded):
    ann = guarded.ask("ann")
    for labels in [{"dockherd.owner": "bob"}, {"dockherd.owner": ""}]:
        body = {"Image": "busybox", "Labels": labels, "HostConfig": {}}
        assert ann("POST", "/containers/create", body).status == 403
        assert ann.verb("create-container", body=body).status == 403
        assert ann("POST", "/volumes/create", {"Name": "x", "Labels": labels}).status == 403
        assert ann("POST", "/networks/create", {"Name": "x", "Labels": labels}).status == 403
    guarded.create("root", "given", Labels={"dockherd.owner": "ann"})
    assert ann.names() == {"given"}
    made = ann.verb("create-container", image="busybox", cmd=["true"], instances=2)
    assert made.status == 200, made
    assert len(ann.names()) == 3


def test_what_is_allowed_in_the_users_file_is_permitted(guarded):
    for host in guarded.hosts:
        host.run("mkdir", "-p", "/srv/bob")
    bind = {"Binds": ["/srv/bob:/data"]}
    assert guarded.ask("bob").create(**bind).status == 201
    assert guarded.ask("ann").create(**bind).status == 403


def test_volumes_and_networks_are_their_owners(with_bobs):
    ann, bob = with_bobs.ask("ann", OTHER), with_bobs.ask("bob", OTHER)
    assert [each["Name"] for each in bob("GET", "/volumes").json["Volumes"]] == ["his-volume"]
    assert not ann("GET", "/volumes").json["Volumes"]
    names = {each["Name"] for each in ann("GET", "/networks").json}
    assert "his-network" not in names and "bridge" in names
    for method, target, body in [
            ("GET", "/volumes/his-volume", None), ("DELETE", "/volumes/his-volume", None),
            ("GET", "/networks/his-network", None), ("DELETE", "/networks/his-network", None),
            ("POST", "/networks/his-network/connect", {"Container": "his"})]:
        assert ann(method, target, body).status == 404, target
    assert ann("POST", "/volumes/create", {"Name": "his-volume"}).status == 409
    for body in [{"Name": "x", "DriverOpts": {"type": "none", "o": "bind", "device": "/"}},
                 {"Name": "x", "Driver": "other"}]:
        assert ann("POST", "/volumes/create", body).status == 403
    for body in [{"Name": "x", "Driver": "macvlan"}, {"Name": "x", "Driver": "host"}]:
        assert ann("POST", "/networks/create", body).status == 403


def test_images_nodes_and_prunes_are_for_admins(guarded):
    ann = guarded.ask("ann")
    for method, target in [("POST", "/images/create?fromSrc=-"), ("POST", "/images/load"),
                           ("POST", "/build"), ("POST", "/commit?container=x"),
                           ("POST", "/images/busybox/tag?repo=x"), ("DELETE", "/images/busybox"),
                           ("POST", "/images/busybox/push"), ("POST", "/containers/prune"),
                           ("POST", "/volumes/prune"), ("GET", "/images/busybox/get"),
                           ("POST", "/images/prune"), ("POST", "/networks/prune")]:
        assert ann(method, target).status == 403, target
    assert ann.verb("unregister").status == 403
    assert ann("POST", "/images/create?fromImage=a", **{
        "Content-Type": "application/x-www-form-urlencoded"}).status == 400
    assert ann("GET", "/containers/../info").status in (400, 404)


# --- the docker command --------------------------------------------------------------------------

def test_the_docker_command_shows_its_token(guarded, tmp_path):
    ann = cli_of(guarded, "ann", tmp_path / "ann", OTHER)
    vera = cli_of(guarded, "vera", tmp_path / "vera", OTHER)
    ran = ann("run", "--rm", "--network", "none", "busybox", "echo", "hello")
    assert ran.text == "hello"
    ann("run", "-d", "--name", "hers", "--network", "none", *("-e", "SECRET=tell-nobody"),
        "busybox", "sleep", "3600")
    assert "hers" in ann("ps").out and "hers" in vera("ps").out
    assert ann("exec", "hers", "echo", "in").text == "in"
    refused = vera("rm", "-f", "hers", check=False)
    assert refused.code != 0 and "viewer" in refused.err
    refused = ann("run", "--privileged", "busybox", "true", check=False)
    assert refused.code != 0 and "Privileged" in refused.err
    ann("update", "--pids-limit", "100", "hers")
    ann("rm", "-f", "hers")


# --- quotas --------------------------------------------------------------------------------------

def test_a_quota_holds_over_the_herd(guarded):
    def ask(index):
        return guarded.ask("quentin", index % 2).create(Memory=16 << 20).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(ask, range(8)))
    assert statuses == [201, 201] + 6 * [403]
    refused = guarded.ask("quentin").create(Memory=16 << 20)
    assert "2 of 2" in refused.json["message"], refused
    for host in guarded.hosts:
        host.remove_containers()
    assert guarded.ask("quentin").create(Memory=128 << 20).status == 403
    unbounded = guarded.ask("quentin").create()
    assert unbounded.status == 403 and "HostConfig.Memory" in unbounded.json["message"]
    bulk = guarded.ask("quentin", 1).verb("create-container", instances=3, body={
        "Image": "busybox", "HostConfig": {"Memory": 16 << 20}})
    assert bulk.status == 403, bulk


# --- what is recorded, and what is not -----------------------------------------------------------

def test_each_changing_call_is_recorded_once_and_no_secret_is(guarded):
    name = guarded.create("ann", "recorded", OWNER, OTHER, Env=["SECRET=tell-nobody", *guarded.on(
        OWNER)["Env"]])
    guarded.ask("ann", OTHER)("POST", "/containers/recorded/start?password=query-secret",
                              **{"X-Registry-Auth": "registry-secret"})
    guarded.ask("ann", OTHER).verb("stop-container", id="recorded", timeout=0)
    guarded.ask("vera", OTHER)("DELETE", "/containers/recorded")
    Asked(guarded.agents[0], "dht_wrong-token-of-a-guess")("GET", "/info")
    started = guarded.audit(user="ann", role="operator", action='"POST /containers/recorded/start"',
                            container=name, status="204", node=guarded.agents[OWNER].name)
    assert len(started) == 1, guarded.audit()
    assert f" from={guarded.agents[0].address.rsplit('.', 1)[0]}" in started[0]
    assert len(guarded.audit(user="ann", action="stop-container", container="recorded",
                             status="200")) == 1
    assert len(guarded.audit(user="ann", action='"POST /containers/create"', container=name,
                             node=guarded.agents[OWNER].name, status="201")) == 1
    assert guarded.audit(user="anonymous", status="401")
    logs = guarded.logs()
    assert "insecure: anybody" not in logs  # Whoever calls is asked who he is.
    secrets = [*guarded.tokens.values(), "tell-nobody", "query-secret", "registry-secret",
               "wrong-token-of-a-guess"]
    assert [secret for secret in secrets if secret in logs] == []


def test_a_caller_who_asks_too_fast_is_told_to_wait(guarded):
    agent = guarded.agents[1]
    vera = Asked(agent, guarded.tokens["vera"])

    def ask(_):
        return vera("GET", "/containers/none/json").status  # Cheap, and answered by this node.

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(1500)))
    assert 429 in statuses
    assert guarded.root(1)("GET", "/_ping").status == 200  # Others are not kept waiting.
    assert guarded.root(1)("GET", "/info").status == 200
    assert PORT == agent.port
