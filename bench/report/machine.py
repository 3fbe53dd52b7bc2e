"""What the numbers were measured on and with, in words that say nothing about whose it is."""

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.environment import REQUIREMENTS, ROOT


def describe() -> dict[str, str]:
    """Returns processor, memory, system and compilers."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores in use",
        "caches": _caches(),
        "memory": f"{round(pages / 2**30)} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "rust": rustc.stdout.split()[1],
    }


def versions() -> dict[str, str]:
    """Returns the versions of what is measured."""
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)$", REQUIREMENTS.read_text(), re.MULTILINE))
    pins.pop("matplotlib")
    lock = (ROOT / "bench" / "rust" / "Cargo.lock").read_text()
    for crate in ("governor", "tidegate"):
        found = re.search(rf'name = "{crate}"\nversion = "(.+)"', lock)
        if found:
            pins[crate] = found.group(1)
    return dict(sorted(pins.items()))


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else "unknown"


def _caches() -> str:
    sizes = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            sizes.append(f"L{level} {size}")
    return ", ".join(sizes) or "unknown"
