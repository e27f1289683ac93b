"""A network of the benchmark's own, with one address that is not on a loopback device.

Servers that skip loopback devices (Janus) offer that address, and so all of them are measured on
it; packets to an address of one's own still take the kernel's way over loopback. The command
starts itself once more under `unshare` (util-linux); a network namespace goes when its last
process ends, so nothing is left behind and nothing gets out of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# Documentation range (RFC 5737): stands for nothing else anywhere.
ADDRESS = "192.0.2.1"
_ENTERED = "TONGKE_BENCHMARK_NAMESPACE"
# A pair of devices; the other end is there only because one end alone cannot be up.
_SETUP = (
    "link set lo up",
    "link add bench0 type veth peer name bench1",
    f"address add {ADDRESS}/24 dev bench0",
    "link set bench0 up",
    "link set bench1 up",
)


def enter(module: str) -> None:
    """Go on inside a namespace of our own, as `python -m module` with the same arguments.

    Returns only inside it, with the address up. Ends the program, saying why, where a namespace
    cannot be made.
    """
    unshare, ip = shutil.which("unshare"), shutil.which("ip", path=f"{os.defpath}:/usr/sbin:/sbin")
    if unshare is None or ip is None:
        sys.exit("The benchmark needs `unshare` and `ip` (Debian packages util-linux, iproute2).")
    if os.environ.get(_ENTERED) != ADDRESS:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = [unshare, *user, "--net", sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(unshare, command, {**os.environ, _ENTERED: ADDRESS})  # noqa: S606  # ourselves
    for arguments in _SETUP:
        result = subprocess.run(
            [ip, *arguments.split()], check=False, capture_output=True, text=True
        )
        if result.returncode:
            sys.exit(
                f"The benchmark cannot make a network of its own (ip {arguments}): "
                f"{result.stderr.strip()}\nWithout it: --loopback (Janus is left out)."
            )
