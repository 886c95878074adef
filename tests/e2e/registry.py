"""A registry for pulls, as a program for one host: "registry.py PORT NAME:TAG ..." serves an image of
one small layer under each name, and refuses pushes to any. Daemons trust 127.0.0.0/8 without TLS."""

import gzip
import hashlib
import http.server
import io
import json
import sys
import tarfile

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer(name):
    """A layer with one file that holds the image's name: tar and its compressed form."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("name")
        entry.size = len(name)
        archive.addfile(entry, io.BytesIO(name.encode()))
    return buffer.getvalue(), gzip.compress(buffer.getvalue(), mtime=0)


class Image:
    def __init__(self, name):
        plain, packed = layer(name)
        config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/name"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(plain)]}}).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                       "size": len(config), "digest": digest(config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(packed), "digest": digest(packed)}]}).encode()
        self.blobs = {digest(config): config, digest(packed): packed}


def handler_for(images):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, status, content_type, body):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if content_type == MANIFEST:
                self.send_header("Docker-Content-Digest", digest(body))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _found(self):
            for name, image in images.items():
                repository, tag = name.rsplit(":", 1)
                start = f"/v2/{repository}/"
                if self.path in (f"{start}manifests/{tag}",
                                 f"{start}manifests/{digest(image.manifest)}"):
                    return MANIFEST, image.manifest
                for key, content in image.blobs.items():
                    if self.path == f"{start}blobs/{key}":
                        return "application/octet-stream", content
            return None

        def do_GET(self):
            print(self.command, self.path, self.headers.get("Authorization", "-"), flush=True)
            if self.path == "/v2/":
                return self._answer(200, "application/json", b"{}")
            found = self._found()
            if found:
                return self._answer(200, *found)
            error = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
            return self._answer(404, "application/json", error)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    return Handler


def main():
    images = {name: Image(name) for name in sys.argv[2:]}
    address = ("127.0.0.1", int(sys.argv[1]))
    with http.server.ThreadingHTTPServer(address, handler_for(images)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
