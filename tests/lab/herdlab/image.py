"""A busybox image from Debian's busybox-static, as a tar archive for `docker import`."""

import functools
import io
import subprocess
import tarfile

BUSYBOX = "/bin/busybox"


def _add(archive, name, content=b"", **fields):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for field, value in fields.items():
        setattr(entry, field, value)
    archive.addfile(entry, io.BytesIO(content))


@functools.lru_cache(maxsize=1)
def busybox_tar():
    """The archive as bytes: /bin/busybox, a link for each applet, /etc/passwd, /tmp."""
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True,
                             check=True).stdout.split()
    with open(BUSYBOX, "rb") as file:
        program = file.read()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory in ("bin", "etc", "root", "proc", "sys", "dev", "var"):
            _add(archive, directory, type=tarfile.DIRTYPE, mode=0o755)
        _add(archive, "tmp", type=tarfile.DIRTYPE, mode=0o1777)
        _add(archive, "bin/busybox", program, mode=0o755)
        for applet in applets:
            if applet != "busybox":
                _add(archive, f"bin/{applet}", type=tarfile.SYMTYPE, linkname="busybox")
        _add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        _add(archive, "etc/group", b"root:x:0:\n")
    return buffer.getvalue()
