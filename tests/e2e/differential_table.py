"""Where the herd's answers differ from a daemon's by design: each with the reason.

docs/docker-api.md has the same list in words.
"""

from differential import Difference

# A path's beginning, with a version or without.
V = r"^\w+ (/v1\.\d+)?"

DIFFERENCES = [
    # What the herd tells beyond a daemon.
    Difference(V + "/(containers/json|system/df)", r"/body/(Containers/)?\d+/Names/\d+$",
               "names in lists are node/name, as Classic Swarm's users know them"),
    Difference(V + "/(containers/json|system/df)", r"/body/(Containers/)?\d+/Labels/dockherd\.node$",
               "each container in a list tells its node", added=True),
    Difference(V + "/containers/json", r"/body/\d+/CreatedNano$",
               "lists of several hosts are put in order by it", added=True),
    Difference(V + "/containers/[^/]+/json", r"/body/Node$",
               "inspect has Classic Swarm's Node object", added=True),
    Difference(V + "/networks/[^/]+$", r"/body/Containers/[^/]+/Node$",
               "inspect of a network tells the node of each container", added=True),
    Difference(V + "/(images/json|networks|volumes|system/df)",
               r"/body(/Volumes|/Images)?(/\d+)?/Nodes$",
               "what several hosts may have tells which", added=True),
    Difference(V + r"/(networks|volumes)(\?|$)", r"/body(/Volumes)?/\d+/Labels(/dockherd\.nodes)?$",
               "networks and volumes in lists have their hosts as a label"),
    Difference(V + "/info", r"/body/.*$", "info describes the herd and each of its nodes"),
    Difference(V + "/version", r"/body/(MinAPIVersion|Version|Platform/Name|Components.*)$",
               "version names the herd and its lowest API version"),
    Difference(".", r"/headers/(api-version|ostype|docker-experimental)$",
               "answers of every kind tell the version", added=True),

    # What the herd does not do.
    Difference(V + r"/(swarm|services|nodes|secrets|configs|tasks|plugins)\b",
               r"/(status|body.*|headers/content-type)$",
               "Swarm mode and plugins are a daemon's own; the herd answers 501 and says what to use"),
    Difference(V + "/session", r"/(status|body/message)$",
               "a BuildKit session is one daemon's; the herd answers 501 and says what to use"),
    Difference(r"^\w+ /v(0\.\d+|1|1\.1\d)/", r"/(status|body.*|headers/.*)$",
               "the herd speaks 1.24 and later, and says so as JSON"),

    # What the herd understands in another way.
    Difference(r"^GET (//|/containers(//|/\.\./))", r"/(status|body.*|headers/.*)$",
               "paths are taken as they are: a daemon sends its client to the path without // and .."),
    Difference(r"^GET /containers/json\?(all=1;|%zz)", r"/(status|body.*)$",
               "a query is read leniently where a daemon refuses a semicolon or a bad escape"),
    Difference(r"^\w+ /v1/", r"/headers/.*$",
               "a version that is too old is refused as JSON, too"),
    Difference(r"^\w+ /v1/", r"/body.*$",
               "a version that is too old is refused as JSON, and names the herd's lowest"),
    Difference(V + r"/containers/json\?(since|before)=", r"/(status|body.*)$",
               "since and before are heeded as parameters too; daemons ignore them since API 1.25"),
    Difference(r"^POST /containers/create .*NanoCpus", r"/(status|body/message)$",
               "what no host has to give is refused by the herd, which says why for each host"),
    Difference(V + "/containers/[^/]+/kill", r"/body/message$",
               "an unknown container is named in the same words by every call"),
    Difference(V + "/containers/[^/]+/attach", r"/(headers/content-type|body)$",
               "errors of attach are JSON, as all others"),
    Difference(V + r"/containers/json\?(filters|limit)=", r"/(status|body/message)$",
               "a query that is not understood is the client's fault: 400 where a daemon says 500"),
]
