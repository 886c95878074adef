"""Where the herd's answers differ from a daemon's by design: each with the reason.

docs/docker-api.md has the same list in words.
"""

from differential import Difference

DIFFERENCES = [
    Difference(r"^GET (/v1\.\d+)?/containers/json", r"/body/\d+/Names/\d+$",
               "names in lists are node/name, as Classic Swarm's users know them"),
    Difference(r"^GET (/v1\.\d+)?/containers/json", r"/body/\d+/Labels/dockherd\.node$",
               "each container in a list tells its node"),
    Difference(r"^GET (/v1\.\d+)?/containers/json", r"/body/\d+/Ports(/\d+/IP)?$",
               "published ports show the host's address, which can be connected to"),
    Difference(r"^GET (/v1\.\d+)?/containers/[^/]+/json", r"/body/Node$",
               "inspect has Classic Swarm's Node object"),
    Difference(r"^GET (/v1\.\d+)?/containers/[^/]+/json",
               r"/body/NetworkSettings/Ports/[^/]+/\w+(/\d+/HostIp)?$",
               "published ports show the host's address, which can be connected to"),
    Difference(r"^GET (/v1\.\d+)?/events", r"/body/\d+/(Actor/Attributes/node\..*|node)$",
               "events tell their node"),
    Difference(r"^GET (/v1\.\d+)?/(images/json|networks|volumes)",
               r"/body(/Volumes)?(/\d+)?/Nodes$", "what several hosts have tells which"),
    Difference(r"^GET (/v1\.\d+)?/(networks|volumes)(\?|$)",
               r"/body(/Volumes)?/\d+/Labels(/dockherd\.nodes)?$",
               "what several hosts have tells which"),
    Difference(r"(/v1\.\d+)?/(swarm|services|nodes|secrets|configs|tasks|plugins)\b",
               r"/(status|body.*|headers/content-type)$",
               "Swarm mode and plugins are a daemon's own; the herd answers 501 and says what to use"),
    Difference(r"^\w+ /v1\.1\d/", r"/(status|body.*|headers/.*)$",
               "the herd speaks 1.24 and later"),
    Difference(r"^GET (/v1\.\d+)?/info", r"/body/.*$", "info describes the herd"),
    Difference(r"^GET (/v1\.\d+)?/version", r"/body/(MinAPIVersion|Version|Platform/Name|Components.*)$",
               "version describes the herd"),
]
