"""Python environments with the oldest version of each framework that tidegate supports.

Each is made once, below `target`, and made anew when its list changes. The package under test is
the one that `.venv` has: the environments see its folder, and nothing else of it.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "target" / "venvs"

# A framework's oldest version, and of what it needs the versions that it went with.
OLDEST = {
    "flask": [
        *("flask==2.2.0", "werkzeug==2.2.3", "asgiref==3.5.2", "flask-login==0.6.3"),
        *("gunicorn==27.0.1", "waitress==3.0.2"),
    ],
    "fastapi": ["fastapi==0.100.0", "starlette==0.27.0", "uvicorn==0.54.0", "hypercorn==0.18.0"],
    "django": ["django==4.2", "gunicorn==27.0.1", "uvicorn==0.54.0", "daphne==4.2.3"],
    "drf": ["djangorestframework==3.15.1", "django==4.2", "gunicorn==27.0.1", "uvicorn==0.54.0"],
}

# What does not go with the others: Sanic wants an older multidict than aiohttp, BlackSheep brings
# httptools, which would become the parser of every uvicorn, and Litestar a plugin of pytest.
APART = {
    "litestar": ["litestar==2.25.0", "uvicorn==0.54.0"],
    "sanic": ["sanic==25.12.1", "uvicorn==0.54.0"],
    "blacksheep": ["blacksheep==2.6.4", "uvicorn==0.54.0"],
}


def python_with(framework: str, *, oldest: bool = True) -> str:
    """The interpreter that has the oldest supported version of `framework`, or the newest.

    One that is apart has only one version.
    """
    if not oldest:
        return sys.executable
    packages = {**OLDEST, **APART}[framework]
    wanted = "\n".join(packages)
    digest = hashlib.sha256(f"{sys.version}\n{wanted}".encode()).hexdigest()[:12]
    venv = HOME / f"{framework}-{digest}"
    python = venv / "bin" / "python"
    if not (venv / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", venv], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        subprocess.run([*pip, *packages], check=True)
        (package,) = venv.glob("lib/python*/site-packages")
        (package / "tidegate-under-test.pth").write_text(f"{ROOT / 'python'}\n")
        (venv / "done").touch()
    return str(python)
