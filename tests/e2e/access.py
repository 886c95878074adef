"""A herd that asks who calls: two of the lab's hosts, each with an agent beside the usual one."""

import json
import pathlib
import signal
import subprocess

from herdlab import processes, until

PORT = 9080
USERS = {
    "root": {"role": "admin"},
    "vera": {"role": "viewer"},
    "ann": {"role": "operator"},
    "bob": {"role": "operator", "allow": {"mounts": ["/srv/bob"]}},
    "quentin": {"role": "operator", "quota": {"containers": 2, "memory": "64m"}},
}


class Asked:
    """One user at one agent."""

    def __init__(self, agent, token, headers=None):
        self.agent = agent
        self.headers = dict(headers or {})
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, target, body=None, **headers):
        sent = {**self.headers, **headers}
        if body is not None:
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        return self.agent.request(method, target, body, sent)

    def verb(self, action, **fields):
        return self("POST", "/", {"action": action, **fields})

    def create(self, name="", **host_config):
        body = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
                "HostConfig": {"NetworkMode": "none", **host_config}}
        return self("POST", f"/containers/create?name={name}", body)

    def names(self):
        reply = self("GET", "/containers/json?all=1")
        assert reply.status == 200, reply
        return {name.rsplit("/", 1)[-1] for each in reply.json for name in each["Names"]}


class GuardedHerd:
    def __init__(self, lab, hosts):
        self.hosts = hosts
        self.tokens = {}
        directory = pathlib.Path(hosts[0].directory)
        self.program = lab.program("dockherd")
        self.key = directory / "access.key"
        self.users = directory / "users.json"
        subprocess.run([self.program, "keygen", self.key], check=True, capture_output=True)
        self.users.write_text(json.dumps({"users": USERS}))
        self.users.chmod(0o600)
        for name, user in USERS.items():
            self.tokens[name] = self.token("add", name, "--role", user["role"]).stdout.strip()
        self.agents = [
            host.agent(name=f"{host.name}-guarded", port=PORT, cluster="herd: guarded\n",
                       conf={"key": str(self.key), "users": str(self.users), "plainNames": True,
                             "limits": {"requestsPerSecond": 100, "burst": 400}})
            for host in hosts]
        for agent in self.agents:
            agent.begin()
        for agent in self.agents:
            agent.wait_until_up()
        until(lambda: all(len(self.root(i).verb("list-nodes").json["nodes"]) == len(hosts)
                          for i in range(len(hosts))), 60, what="the guarded herd is whole")

    def token(self, *arguments):
        return subprocess.run([self.program, "token", *arguments, "--users", self.users],
                              check=True, capture_output=True, text=True)

    def read_again(self):
        for agent in self.agents:
            processes.send_signal(agent.pid, signal.SIGHUP)

    def ask(self, user, index=0):
        return Asked(self.agents[index], self.tokens.get(user))

    def root(self, index=0):
        return self.ask("root", index)

    def on(self, index):
        """For create: on this host."""
        return {"Env": [f"constraint:node=={self.agents[index].name}"]}

    def create(self, user, name, host=0, through=0, **config):
        body = {"Image": "busybox", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
                "HostConfig": {"NetworkMode": "none"}, **self.on(host), **config}
        reply = self.ask(user, through)("POST", f"/containers/create?name={name}", body)
        assert reply.status == 201, reply
        return reply.json["Id"]

    def empty(self):
        for host in self.hosts:
            host.remove_containers()
        until(lambda: not self.root().names() and not self.root(1).names(), 60,
              what="the guarded herd is empty")

    def logs(self):
        return "".join(agent.log_text() for agent in self.agents)

    def audit(self, **wanted):
        """The audit lines with these pairs."""
        lines = [line for line in self.logs().splitlines() if " audit: call " in line]
        return [line for line in lines
                if all(f" {key}={value}" in line for key, value in wanted.items())]

    def stop(self):
        return [agent.stop() for agent in self.agents if agent.alive]
