"""Images that a host lacks: pulled first, or its share moves to hosts that have them."""
from herdlab import LoopbackHerd
from herdlab.lab import herd_is_whole as whole

LACKING = ("--image", "busybox:latest")
HAVING = (*LACKING, "--image", "alpine:latest")


def hosts_of(reply):
    return sorted(envelope["dockerInstance"] for envelope in reply.json["containers"])


def herd_with(*daemons, **conf):
    return LoopbackHerd(len(daemons), daemons=daemons, conf=conf)


def test_a_missing_image_is_pulled_whoever_is_asked():
    pullable = (*LACKING, "--registry", "alpine:latest")
    with herd_with(pullable, LACKING) as herd:
        first, second = herd.agents
        whole(herd.agents)
        assert second.verb("unregister", hostname="node2").status == 200
        assert first.verb("list-images", hostname="node1").text.count("alpine") == 0
        reply = second.verb("create-container", image="alpine", start=True)
        assert reply.status == 200, reply
        assert reply.json["dockerInstance"] == "node1"
        assert "alpine:latest" in second.verb("list-images", hostname="node1").text


def test_a_pull_that_takes_longer_than_a_create_may_is_waited_for():
    slow = (*LACKING, "--registry", "alpine:latest", "--pull-ms", "3000")
    with herd_with(slow, slow, newContainerTimeout=1000) as herd:
        whole(herd.agents)
        reply = herd.agents[0].verb("create-container", image="alpine", instances=6)
        assert reply.status == 200, reply
        assert hosts_of(reply) == ["node1"] * 3 + ["node2"] * 3


def test_a_pull_that_takes_longer_than_a_pull_may_is_a_failure_that_says_so():
    endless = (*LACKING, "--registry", "alpine:latest", "--pull-ms", "600000")
    with herd_with(endless, newContainerTimeout=1000, pullTimeout=1500) as herd:
        reply = herd.agents[0].verb("create-container", image="alpine")
        assert reply.status == 404, reply
        assert "did not end in time" in reply.json["error"]
        assert herd.agents[0].verb("list-containers").json["Response"]["Body"] == []


def test_the_share_of_a_host_without_the_image_moves_to_those_that_have_it():
    with herd_with(LACKING, HAVING, HAVING) as herd:
        whole(herd.agents)
        reply = herd.agents[0].verb("create-container", image="alpine", instances=6)
        assert reply.status == 200, reply
        assert hosts_of(reply) == ["node2"] * 3 + ["node3"] * 3


def test_an_image_that_cannot_be_had_is_an_error_that_names_the_hosts_that_have_it():
    with herd_with(LACKING, HAVING, HAVING, LACKING) as herd:
        whole(herd.agents)
        for hostname in ("node2", "node3"):
            assert herd.agents[0].verb("unregister", hostname=hostname).status == 200
        reply = herd.agents[3].verb("create-container", image="alpine")
        assert reply.status == 404, reply
        assert "pull access denied" in reply.json["error"]
        assert "hosts that have it: node2, node3" in reply.json["error"]
