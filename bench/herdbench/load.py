"""The load client bench/http_load, run from here or from inside a host of the lab."""

import json
import subprocess
import time

POST = ("--method", "POST", "--path", "/")


class Load:
    def __init__(self, program):
        self._program = str(program)

    def run(self, mode, targets, *options, net=None):
        """What http_load says, as a dict. `net`: the network namespace that it runs in."""
        enter = ["nsenter", f"--net={net}"] if net else []
        command = [*enter, self._program, mode, *map(str, options), *targets]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr}")
        answer = json.loads(result.stdout)
        if answer["refused"]:
            raise RuntimeError(f"{' '.join(command)}: {answer['refused']} answers were refusals, "
                               f"the last with {answer['last_refusal']}")
        return answer

    def forwarder(self, port, target, net):
        """A running process that hands bytes on from a port of loopback. The caller ends it."""
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={net}",
                                    self._program, "forward", "--listen", str(port), target])
        time.sleep(0.2)
        return process


def agent_target(agent):
    return f"tcp:{agent.address}:{agent.port}"


def daemon_target(host):
    return f"unix:{host.docker_socket}"


def verb(action, **fields):
    """Options that make http_load ask an agent for a verb."""
    return (*POST, "--body", json.dumps({"action": action, **fields}))
