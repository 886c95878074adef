"""An authority and what it signs, made by the openssl command as docs/docker-api.md describes it."""

import pathlib
import ssl
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    def __init__(self, directory, name="authority"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file = self.directory / "ca.pem"
        openssl("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}",
                "-keyout", self.directory / "ca.key", "-out", self.file)

    def issue(self, directory, name, address=None):
        """cert.pem, key.pem and ca.pem in `directory`, as the docker command wants them."""
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        request, more = directory / "request.pem", directory / "more"
        openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", directory / "key.pem", "-out", request)
        more.write_text(f"subjectAltName=IP:{address}\n" if address else "")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.directory / "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", more, "-out", directory / "cert.pem")
        (directory / "ca.pem").write_bytes(self.file.read_bytes())
        return directory


def trusting(directory):
    """An ssl.SSLContext of a client with what is in `directory`."""
    context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    if (directory / "cert.pem").exists():
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context
